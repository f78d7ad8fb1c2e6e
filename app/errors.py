"""Error replies: `{"error": {"code": "snake_case", "message": "a sentence"}}`."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from flask import Response, request
from werkzeug import exceptions as http

from digitvision.model_files import ModelError
from digitvision.pictures import BlankImageError, ImageError, ImageTooLargeError, image_errors
from digitvision.replies import RequestError

from .schemas import Detail, Error

MAX_BODY = 2 * 1024 * 1024  # bytes
MAX_REQUESTS = threading.BoundedSemaphore(128)  # waiting or running in this process
RUNNING = threading.Lock()  # requests that compute at the same time only delay each other


class NotReadyError(Exception):
    "The model does not read a known digit correctly."


ERRORS = {  # status, code and message, if it is not the exception's; subclasses first
    ImageTooLargeError: (413, "image_too_large", ""),
    ImageError: (400, "invalid_image", ""),
    BlankImageError: (422, "blank_image", ""),
    RequestError: (400, "invalid_request", ""),
    ModelError: (404, "model_not_found", ""),
    http.RequestEntityTooLarge: (413, "body_too_large", f"Send less than {MAX_BODY:,} bytes."),
    http.UnsupportedMediaType: (415, "not_json", "Send JSON, as Content-Type: application/json."),
    http.SecurityError: (421, "wrong_host", "Unknown host name: allow it with --allowed-host."),
    http.BadRequest: (400, "malformed_json", "The body is not valid JSON."),
    NotReadyError: (503, "not_ready", "The model does not read a known digit correctly."),
    http.ServiceUnavailable: (503, "overloaded", "The server is busy: try again in a moment."),
}


def describe(error: Exception) -> tuple[int, Error]:
    "Return HTTP status and reply of an exception; log the traceback of an unexpected one."
    for kind, (status, code, message) in ERRORS.items():
        if isinstance(error, kind):
            return status, Error(Detail(code, message or str(error)))
    if isinstance(error, http.HTTPException) and error.code:
        code = error.name.lower().replace(" ", "_")
        return error.code, Error(Detail(code, error.description or error.name))
    logging.getLogger(__name__).error("A request cannot be answered.", exc_info=error)
    return 500, Error(Detail("internal_error", "The server failed, not because of what you sent."))


def send(reply: Any, status: int = 200) -> Response:
    "Return a Struct or a dict as a JSON response, which ends with a newline for terminals."
    return Response(msgspec.json.encode(reply) + b"\n", status, mimetype="application/json")


def respond(error: Exception) -> Response:
    "Return the JSON response to a request that raised an exception, see `describe`."
    status, reply = describe(error)
    if status == 413 and (request.content_length or 0) <= 4 * MAX_BODY:
        request.environ["wsgi.input"].read(4 * MAX_BODY)  # many clients send all before they read
    response = send(reply, status)
    if isinstance(error, http.HTTPException):
        response.headers.extend(h for h in error.get_headers() if h[0] == "Allow")
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response


@contextmanager
def turn() -> Iterator[None]:
    "Run one block at a time; exceptions become ImageError. Raises ServiceUnavailable if 128 wait."
    if not MAX_REQUESTS.acquire(blocking=False):
        raise http.ServiceUnavailable
    try:
        with RUNNING, image_errors(logging.ERROR):
            yield
    finally:
        MAX_REQUESTS.release()
