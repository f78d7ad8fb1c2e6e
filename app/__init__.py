"""The web app: its routes and nothing else. Reading a digit is `digitvision.inference`'s work."""

import mimetypes
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, request

from digitvision.inference import DEFAULT_MODEL, Recognizer, list_models, prepare

from .bodies import prepare_each, read_body, read_images, read_picture, read_preprocess, reply
from .errors import MAX_BODY, ApiError, describe, error_body, respond
from .explanations import explanation, read_timeline
from .openapi import OPENAPI

MAX_WAIT = 2.0  # seconds a request waits for its turn before it is told that the server is busy
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Windows may have another program's idea of .js, and a module of the wrong type is not run.
mimetypes.add_type("text/javascript", ".js")


def create_app(
    model: str = DEFAULT_MODEL,  # answers unless ?model=NAME asks for another
    cors_origins: Collection[str] = (),  # other sites whose pages may call the API
    turns: int = 4,  # requests whose pictures are read at the same time
) -> Flask:
    "The app, its model loaded. Raises ModelError if there is no such model or it is damaged."
    Recognizer.shared(model)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False
    app.register_error_handler(Exception, respond)
    free_turns = threading.BoundedSemaphore(turns)

    @contextmanager
    def turn() -> Iterator[Recognizer]:
        recognizer = Recognizer.shared(request.args.get("model", model))
        if not free_turns.acquire(timeout=MAX_WAIT):
            raise ApiError(503, "overloaded", "The server is busy: try again in a moment.")
        try:
            yield recognizer
        finally:
            free_turns.release()

    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    @app.post("/api/predict")
    def predict() -> dict[str, Any]:
        body = read_body()
        preprocess = read_preprocess(body)
        with turn() as recognizer:
            seen = prepare(read_picture(body.get("image")), preprocess)
            return reply(recognizer.predict_inputs([seen])[0], recognizer)

    @app.post("/api/predict/batch")
    def predict_batch() -> dict[str, Any]:
        body = read_body()
        images, preprocess = read_images(body), read_preprocess(body)
        with turn() as recognizer:
            seen = list(prepare_each(images, preprocess))
            inputs = [one for one in seen if not isinstance(one, Exception)]
            predictions = iter(recognizer.predict_inputs(inputs))
        return {
            "predictions": [
                error_body(*describe(one)[1:])
                if isinstance(one, Exception)
                else reply(next(predictions), recognizer)
                for one in seen
            ]
        }

    @app.post("/api/explain")
    def explain() -> dict[str, Any]:
        body = read_body()
        preprocess = read_preprocess(body)
        with turn() as recognizer:
            picture = read_picture(body.get("image"))
            growth = read_timeline(body, preprocess, recognizer)
            return explanation(picture, growth, preprocess, recognizer)

    @app.get("/api/models")
    def models() -> dict[str, Any]:
        return {"models": list_models(), "model": model}

    @app.get("/api/model")
    def card() -> dict[str, Any]:
        return Recognizer.shared(request.args.get("model", model)).card

    @app.get("/api/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "model": model}

    @app.get("/api/openapi.json")
    def openapi() -> dict[str, Any]:
        return OPENAPI

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.path.startswith("/api/"):
            response.headers["Cache-Control"] = "no-store"
        if cors_origins:
            response.vary.add("Origin")
        if request.origin in cors_origins:
            response.headers["Access-Control-Allow-Origin"] = request.origin
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        return response

    return app
