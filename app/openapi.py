"""The HTTP contract as OpenAPI 3.1, served at /api/openapi.json; a test holds the app to it."""

from typing import Any

import msgspec

from .shapes import DATA_URL, MAX_BATCH, Drawing, Image, Images

REF = "#/components/schemas/{name}"


def _ref(name: str) -> dict[str, str]:
    return {"$ref": REF.format(name=name)}


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _record(**properties: dict[str, Any]) -> dict[str, Any]:
    "An object with these properties and no others, all of them required."
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _record(**properties)}


def _answers(schema: dict[str, Any], description: str, *errors: int) -> dict[str, Any]:
    return {"200": _json(schema, description)} | {
        str(status): _json(_ref("Error"), ERRORS[status]) for status in errors
    }


def _post(summary: str, body: str, reply: str, *errors: int) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [MODEL],
        "requestBody": _json(_ref(body), "") | {"required": True},
        "responses": _answers(_ref(reply), summary, *errors),
    }


ERRORS = {
    400: "malformed_json, invalid_request or invalid_image",
    404: "model_not_found",
    413: "body_too_large or image_too_large",
    415: "not_json",
    422: "blank_image",
    503: "overloaded or, of /api/health, not_ready",
}
UNIT = {"type": "number", "minimum": 0, "maximum": 1}
ROW = {"type": "array", "items": UNIT, "minItems": 10, "maxItems": 10}
TIMELINE = _record(
    points={"type": "array", "items": {"type": "integer"}, "description": "How many were drawn"},
    probabilities={"type": "array", "items": ROW},
)
MODEL = {"name": "model", "in": "query", "schema": {"type": "string"}}

SCHEMAS = msgspec.json.schema_components([Image, Images, Drawing], ref_template=REF)[1] | {
    "Explanation": _record(
        digit={"type": "integer", "minimum": 0, "maximum": 9},
        layers=_list(
            name={"type": "string"},
            shape={"type": "array", "items": {"type": "integer"}},
            maps=DATA_URL | {"description": "All maps of the layer as one PNG"},
        ),
        saliency=DATA_URL | {"description": "28×28 PNG: amber speaks for the digit, blue against"},
        stages=_list(
            name={"type": "string"},
            size={"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
            picture=DATA_URL,
        ),
        timeline={"oneOf": [{"type": "null"}, TIMELINE]},
        model={"type": "string"},
    ),
    "Prediction": _record(
        digit={"type": "integer", "minimum": 0, "maximum": 9},
        confidence=UNIT,
        probabilities=ROW,
        is_digit={"type": "boolean"},
        digit_score=UNIT,
        input=DATA_URL | {"description": "The 28×28 PNG the network saw"},
        model={"type": "string"},
    ),
    "Predictions": _record(
        predictions={
            "type": "array",
            "items": {"oneOf": [_ref("Prediction"), _ref("Error")]},
            "maxItems": MAX_BATCH,
        }
    ),
    "Error": _record(
        error=_record(
            code={"type": "string", "pattern": "^[a-z_]+$"},
            message={"type": "string", "minLength": 1},
        )
    ),
    "Health": _record(status={"const": "ok"}, model={"type": "string"}),
    "Models": _record(
        models={"type": "array", "items": {"type": "string"}}, model={"type": "string"}
    ),
    "Card": {"type": "object", "required": ["name", "sha256"]},
}

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "DigitVision", "version": "1", "description": "Reads handwritten digits."},
    "paths": {
        "/api/predict": {
            "post": _post("Read one digit", "Image", "Prediction", 400, 404, 413, 415, 422, 503)
        },
        "/api/predict/batch": {
            "post": _post("Read many digits", "Images", "Predictions", 400, 404, 413, 415, 503)
        },
        "/api/explain": {
            "post": _post(
                "Look inside the network", "Drawing", "Explanation", 400, 404, 413, 415, 422, 503
            )
        },
        "/api/model": {
            "get": {
                "summary": "The card of the model: what it is and how good",
                "parameters": [MODEL],
                "responses": _answers(_ref("Card"), "The card", 404),
            }
        },
        "/api/models": {
            "get": {
                "summary": "The models there are, and the one that answers if none is named",
                "responses": _answers(_ref("Models"), "Their names"),
            }
        },
        "/api/health": {
            "get": {
                "summary": "Whether the server reads a digit whose answer is known",
                "responses": _answers(_ref("Health"), "It does", 503),
            }
        },
        "/api/openapi.json": {
            "get": {
                "summary": "This document",
                "responses": _answers({"type": "object"}, "This document"),
            }
        },
    },
    "components": {"schemas": SCHEMAS},
}
