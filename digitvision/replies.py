"""Predictions and explanations ready for JSON: msgspec Structs, pictures as PNG data URLs."""

import logging
from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from PIL.Image import Image

from digitvision import inference
from digitvision.errors import DigitVisionError
from digitvision.explain import (
    activations,
    overlay,
    preprocessing_stages,
    saliency,
    tile_maps,
    timeline,
    trace,
)
from digitvision.inference import Recognizer, prepare
from digitvision.pictures import (
    MAX_PIXELS,
    BlankImageError,
    ImageTooLargeError,
    decode_data_url,
    encode_data_url,
    image_errors,
)
from digitvision.preprocess import Strokes

TERMS = 3  # maps shown of those that a cell is computed from
STAGE_SIDE = 280  # pixels; larger stages are shrunk
Digit = Annotated[int, Meta(ge=0, le=9)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Probabilities = Annotated[list[Unit], Meta(min_length=10, max_length=10)]
DataUrl = Annotated[str, Meta(extra_json_schema={"pattern": "^data:image/"})]


class RequestError(DigitVisionError, ValueError):
    "A request that does not have the documented shape, or strokes that cannot be replayed."


class Prediction(Struct, forbid_unknown_fields=True):
    "The digit in one picture."

    digit: Digit  # the most probable one
    confidence: Unit  # its probability
    probabilities: Probabilities  # of the digits 0 to 9
    is_digit: bool  # True if the picture looks like a digit
    digit_score: Unit  # how much it looks like one
    input: DataUrl  # the preprocessed picture, a 28×28 PNG
    model: str  # name


class Layer(Struct, forbid_unknown_fields=True):
    "All maps of one layer, as one PNG."

    name: str  # conv1, conv1_pool, …, dense, probabilities
    shape: list[int]  # [maps, rows, columns], or [units]
    maps: DataUrl  # in a grid, see `tile_maps`


class Stage(Struct, forbid_unknown_fields=True):
    "One intermediate picture of the preprocessing."

    name: str  # a name in `explain.STAGES`
    size: tuple[int, int]  # width and height before it was shrunk, pixels
    picture: DataUrl  # gray, at most STAGE_SIDE a side


class Timeline(Struct, forbid_unknown_fields=True):
    "The number of points drawn at each moment, and the probabilities at that moment."

    points: list[int]
    probabilities: list[Probabilities]


class Explanation(Struct, forbid_unknown_fields=True):
    "Layers, ink for (amber) and against (blue) the digit, stages of the preprocessing, timeline."

    digit: Digit  # the most probable one
    layers: list[Layer]  # from input to output
    saliency: DataUrl  # a 28×28 PNG in color
    stages: list[Stage]  # in the order of the preprocessing
    timeline: Timeline | None  # None if no strokes were given
    model: str  # name


class Term(Struct, forbid_unknown_fields=True):
    "What one map of the layer before adds to a cell."

    map: int  # its index, from 0
    patch: list[list[float]]  # 3×3 values of it; pooling: 2×2
    filter: list[list[float]] | None  # 3×3 weights; None: pooling
    sum: float  # of patch × filter; pooling: the maximum of the patch


class Cell(Struct, forbid_unknown_fields=True):
    "How one cell of a feature map is computed: max(0, sum of all terms + bias), or a maximum."

    layer: str  # name
    map: int  # index, from 0; so are row and column
    row: int
    column: int
    terms: list[Term]  # those with the largest sums, positive or negative; at most three
    rest: float  # sum of the other terms
    bias: float
    value: float


def predict_each(
    urls: Iterable[Any],  # data URLs; anything else gets a RequestError
    preprocess: str,  # "mnist" or "resize"
    recognizer: Recognizer,
) -> list[Prediction | DigitVisionError]:  # in the order of `urls`
    """Read pictures in one run of the network; return an error for each that cannot be read.

    Once those decoded have more than MAX_PIXELS together, the rest gets ImageTooLargeError."""
    pixels, seen = 0, []
    for url in urls:
        try:
            if not isinstance(url, str):
                raise RequestError("A picture must be a string: a data URL.")
            if pixels > MAX_PIXELS:
                message = f"The pictures of this batch have more than {MAX_PIXELS:,} pixels."
                raise ImageTooLargeError(message)
            with image_errors(logging.ERROR):
                picture = decode_data_url(url)
                pixels += picture.width * picture.height
                seen.append(prepare(picture, preprocess))
        except DigitVisionError as error:
            seen.append(error)
    arrays = [one for one in seen if isinstance(one, np.ndarray)]
    found = iter(recognizer.predict_inputs(arrays))
    return [
        _reply(next(found), recognizer.model) if isinstance(one, np.ndarray) else one
        for one in seen
    ]


def _reply(prediction: inference.Prediction, model: str) -> Prediction:
    return Prediction(
        digit=prediction.digit,
        confidence=round(prediction.confidence, 6),
        probabilities=[round(float(p), 6) for p in prediction.probabilities],
        is_digit=prediction.is_digit,
        digit_score=round(prediction.digit_score, 6),
        input=encode_data_url(prediction.input),
        model=model,
    )


def explain_picture(
    picture: Image,
    strokes: Strokes | None,  # the strokes it was drawn with, if they are known
    brush: float,  # diameter of the brush, pixels
    preprocess: str,  # "mnist" or "resize"
    recognizer: Recognizer,
) -> Explanation:
    """Explain a picture: layers, saliency, preprocessing stages and, for strokes, the timeline.

    Raises ImageError if the picture cannot be read, BlankImageError if picture or strokes have no
    ink, RequestError if the strokes cannot be replayed."""
    growth = None if strokes is None else _replay(strokes, brush, preprocess, recognizer)
    layers = activations(picture, preprocess, recognizer)
    digit = int(layers["probabilities"].maps.argmax())
    heat = saliency(picture, digit, preprocess, recognizer)
    return Explanation(
        digit=digit,
        layers=[_layer(name, layer.maps) for name, layer in layers.items()],
        saliency=encode_data_url(overlay(layers["conv1"].inputs[0], heat)),
        stages=[_stage(*stage) for stage in preprocessing_stages(picture, preprocess).items()],
        timeline=growth,
        model=recognizer.model,
    )


def explain_cell(
    picture: Image,
    layer: str,  # name of a convolution or pooling layer
    index: int,  # of the map, from 0; so are row and column
    row: int,
    column: int,
    preprocess: str,  # "mnist" or "resize"
    recognizer: Recognizer,
) -> Cell:
    """Explain how the network computes one cell of a feature map for a picture.

    Raises ImageError if the picture cannot be read, BlankImageError if it has no ink, RequestError
    if there is no such cell."""
    layers = activations(picture, preprocess, recognizer)
    if layer not in layers:
        raise RequestError(f'"layer" must be one of {", ".join(layers)}.')
    try:
        cell = trace(layers[layer], index, row, column)
    except ValueError as error:
        raise RequestError(str(error)) from error
    if cell.filter is None:
        term = Term(index, cell.patch[0].tolist(), None, cell.value)
        return Cell(layer, index, row, column, [term], 0.0, cell.bias, cell.value)
    sums = (cell.patch * cell.filter).sum((1, 2)).astype(float).tolist()
    order = sorted(range(len(sums)), key=lambda i: -abs(sums[i]))
    terms = [
        Term(i, cell.patch[i].tolist(), cell.filter[i].tolist(), sums[i]) for i in order[:TERMS]
    ]
    rest = sum(sums[i] for i in order[TERMS:])
    return Cell(layer, index, row, column, terms, rest, cell.bias, cell.value)


def _replay(strokes: Strokes, brush: float, preprocess: str, recognizer: Recognizer) -> Timeline:
    try:
        growth = timeline(strokes, brush, preprocess=preprocess, recognizer=recognizer)
    except BlankImageError:
        raise
    except ValueError as error:
        raise RequestError(f'"strokes" cannot be replayed. {error}') from error
    rows = growth.probabilities.astype(float).round(6).tolist()
    return Timeline(growth.points.tolist(), rows)


def _layer(name: str, maps: np.ndarray) -> Layer:
    columns = max(1, len(maps) // 8) if maps.ndim == 3 else min(32, len(maps))
    return Layer(name, list(maps.shape), encode_data_url(tile_maps(maps, columns)))


def _stage(name: str, picture: Image) -> Stage:
    small = picture.copy()
    small.thumbnail((STAGE_SIDE, STAGE_SIDE))
    return Stage(name, picture.size, encode_data_url(np.asarray(small) / 255))
