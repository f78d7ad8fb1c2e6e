"""From the JSON of a request to pictures, and from a prediction to the JSON of a reply."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from flask import request
from PIL import Image
from werkzeug.exceptions import BadRequest

from digitvision.inference import (
    MAX_PIXELS,
    PREPROCESS,
    ImageTooLargeError,
    Prediction,
    Recognizer,
    decode_data_url,
    encode_data_url,
    prepare,
)

from .errors import PICTURE_ERRORS, ApiError, InvalidRequestError
from .openapi import MAX_BATCH


def read_body() -> dict[str, Any]:
    "The JSON object that was sent."
    try:
        body = request.get_json()
    except (BadRequest, RecursionError) as error:  # Python gives up on JSON nested too deeply
        raise ApiError(400, "malformed_json", "The body is not JSON that can be read.") from error
    if not isinstance(body, dict):
        raise InvalidRequestError("The body must be a JSON object, in curly brackets.")
    return body


def read_preprocess(body: dict[str, Any]) -> str:
    "How the pictures are to be framed."
    preprocess = body.get("preprocess", "mnist")
    if not isinstance(preprocess, str) or preprocess not in PREPROCESS:
        raise InvalidRequestError(f'"preprocess" must be one of {", ".join(PREPROCESS)}.')
    return preprocess


def read_images(body: dict[str, Any]) -> list[Any]:
    "The list of a batch; whether each can be read is seen when it is prepared."
    images = body.get("images")
    if not isinstance(images, list) or len(images) > MAX_BATCH:
        raise InvalidRequestError(f'"images" must be a list of at most {MAX_BATCH} data URLs.')
    return images


def read_picture(image: Any) -> Image.Image:
    "The picture that was sent. Only data URLs: a path or an address would read from the server."
    if not isinstance(image, str):
        raise InvalidRequestError('An image must be a string: "data:image/png;base64,…".')
    return decode_data_url(image)


def prepare_each(images: list[Any], preprocess: str) -> Iterator[np.ndarray | Exception]:
    "What the network will see of each picture, or the error that stands for it."
    pixels = 0
    for image in images:
        try:
            if pixels > MAX_PIXELS:  # small files can hold large pictures, and there are 64
                message = f"The pictures of this batch have more than {MAX_PIXELS:,} pixels."
                raise ImageTooLargeError(message)
            picture = read_picture(image)
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
