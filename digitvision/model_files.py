"""The files of a model: NAME.onnx (used to predict), NAME.keras (to train on) and NAME.json."""

import hashlib
import json
from pathlib import Path
from typing import Any

import onnxruntime

from .errors import DigitVisionError
from .files import user_folder

CHECKPOINTS = Path(__file__).parent / "checkpoints"  # the models that ship
DEFAULT_MODEL = "digitvision"


class ModelError(DigitVisionError, RuntimeError):
    "There is no model of this name, or its files are damaged."


def user_models() -> Path:
    "Return the folder where models that the user trains are kept."
    return user_folder() / "models"


def _folders(folder: str | Path | None) -> list[Path]:
    "Return the folders to search: the one given, or the shipped models and the user's."
    return [Path(folder)] if folder else [CHECKPOINTS, user_models()]


def list_models(
    folder: str | Path | None = None,  # default: the shipped models and the user's
) -> list[str]:  # in alphabetical order
    "List the names of the models in a folder."
    return sorted({path.stem for where in _folders(folder) for path in where.glob("*.onnx")})


def read_model(
    name: str,  # of a model
    folder: str | Path | None = None,  # default: the shipped models, then the user's
) -> tuple[dict[str, Any], bytes]:  # its card, and its network as ONNX
    """Read the card and the network of a model.

    Raises ModelError if there is no such model, or the network's SHA-256 is not the card's."""
    path = next((where for where in _folders(folder) if name in list_models(where)), None)
    if path is None:
        available = ", ".join(list_models(folder)) or "none"
        raise ModelError(f"There is no model {name!r}; there is {available}.")
    try:
        card = json.loads((path / f"{name}.json").read_text(encoding="utf-8"))
        onnx = (path / f"{name}.onnx").read_bytes()
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
) -> onnxruntime.InferenceSession:
    "Return an ONNX Runtime session that runs a network on one CPU thread."
    options = onnxruntime.SessionOptions()  # one thread has the shortest worst-case time
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
