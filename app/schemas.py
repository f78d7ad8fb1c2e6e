"""Requests and replies as msgspec Structs, and the OpenAPI document made from them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

REF = "#/components/schemas/{name}"
PREDICTION_OR_ERROR = {
    "items": {"anyOf": [{"$ref": REF.format(name=name)} for name in ("Prediction", "Error")]}
}

Digit = Annotated[int, Meta(ge=0, le=9)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Probabilities = Annotated[list[Unit], Meta(min_length=10, max_length=10)]
DataUrl = Annotated[str, Meta(extra_json_schema={"pattern": "^data:image/"})]
Preprocess = Literal["mnist", "resize"]


class Image(Struct, forbid_unknown_fields=True):
    "One picture, and how to fit it into 28×28."

    image: DataUrl  # paths and web addresses are refused when it is decoded
    preprocess: Preprocess = "mnist"


class Images(Struct, forbid_unknown_fields=True):
    "Up to 64 pictures; an error stands in place of each one that cannot be read."

    images: Annotated[list[Any], Meta(max_length=64)]  # an item that is no data URL gets an error
    preprocess: Preprocess = "mnist"


class Drawing(Image):
    "One picture, and the strokes it was drawn with on a canvas of 280×280 pixels."

    strokes: Annotated[list[list[tuple[float, float]]], Meta(max_length=100)] | None = None
    brush: Annotated[float, Meta(gt=0, le=280)] = 18


class Prediction(Struct, forbid_unknown_fields=True):
    "The digit in one picture."

    digit: Digit
    confidence: Unit
    probabilities: Probabilities
    is_digit: bool
    digit_score: Unit
    input: DataUrl  # the 28×28 PNG the network saw
    model: str


class Predictions(Struct, forbid_unknown_fields=True):
    "A prediction or an error for each picture, in order."

    predictions: Annotated[list[Any], Meta(extra_json_schema=PREDICTION_OR_ERROR)]


class Layer(Struct, forbid_unknown_fields=True):
    "All maps of one layer, as one PNG."

    name: str
    shape: list[int]
    maps: DataUrl


class Stage(Struct, forbid_unknown_fields=True):
    "One intermediate picture of the preprocessing."

    name: str
    size: tuple[int, int]
    picture: DataUrl


class Timeline(Struct, forbid_unknown_fields=True):
    "The number of points drawn at each moment, and the probabilities then."

    points: list[int]
    probabilities: list[Probabilities]


class Explanation(Struct, forbid_unknown_fields=True):
    "The layers, the ink for (amber) and against (blue) the digit, and the preprocessing."

    digit: Digit
    layers: list[Layer]
    saliency: DataUrl
    stages: list[Stage]
    timeline: Timeline | None
    model: str


class Models(Struct, forbid_unknown_fields=True):
    "The names of all models, and the default one."

    models: list[str]
    model: str


class Health(Struct, forbid_unknown_fields=True):
    "The server reads a known digit correctly."

    status: Literal["ok"]
    model: str


class Detail(Struct, forbid_unknown_fields=True):
    "What went wrong: a code for programs, a sentence for people."

    code: Annotated[str, Meta(pattern="^[a-z_]+$")]
    message: Annotated[str, Meta(min_length=1)]


class Error(Struct, forbid_unknown_fields=True):
    "The reply to a request that cannot be answered."

    error: Detail


ERRORS = {
    400: "malformed_json, invalid_request or invalid_image",
    404: "model_not_found",
    413: "body_too_large or image_too_large",
    415: "not_json",
    422: "blank_image",
    503: "overloaded, or not_ready from /api/health",
}
ONE, MANY = list(ERRORS), [400, 404, 413, 415, 503]
ROUTES = [  # method, path, summary, body, reply, errors
    ("post", "/api/predict", "Read one digit", Image, Prediction, ONE),
    ("post", "/api/predict/batch", "Read many digits", Images, Predictions, MANY),
    ("post", "/api/explain", "Look inside the network", Drawing, Explanation, ONE),
    ("get", "/api/model", "The model card", None, dict[str, Any], [404]),
    ("get", "/api/models", "All models", None, Models, []),
    ("get", "/api/health", "Check that a known digit is read", None, Health, [503]),
    ("get", "/api/openapi.json", "This document", None, dict[str, Any], []),
]


def openapi() -> dict[str, Any]:
    "Return the OpenAPI document of all routes."
    types = [t for _, _, _, body, reply, _ in ROUTES for t in (body or Error, reply)]
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    schema_of = dict(zip(map(str, types), schemas, strict=True))

    def describe(text: str, shape: Any) -> dict[str, Any]:
        return {
            "description": text,
            "content": {"application/json": {"schema": schema_of[str(shape)]}},
        }

    paths: dict[str, Any] = {}
    for method, path, summary, body, reply, errors in ROUTES:
        replies = {"200": describe(summary, reply)}
        replies |= {str(status): describe(ERRORS[status], Error) for status in errors}
        operation = {"summary": summary, "responses": replies}
        if 404 in errors:
            model = {"name": "model", "in": "query", "schema": {"type": "string"}}
            operation["parameters"] = [model]
        if body:
            operation["requestBody"] = describe("", body) | {"required": True}
        paths[path] = {method: operation}
    return {
        "openapi": "3.1.0",
        "info": {"title": "DigitVision", "version": "1", "description": "Reads drawn digits."},
        "paths": paths,
        "components": {"schemas": components},
    }
