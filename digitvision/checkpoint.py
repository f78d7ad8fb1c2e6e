"""Networks to evaluate: an ONNX or a Keras file, with or without a card."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from digitvision.model_files import ModelError, read_model, start_session

Run = Callable[[np.ndarray], list[np.ndarray]]  # float32 (n, 28, 28, 1) → (n, 10), perhaps (n, 1)
_BATCH = 500  # images in one run of the network, to limit memory


class Checkpoint(NamedTuple):
    "A network and its card."

    name: str
    card: dict[str, Any]  # empty if the file has none
    has_score: bool  # True if the network has a second output, the digit score
    run: Run

    def predict(
        self,
        images: np.ndarray,  # uint8 (n, 28, 28), preprocessed as MNIST is; n > 0
    ) -> tuple[np.ndarray, np.ndarray]:  # probabilities (n, 10), digit scores (n,), float32
        "Run the network; if it has no digit score, the largest probability takes its place."
        inputs = images[..., None].astype(np.float32) / 255
        parts = [self.run(inputs[i : i + _BATCH]) for i in range(0, len(inputs), _BATCH)]
        probabilities, *scores = (np.concatenate(part) for part in zip(*parts, strict=True))
        return probabilities, scores[0].ravel() if scores else probabilities.max(axis=1)


def load_checkpoint(
    checkpoint: str | Path,  # name of a model, or path of a .onnx or .keras file
) -> Checkpoint:
    "Load a network and its card. Raises ModelError if it is missing, damaged or not for digits."
    path = Path(checkpoint)
    is_file = path.suffix in (".onnx", ".keras")
    card, network = _read_file(path) if is_file else read_model(str(checkpoint))
    try:
        run = _load_keras(path) if path.suffix == ".keras" else _load_onnx(network)
        probabilities, *scores = run(np.zeros((1, 28, 28, 1), np.float32))
    except Exception as error:  # the two libraries raise many kinds of errors
        raise ModelError(f"{checkpoint} is not a network for 28×28 images ({error}).") from error
    if probabilities.shape != (1, 10):
        raise ModelError(f"{checkpoint} returns {probabilities.shape[1:]}, not ten probabilities.")
    return Checkpoint(path.stem if is_file else str(checkpoint), card, bool(scores), run)


def _read_file(path: Path) -> tuple[dict[str, Any], bytes]:
    "Return the card (NAME.json) beside a file, {} if missing, and the file. Raises ModelError."
    if not path.is_file():
        raise ModelError(f"There is no file {path}.")
    card = path.with_suffix(".json")
    if not card.exists():
        return {}, path.read_bytes()
    if path.suffix == ".onnx":
        return read_model(path.stem, path.parent)
    try:
        return json.loads(card.read_bytes()), path.read_bytes()
    except ValueError as error:
        raise ModelError(f"{card} cannot be read: {error}.") from error


def _load_onnx(onnx: bytes) -> Run:
    "Return a function that runs an ONNX network: its probabilities, and its digit score if any."
    session = start_session(onnx)
    (image,), (probabilities, *others) = session.get_inputs(), session.get_outputs()
    names = [probabilities.name, *(out.name for out in others if out.shape[1:] == [1])]
    return lambda inputs: session.run(names, {image.name: inputs})


def _load_keras(path: Path) -> Run:
    "Return a function that runs a Keras network and returns all its outputs."
    import keras  # takes seconds to import

    model = keras.saving.load_model(path, compile=False)
    return lambda inputs: keras.tree.flatten(model.predict_on_batch(inputs))
