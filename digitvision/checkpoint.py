"""Networks to evaluate: an ONNX or a Keras file, with or without a card."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitvision.model_files import ModelError, read_model, start_session

Run = Callable[[np.ndarray], list[np.ndarray]]  # float32 (n, 28, 28, 1) → the network's outputs
_BATCH = 500  # images in one run of the network, to limit memory


@dataclass(frozen=True, eq=False)
class Checkpoint:
    "A network and its card."

    name: str
    card: dict[str, Any]  # empty if the file has none
    has_score: bool  # True if the network has a second output, the digit score
    run: Run

    def predict(
        self,
        images: np.ndarray,  # uint8 (n, 28, 28), framed as MNIST is; n > 0
    ) -> tuple[np.ndarray, np.ndarray]:  # probabilities (n, 10), digit scores (n,), float32
        "Run the network; without a score of its own, the score is the largest probability."
        inputs = images[..., None].astype(np.float32) / 255
        parts = [self.run(inputs[i : i + _BATCH]) for i in range(0, len(inputs), _BATCH)]
        probabilities, *scores = (np.concatenate(part) for part in zip(*parts, strict=True))
        return probabilities, scores[0].ravel() if scores else probabilities.max(axis=1)


def load_checkpoint(
    checkpoint: str | Path,  # name of a model, or path of a .onnx or .keras file
) -> Checkpoint:
    "Load a network. Raises ModelError if there is none, or it is damaged or reads no digits."
    name, card, load = _find(checkpoint)
    try:
        run = load()
        probabilities, *scores = run(np.zeros((1, 28, 28, 1), np.float32))
    except Exception as error:  # the two libraries raise many kinds of errors
        raise ModelError(f"{checkpoint} is not a network for 28×28 images ({error}).") from error
    if probabilities.shape != (1, 10):
        raise ModelError(f"{checkpoint} returns {probabilities.shape[1:]}, not ten probabilities.")
    return Checkpoint(name, card, bool(scores), run)


def _find(checkpoint: str | Path) -> tuple[str, dict[str, Any], Callable[[], Run]]:
    "Return the name of a network, its card, and a function that loads it."
    path = Path(checkpoint)
    if path.suffix not in (".onnx", ".keras"):
        card, onnx = read_model(str(checkpoint))
        return str(checkpoint), card, lambda: _load_onnx(onnx)
    if not path.is_file():
        raise ModelError(f"There is no file {path}.")
    has_card = path.with_suffix(".json").exists()
    if path.suffix == ".keras":
        return path.stem, _read_card(path) if has_card else {}, lambda: _load_keras(path)
    card, onnx = read_model(path.stem, path.parent) if has_card else ({}, path.read_bytes())
    return path.stem, card, lambda: _load_onnx(onnx)


def _read_card(path: Path) -> dict[str, Any]:
    "Return the card beside a Keras file, or raise ModelError."
    try:
        return json.loads(path.with_suffix(".json").read_bytes())
    except ValueError as error:
        raise ModelError(f"{path.with_suffix('.json')} cannot be read: {error}.") from error


def _load_onnx(onnx: bytes) -> Run:
    "Return a function that runs an ONNX network and returns its probabilities and digit score."
    session = start_session(onnx)
    (image,), (probabilities, *others) = session.get_inputs(), session.get_outputs()
    names = [probabilities.name, *(out.name for out in others if out.shape[1:] == [1])]
    return lambda inputs: session.run(names, {image.name: inputs})


def _load_keras(path: Path) -> Run:
    "Return a function that runs a Keras network."
    import keras  # takes seconds to import

    model = keras.saving.load_model(path, compile=False)
    return lambda inputs: keras.tree.flatten(model.predict_on_batch(inputs))
