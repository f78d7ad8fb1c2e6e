"""What `POST /api/explain` sends: the inside of the network at work on one picture, as pictures."""

from typing import Any

import numpy as np
from PIL import Image

from digitvision.explain import (
    Timeline,
    activations,
    overlay,
    preprocessing_stages,
    saliency,
    tile_maps,
    timeline,
)
from digitvision.inference import BlankImageError, Recognizer, encode_data_url

from .errors import InvalidRequestError
from .shapes import Drawing


def read_timeline(
    body: Drawing, recognizer: Recognizer
) -> Timeline | None:  # None: no strokes were sent
    "The time-line of the strokes that were sent with a picture."
    if body.strokes is None:
        return None
    try:
        return timeline(body.strokes, body.brush, preprocess=body.preprocess, recognizer=recognizer)
    except BlankImageError:
        raise
    except ValueError as error:
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
        "stages": [_stage(*stage) for stage in preprocessing_stages(picture, preprocess).items()],
        "timeline": growth and _timeline(growth),
        "model": recognizer.model,
    }


def _layer(name: str, maps: np.ndarray) -> dict[str, Any]:
    columns = 8 if maps.ndim == 3 else min(32, len(maps))
    return {"name": name, "shape": maps.shape, "maps": encode_data_url(tile_maps(maps, columns))}


def _stage(name: str, picture: Image.Image) -> dict[str, Any]:
    small = picture.copy()
    small.thumbnail((280, 280))
    return {"name": name, "size": picture.size, "picture": encode_data_url(np.asarray(small) / 255)}


def _timeline(growth: Timeline) -> dict[str, Any]:
    return {
        "points": growth.points.tolist(),
        "probabilities": growth.probabilities.astype(float).round(6).tolist(),
    }
