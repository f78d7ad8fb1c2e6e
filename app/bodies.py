"""From the JSON of a request to pictures, and from a prediction to the JSON of a reply."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import numpy as np
from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from digitvision.inference import (
    MAX_PIXELS,
    ImageTooLargeError,
    Prediction,
    Recognizer,
    decode_data_url,
    encode_data_url,
    prepare,
)

from .errors import PICTURE_ERRORS, ApiError, InvalidRequestError
from .shapes import Drawing, Image, Images

Shape = TypeVar("Shape", Image, Images, Drawing)
DECODERS = {shape: msgspec.json.Decoder(shape) for shape in (Image, Images, Drawing)}


def read_body(shape: type[Shape]) -> Shape:
    "The JSON that was sent, which must be of this shape."
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        return DECODERS[shape].decode(request.get_data(cache=False))
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"The body has another shape than asked for: {error}.") from error
    except (msgspec.DecodeError, RecursionError) as error:  # JSON can be nested too deeply
        raise ApiError(400, "malformed_json", "The body is not JSON that can be read.") from error


def prepare_each(images: list[Any], preprocess: str) -> Iterator[np.ndarray | Exception]:
    "What the network will see of each picture, or the error that stands for it."
    pixels = 0
    for image in images:
        try:
            if not isinstance(image, str):
                raise InvalidRequestError('An image must be a string: "data:image/png;base64,…".')
            if pixels > MAX_PIXELS:  # small files can hold large pictures, and there are 64
                message = f"The pictures of this batch have more than {MAX_PIXELS:,} pixels."
                raise ImageTooLargeError(message)
            picture = decode_data_url(image)
            pixels += picture.width * picture.height
            yield prepare(picture, preprocess)
        except (InvalidRequestError, *PICTURE_ERRORS) as error:
            yield error


def reply(prediction: Prediction, recognizer: Recognizer) -> dict[str, Any]:
    "A prediction as JSON."
    return {
        "digit": prediction.digit,
        "confidence": round(prediction.confidence, 6),
        "probabilities": [round(float(p), 6) for p in prediction.probabilities],
        "is_digit": prediction.is_digit,
        "digit_score": round(prediction.digit_score, 6),
        "input": encode_data_url(prediction.input),
        "model": recognizer.model,
    }
