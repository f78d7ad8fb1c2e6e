"""Every error as the API says it: `{"error": {"code": "snake_case", "message": "a sentence"}}`."""

import logging
from typing import Any

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError

from digitvision.inference import BlankImageError, ImageError, ImageTooLargeError, ModelError

MAX_BODY = 2 * 1024 * 1024  # bytes

PICTURE_ERRORS = {  # a subclass stands before its base class
    ImageTooLargeError: (413, "image_too_large"),
    ImageError: (400, "invalid_image"),
    BlankImageError: (422, "blank_image"),
    ModelError: (404, "model_not_found"),
}
HTTP_ERRORS = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer that method."),
    413: ("body_too_large", f"The body has more than {MAX_BODY:,} bytes: send smaller pictures."),
    415: ("not_json", "The body must be JSON, with the header Content-Type: application/json."),
    421: ("wrong_host", "This server does not go by that name: it needs --allowed-host."),
    503: ("overloaded", "The server is busy: try again in a moment."),
    500: ("internal_error", "Something went wrong in the server, not in what you sent."),
}


class ApiError(Exception):
    "A refusal the routes decide on themselves."

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code = status, code


class InvalidRequestError(ApiError):
    "JSON that is not of the shape the route asks for."

    def __init__(self, message: str):
        super().__init__(400, "invalid_request", message)


def describe(error: Exception) -> tuple[int, str, str]:
    "Status, code and message of an error, whoever raised it."
    if isinstance(error, ApiError):
        return error.status, error.code, str(error)
    for kind, (status, code) in PICTURE_ERRORS.items():
        if isinstance(error, kind):
            return status, code, str(error)
    if isinstance(error, SecurityError):  # the Host of the request is none of ours
        return 421, *HTTP_ERRORS[421]
    if isinstance(error, HTTPException) and error.code not in HTTP_ERRORS:
        return error.code or 500, error.name.lower().replace(" ", "_"), error.description or ""
    status = error.code if isinstance(error, HTTPException) else 500
    return status, *HTTP_ERRORS[status]


def error_body(code: str, message: str) -> dict[str, Any]:
    "The one shape of all errors."
    return {"error": {"code": code, "message": message}}


def respond(error: Exception) -> Response:
    "An error as the answer to a request."
    status, code, message = describe(error)
    if code == "internal_error":  # a bug: the log is for us, the answer tells nothing of it
        logging.getLogger("app").exception("A request could not be answered.")
    response = jsonify(error_body(code, message))
    response.status_code = status
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response
