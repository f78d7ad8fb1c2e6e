"""The stages of the preprocessing, and what each layer of a network makes of one picture."""

from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import onnxruntime
from PIL import Image

from .inference import Recognizer, prepare, read_image
from .model_files import read_model, start_session
from .preprocess import stages

STAGES = {  # the stages of each preprocessing
    "mnist": ("grey", "ink", "crop", "box", "input"),
    "resize": ("grey", "ink", "naive"),
}


def preprocessing_stages(
    image: Image.Image | np.ndarray | str | Path,  # picture, array, data URL or path
    preprocess: str = "mnist",  # or "resize"
) -> dict[str, Image.Image]:  # keys STAGES[preprocess], mode "L"; the last is the 28×28 input
    """Return the pictures after each step of the preprocessing, in order; see `stages`.

    Raises ImageError if the picture cannot be read, BlankImageError if there is no ink."""
    pictures = stages(read_image(image))
    return {name: pictures[name] for name in STAGES[preprocess]}


class Layer(NamedTuple):
    "The inputs, outputs and weights of a layer for one picture."

    name: str  # conv1, conv1_pool, …, dense, probabilities
    inputs: np.ndarray  # float32 (channels, rows, columns) or (inputs,)
    maps: np.ndarray  # float32 (maps, rows, columns) or (units,), its outputs
    filters: np.ndarray | None = None  # (maps, channels, 3, 3) or (inputs, units); None: pooling
    bias: np.ndarray | None = None  # (maps,) or (units,); None: pooling


_sessions: WeakKeyDictionary[Recognizer, onnxruntime.InferenceSession] = WeakKeyDictionary()


def _run_layers(recognizer: Recognizer, seen: np.ndarray) -> dict[str, np.ndarray]:
    "Return outputs and weights of all layers by their names in the ONNX file, for (28, 28)."
    if recognizer not in _sessions:
        onnx = read_model(recognizer.model, recognizer.folder)[1]
        _sessions[recognizer] = start_session(onnx, layers=True)
    session = _sessions[recognizer]
    values = session.run(None, {session.get_inputs()[0].name: seen[None, ..., None]})
    return dict(zip((output.name for output in session.get_outputs()), values, strict=True))


def activations(
    image: Image.Image | np.ndarray | str | Path,  # picture, array, data URL or path
    preprocess: str = "mnist",  # or "resize"
    recognizer: Recognizer | None = None,  # default: the shipped model
) -> dict[str, Layer]:  # by name, from input to output; the last is "probabilities"
    """Run the network on a picture and return its layers.

    Raises ImageError if the picture cannot be read, BlankImageError if there is no ink."""
    inputs = prepare(image, preprocess)[None]
    values, layers = _run_layers(recognizer or Recognizer.shared(), inputs[0]), {}
    heads = ("probabilities", "digit_score")
    names = [name for name in values if "." not in name and name not in heads]
    for name in [*names, "probabilities"]:
        maps, weights = values[name][0], values.get(f"{name}.weights")
        if maps.ndim < inputs.ndim:
            inputs = inputs.transpose(1, 2, 0).ravel()  # as Keras flattens: maps last
        bias = values.get(f"{name}.bias")
        if weights is not None and bias is None:  # the export leaves out a bias of zeros
            bias = np.zeros(len(maps), np.float32)
        layers[name] = Layer(name, inputs, maps, weights, bias)
        inputs = maps
    return layers


def tile_maps(
    maps: np.ndarray,  # (maps, rows, columns) or (units,), as `Layer.maps`
    columns: int = 16,  # maps in a row
) -> np.ndarray:  # float32 (height, width) in [0, 1], a pixel of gray between the maps
    "Arrange all maps of a layer in a grid; 0 and below is black, the layer's maximum is white."
    cells = np.asarray(maps, np.float32).reshape(len(maps), *(np.shape(maps)[1:] or (1, 1)))
    cells = (cells / max(float(cells.max()), 1e-9)).clip(0, 1)
    gap = int(cells.shape[1] > 1)
    cells = np.pad(cells, ((0, -len(cells) % columns), (0, 0), (0, 0)))
    cells = np.pad(cells, ((0, 0), (0, gap), (0, gap)), constant_values=0.2)
    count, height, width = cells.shape
    rows = cells.reshape(count // columns, columns, height, width).swapaxes(1, 2)
    picture = rows.reshape(-1, columns * width)
    return picture[: len(picture) - gap, : columns * width - gap]
