"""The web app: its routes and nothing else. Reading a digit is `digitvision.inference`'s work."""

import mimetypes
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider

from digitvision.inference import (
    DEFAULT_MODEL,
    Recognizer,
    decode_data_url,
    list_models,
    prepare,
)

from .bodies import prepare_each, read_body, reply
from .errors import MAX_BODY, ApiError, describe, error_body, respond
from .explanations import explanation, read_timeline
from .observe import observe
from .openapi import OPENAPI
from .ready import reads
from .shapes import Drawing, Image, Images

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


class Json(DefaultJSONProvider):
    "Answers are written by the library that reads the requests: it takes a tenth of the time."

    def dumps(self, value: Any, **_) -> str:
        return msgspec.json.encode(value).decode()


def create_app(
    model: str = DEFAULT_MODEL,  # answers unless ?model=NAME asks for another
    cors_origins: Collection[str] = (),  # other sites whose pages may call the API
    hosts: Collection[str] = (),  # names the server answers to; if none are given, to any
    workers: int = 1,  # processes that will serve it
    readers: Callable[[str], Recognizer] = Recognizer.shared,  # the recogniser of a model
) -> Flask:
    "The app, its model loaded. Raises ModelError if there is no such model or it is damaged."
    reads(Recognizer.shared(model))  # the first run is slow: let it be ours
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["TRUSTED_HOSTS"] = list(hosts) or None
    app.json = Json(app)
    app.register_error_handler(Exception, respond)

    def recognizer() -> Recognizer:
        return readers(request.args.get("model", model))

    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    @app.get("/docs")
    def docs() -> Response:
        return app.send_static_file("docs.html")

    @app.post("/api/predict")
    def predict() -> dict[str, Any]:
        body, reader = read_body(Image), recognizer()
        seen = prepare(decode_data_url(body.image), body.preprocess)
        return reply(reader.predict_inputs([seen])[0], reader)

    @app.post("/api/predict/batch")
    def predict_batch() -> dict[str, Any]:
        body, reader = read_body(Images), recognizer()
        seen = list(prepare_each(body.images, body.preprocess))
        inputs = [one for one in seen if not isinstance(one, Exception)]
        predictions = iter(reader.predict_inputs(inputs))
        return {
            "predictions": [
                error_body(*describe(one)[1:])
                if isinstance(one, Exception)
                else reply(next(predictions), reader)
                for one in seen
            ]
        }

    @app.post("/api/explain")
    def explain() -> dict[str, Any]:
        body, reader = read_body(Drawing), recognizer()
        picture = decode_data_url(body.image)
        growth = read_timeline(body, reader)
        return explanation(picture, growth, body.preprocess, reader)

    @app.get("/api/models")
    def models() -> dict[str, Any]:
        return {"models": list_models(), "model": model}

    @app.get("/api/model")
    def card() -> dict[str, Any]:
        return recognizer().card

    @app.get("/api/health")
    def health() -> dict[str, str]:
        if not reads(Recognizer.shared(model)):
            raise ApiError(503, "not_ready", "The model does not read a plain seven.")
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

    observe(app, workers)
    return app
