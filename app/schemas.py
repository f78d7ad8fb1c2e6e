"""Requests and replies as msgspec Structs, and the OpenAPI document made from them."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from digitvision.replies import Cell, DataUrl, Explanation, Prediction

MODEL = {"name": "model", "in": "query", "schema": {"type": "string"}}
REF = "#/components/schemas/{name}"
PREDICTION_OR_ERROR = {
    "items": {"anyOf": [{"$ref": REF.format(name=name)} for name in ("Prediction", "Error")]}
}
Index = Annotated[int, Meta(ge=0)]
Preprocess = Literal["mnist", "resize"]


class Image(Struct, forbid_unknown_fields=True):
    "One picture, and how to preprocess it."

    image: DataUrl  # paths and web addresses are refused when it is decoded
    preprocess: Preprocess = "mnist"


class Images(Struct, forbid_unknown_fields=True):
    "Up to 64 pictures; an error stands in place of each one that cannot be read."

    images: Annotated[list[Any], Meta(max_length=64)]  # an item that is no data URL gets an error
    preprocess: Preprocess = "mnist"


class Drawing(Image):
    "One picture, and the strokes it was drawn with on a canvas of 280×280 pixels."

    strokes: Annotated[list[list[tuple[float, float]]], Meta(max_length=100)] | None = None  # x, y
    brush: Annotated[float, Meta(gt=0, le=280)] = 18  # diameter, pixels


class Place(Image, kw_only=True):
    "One picture, and a cell of one of the feature maps that the network makes of it."

    cell: tuple[str, Index, Index, Index]  # name of the layer; map, row and column from 0


class Predictions(Struct, forbid_unknown_fields=True):
    "A prediction or an error for each picture, in order."

    predictions: Annotated[list[Any], Meta(extra_json_schema=PREDICTION_OR_ERROR)]


class Models(Struct, forbid_unknown_fields=True):
    "The names of all models, and the default one."

    models: list[str]  # sorted
    model: str  # name of the default


class Health(Struct, forbid_unknown_fields=True):
    "The server reads a known digit correctly."

    status: Literal["ok"]
    model: str  # name of the default


class Detail(Struct, forbid_unknown_fields=True):
    "What went wrong: a code for programs, a sentence for people."

    code: Annotated[str, Meta(pattern="^[a-z_]+$")]
    message: Annotated[str, Meta(min_length=1)]


class Error(Struct, forbid_unknown_fields=True):
    "The reply to a request that cannot be answered."

    error: Detail


ONE, MANY = [400, 404, 413, 415, 422, 503], [400, 404, 413, 415, 503]
ROUTES = [  # method, path, summary, body, reply, errors
    ("post", "/api/predict", "Read one digit", Image, Prediction, ONE),
    ("post", "/api/predict/batch", "Read many digits", Images, Predictions, MANY),
    ("post", "/api/explain", "Look inside the network", Drawing, Explanation, ONE),
    ("post", "/api/cell", "How one cell of a feature map is computed", Place, Cell, ONE),
    ("get", "/api/model", "The model card", None, None, [404]),
    ("get", "/api/models", "All models", None, Models, []),
    ("get", "/api/health", "Check that a known digit is read", None, Health, [503]),
    ("get", "/api/openapi.json", "This document", None, None, []),
]


def _content(shape: type[Struct] | None, description: str) -> dict[str, Any]:
    schema = {"$ref": REF.format(name=shape.__name__)} if shape else {"type": "object"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def openapi() -> dict[str, Any]:
    "Return the OpenAPI document of all routes."
    paths: dict[str, Any] = {}
    for method, path, summary, body, reply, errors in ROUTES:
        replies = {"200": _content(reply, summary)}
        replies |= {str(status): _content(Error, HTTPStatus(status).phrase) for status in errors}
        paths[path] = {method: {"summary": summary, "responses": replies}}
        if 404 in errors:
            paths[path][method]["parameters"] = [MODEL]
        if body:
            paths[path][method]["requestBody"] = _content(body, "") | {"required": True}
    types = [shape for route in ROUTES for shape in route[3:5] if shape] + [Error]
    schemas = msgspec.json.schema_components(types, ref_template=REF)[1]
    info = {"title": "DigitVision", "version": "1", "description": "Reads handwritten digits."}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}
