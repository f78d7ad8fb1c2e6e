"""The files of a model: NAME.onnx (used to predict), NAME.keras (to train on) and NAME.json."""

import base64
import hashlib
import json
import platform
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import onnxruntime

from .errors import DigitVisionError
from .files import user_folder, write_atomically, write_json

if TYPE_CHECKING:  # reading a model needs no TensorFlow
    import keras

    from .data import Mnist, Split
    from .train import Run

CHECKPOINTS = Path(__file__).parent / "checkpoints"  # the models that ship
DEFAULT_MODEL = "digitvision"


class ModelError(DigitVisionError, RuntimeError):
    "There is no model of this name, or its files are damaged."


def user_models() -> Path:
    "Return the folder of the models that the user trained: `user_folder()` / models."
    return user_folder() / "models"


def _find(folder: str | Path | None) -> dict[str, Path]:
    "Return name → ONNX file of each model; for the same name, the shipped one, not the user's."
    folders = [Path(folder)] if folder else [user_models(), CHECKPOINTS]
    return {path.stem: path for where in folders for path in where.glob("*.onnx")}


def list_models(folder: str | Path | None = None) -> list[str]:
    "List the models in a folder, sorted by name; by default those that ship and the user's."
    return sorted(_find(folder))


def read_model(
    name: str,  # of a model
    folder: str | Path | None = None,  # default: the shipped models, then the user's
) -> tuple[dict[str, Any], bytes]:  # its card (see `write_model`), and its network as ONNX
    """Read the card and the network of a model.

    Raises ModelError if there is no such model, its files cannot be read, or the network's
    SHA-256 is not the one on the card."""
    models = _find(folder)
    if name not in models:
        available = ", ".join(sorted(models)) or "none"
        raise ModelError(f"There is no model {name!r}; there is {available}.")
    try:
        card = json.loads(models[name].with_suffix(".json").read_text(encoding="utf-8"))
        onnx = models[name].read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"The files of model {name!r} cannot be read: {error}.") from error
    if hashlib.sha256(onnx).hexdigest() != card.get("sha256"):
        raise ModelError(
            f"{name}.onnx is damaged, or not the model that {name}.json describes: "
            "its SHA-256 differs from the one on the card."
        )
    return card, onnx


def start_session(
    onnx: bytes,  # a network, as `read_model` returns it
    layers: bool = False,  # make the outputs and the weights of the layers outputs, too
) -> onnxruntime.InferenceSession:
    """Start an ONNX Runtime session that runs a network on one CPU thread.

    Raises ModelError for `layers` if the file does not name them (see onnx_layers)."""
    # One thread has the shortest worst-case time. The memory arena stays on: a prediction takes 8%
    # longer without it.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    if not layers:
        return session
    fragment = session.get_modelmeta().custom_metadata_map.get("layers")
    if not fragment:
        raise ModelError("The model's file does not name its layers: train and export it again.")
    return start_session(onnx + base64.b64decode(fragment))


class LoadedModel:
    "A model ready to run: `card` is its model card, `model` its name, `folder` where it was found."

    _shared: ClassVar[dict[tuple[type, str], Any]] = {}  # one for the process, on purpose
    _lock = threading.Lock()

    def __init__(
        self,
        model: str = DEFAULT_MODEL,  # name of a model
        folder: str | Path | None = None,  # default: the shipped models, then the user's
    ):
        "Load a model. Raises ModelError if there is none of this name or its file is damaged."
        self.card, onnx = read_model(model, folder)
        self._session = start_session(onnx)
        self._input_name = self._session.get_inputs()[0].name
        self.model, self.folder = model, folder

    @classmethod
    def shared(cls, model: str = DEFAULT_MODEL) -> Self:
        "Return the one of a model that the process shares, loaded once. Raises ModelError."
        with cls._lock:
            if (cls, model) not in cls._shared:
                cls._shared[cls, model] = cls(model)
            return cls._shared[cls, model]

    def run(
        self,
        inputs: np.ndarray,  # float32 (n, 28, 28, 1) in [0, 1]
    ) -> tuple[np.ndarray, np.ndarray]:  # probabilities (n, 10), digit scores (n,), float32
        "Run the network; if it has no digit score, the largest probability takes its place."
        rows, *scores = self._session.run(None, {self._input_name: inputs})
        return rows, scores[0].ravel() if scores else rows.max(axis=1)


def write_model(
    inference_model: "keras.Model",  # outputs probabilities (n, 10), perhaps digit_score (n, 1)
    training_model: "keras.Model",  # the same network, to train on; without an optimizer
    mnist: "Mnist",  # its validation and test splits are measured
    name: str,  # of the model
    folder: str | Path,  # where NAME.keras, NAME.onnx and NAME.json are written
    facts: dict[str, Any],  # added to the card: hyperparameters, seed, history and so on
) -> dict[str, Any]:  # the card
    """Write the three files of a model; measure it on the test set, once, for the card.

    The keys of the card are name, architecture, parameters, validation, test, date, libraries,
    sha256 (of NAME.onnx) and those of `facts`.
    Raises ValueError if the outputs of the ONNX file differ from those of Keras."""
    from .onnx_layers import export_onnx

    path = Path(folder) / f"{name}.onnx"
    export_onnx(inference_model, path, mnist.validation.images[:1000])
    write_atomically(path.with_suffix(".keras"), training_model.save)
    libraries = ("keras", "numpy", "onnxruntime", "tensorflow", "tf2onnx")
    versions = {"python": platform.python_version()} | {lib: version(lib) for lib in libraries}
    card = {
        "name": name,
        "architecture": [
            f"{layer.name} {tuple(layer.output.shape[1:])}" for layer in inference_model.layers
        ],
        "parameters": inference_model.count_params(),
        "validation": _score(inference_model, mnist.validation),
        "test": _score(inference_model, mnist.test),
        "date": datetime.now(UTC).date().isoformat(),
        "libraries": versions,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    } | facts
    write_json(path.with_suffix(".json"), card)
    return card


def _score(model: "keras.Model", split: "Split") -> dict[str, Any]:
    "Return images, loss, accuracy and interval_95; the first output must be the probabilities."
    import keras

    from .model import to_input
    from .train import accuracy_interval

    outputs = model.predict(to_input(split.images), batch_size=500, verbose=0)
    probabilities, labels = keras.tree.flatten(outputs)[0], split.labels
    of_labels = probabilities[range(len(labels)), labels]
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    return {
        "images": len(labels),
        "loss": round(float(-np.log(of_labels + 1e-12).mean()), 5),
        "accuracy": round(correct / len(labels), 5),
        "interval_95": [round(bound, 5) for bound in accuracy_interval(correct, len(labels))],
    }


def ship(run: "Run", mnist: "Mnist", name: str, folder: str | Path) -> dict[str, Any]:
    "Write the files of a finished run's model with `write_model`; return its card."
    from .model import build_cnn

    chosen = run.hyperparameters
    training_model = build_cnn(dropout=chosen.dropout, batch_norm=chosen.batch_norm)
    training_model.set_weights(run.model.get_weights())  # no optimizer: a third of the size
    facts = {
        "hyperparameters": asdict(chosen),
        "seed": run.seed,
        "trained_on": f"MNIST training split, {len(mnist.train.labels):,} images",
        "epochs": len(run.history),
        "best_epoch": run.best_epoch,
        "history": run.history,
    }
    return write_model(run.model, training_model, mnist, name, folder, facts)
