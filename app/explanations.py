"""What `POST /api/explain` sends: the inside of the network at work on one picture, as pictures."""

from typing import Any

import numpy as np
from PIL import Image

from digitvision.explain import (
    Timeline,
    activations,
    overlay,
    road,
    saliency,
    sheet,
    timeline,
)
from digitvision.inference import BlankImageError, Recognizer, encode_data_url

from .errors import InvalidRequestError

LARGEST_BRUSH = 280  # pixels: the whole canvas


def read_timeline(
    body: dict[str, Any], preprocess: str, recognizer: Recognizer
) -> Timeline | None:  # None: no strokes were sent
    "The time-line of the strokes that were sent with a picture."
    strokes, brush = body.get("strokes"), body.get("brush", 18)
    if strokes is None:
        return None
    if not (isinstance(strokes, list) and all(isinstance(stroke, list) for stroke in strokes)):
        raise InvalidRequestError('"strokes" must be a list of lists of points [x, y].')
    if isinstance(brush, bool) or not isinstance(brush, int | float):
        raise InvalidRequestError('"brush" must be a number.')
    if not 0 < brush <= LARGEST_BRUSH:
        raise InvalidRequestError(f'"brush" must be above 0 and at most {LARGEST_BRUSH}.')
    try:
        return timeline(strokes, brush, preprocess=preprocess, recognizer=recognizer)
    except BlankImageError:
        raise
    except (ValueError, OverflowError) as error:  # a whole number can be too large for a float
        raise InvalidRequestError(f'"strokes" cannot be replayed. {error}') from error


def explanation(
    picture: Image.Image, growth: Timeline | None, preprocess: str, recognizer: Recognizer
) -> dict[str, Any]:
    "Feature maps, saliency and stages of a picture, as JSON."
    layers = activations(picture, preprocess, recognizer)
    digit = int(layers["probabilities"].maps.argmax())
    seen = layers["conv1"].inputs[0]
    heat = saliency(picture, digit, preprocess, recognizer)
    return {
        "digit": digit,
        "layers": [_layer(name, layer.maps) for name, layer in layers.items()],
        "saliency": encode_data_url(overlay(seen, heat)),
        "stages": [_stage(*stage) for stage in road(picture, preprocess).items()],
        "timeline": growth and _timeline(growth),
        "model": recognizer.model,
    }


def _layer(name: str, maps: np.ndarray) -> dict[str, Any]:
    columns = 8 if maps.ndim == 3 else min(32, len(maps))
    return {"name": name, "shape": maps.shape, "maps": encode_data_url(sheet(maps, columns))}


def _stage(name: str, picture: Image.Image) -> dict[str, Any]:
    small = picture.copy()
    small.thumbnail((280, 280))
    return {"name": name, "size": picture.size, "picture": encode_data_url(np.asarray(small) / 255)}


def _timeline(growth: Timeline) -> dict[str, Any]:
    return {
        "points": growth.points.tolist(),
        "probabilities": growth.probabilities.astype(float).round(6).tolist(),
    }
