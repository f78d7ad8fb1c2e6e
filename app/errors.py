"""Error replies: `{"error": {"code": "snake_case", "message": "a sentence"}}`."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from flask import Response, request
from werkzeug import exceptions as http

from digitvision.errors import DigitVisionError
from digitvision.inference import BlankImageError, ImageError, ImageTooLargeError, ModelError

from .schemas import Detail, Error

LOG = logging.getLogger(__name__)
MAX_BODY = 2 * 1024 * 1024  # bytes
MAX_REQUESTS = threading.BoundedSemaphore(128)  # that wait in this process, or run
RUNNING = threading.Lock()  # requests that compute at the same time only delay each other


class ApiError(DigitVisionError):
    "A request that the API refuses, with a status and a code."

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code = status, code


ERRORS = {  # status, code and message, if it is not the exception's; subclasses first
    ImageTooLargeError: (413, "image_too_large", ""),
    ImageError: (400, "invalid_image", ""),
    BlankImageError: (422, "blank_image", ""),
    ModelError: (404, "model_not_found", ""),
    http.NotFound: (404, "not_found", "There is nothing at this address."),
    http.MethodNotAllowed: (405, "method_not_allowed", "Use a method that Allow names."),
    http.RequestEntityTooLarge: (413, "body_too_large", f"Send less than {MAX_BODY:,} bytes."),
    http.UnsupportedMediaType: (415, "not_json", "Send JSON, as Content-Type: application/json."),
    http.SecurityError: (421, "wrong_host", "Unknown host name: allow it with --allowed-host."),
    http.ServiceUnavailable: (503, "overloaded", "The server is busy: try again in a moment."),
}


def describe(error: Exception) -> tuple[int, Error]:
    "Return the status and the reply of an error."
    if isinstance(error, ApiError):
        return error.status, Error(Detail(error.code, str(error)))
    for kind, (status, code, message) in ERRORS.items():
        if isinstance(error, kind):
            return status, Error(Detail(code, message or str(error)))
    if isinstance(error, http.HTTPException) and error.code:
        code = error.name.lower().replace(" ", "_")
        return error.code, Error(Detail(code, error.description or error.name))
    return 500, Error(Detail("internal_error", "The server failed, not because of what you sent."))


def send(reply: Any, status: int = 200) -> Response:
    "Return a Struct or a dict as a JSON response, which ends with a newline for terminals."
    return Response(msgspec.json.encode(reply) + b"\n", status, mimetype="application/json")


def respond(error: Exception) -> Response:
    "Return the response to a request that raised an error; log the traceback of a bug."
    status, reply = describe(error)
    if status == 500:
        LOG.error("A request could not be answered.", exc_info=error)
    if status == 413 and (request.content_length or 0) <= 4 * MAX_BODY:
        request.environ["wsgi.input"].read(4 * MAX_BODY)  # many clients send all before they read
    response = send(reply, status)
    if isinstance(error, http.MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response


@contextmanager
def turn() -> Iterator[None]:
    "Run the block when no other request runs. Raises ServiceUnavailable if 128 wait already."
    if not MAX_REQUESTS.acquire(blocking=False):
        raise http.ServiceUnavailable
    try:
        with RUNNING:
            yield
    finally:
        MAX_REQUESTS.release()


@contextmanager
def blame_picture() -> Iterator[None]:
    "Raise ImageError for any unexpected exception of the block, and log its traceback."
    try:
        yield
    except (ApiError, *ERRORS):
        raise
    except Exception as error:
        LOG.exception("A picture cannot be read.")
        raise ImageError("The picture cannot be read: save it again as PNG or JPEG.") from error
