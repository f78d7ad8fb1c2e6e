"""The web app: its routes. Reading a digit is the work of `digitvision.inference`."""

import mimetypes
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Collection
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from digitvision.errors import DigitVisionError
from digitvision.inference import DEFAULT_MODEL, Recognizer, list_models
from digitvision.pictures import decode_data_url, release_memory
from digitvision.replies import RequestError, explain_cell, explain_picture, predict_each

from . import schemas
from .errors import MAX_BODY, NotReadyError, describe, respond, send, turn

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SEVEN = (  # a known digit, for the health check
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABgAAAAYAQAAAADIDABVAAAAOklEQVR42lXMMQ6AIAAEwe"
    "EstPQJPIWn8ywKgzbEhGt2tzn2HeUtiRZkXp1TkJ+3mKKufkRbPlC3vw9InQa5bAhwSQAAAABJRU5ErkJggg=="
)
routes = Blueprint("routes", __name__)
mimetypes.add_type("text/javascript", ".js")  # Windows may have another type for it


def create_app(
    model: str = DEFAULT_MODEL,  # used unless a request has ?model=NAME
    cors_origins: Collection[str] = (),  # other sites that may call the API, "https://example.org"
    hosts: Collection[str] = (),  # host names that are answered; empty: all
) -> Flask:
    "Return the app with its model loaded. Raises ModelError if the model is missing or damaged."
    Recognizer.shared(model).predict(SEVEN)  # the first prediction is slow
    release_memory()  # that of large pictures
    app = Flask(__name__)
    app.config.update(MODEL=model, MAX_CONTENT_LENGTH=MAX_BODY, TRUSTED_HOSTS=list(hosts) or None)
    app.register_error_handler(Exception, respond)
    app.register_blueprint(routes)

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


def create_worker(**options) -> Flask:  # options of `create_app`
    "Return the app of a worker process, which stops if the process that started it is killed."

    def stop() -> None:
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM):  # until granian handles them
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=stop, daemon=True).start()
    warnings.simplefilter("ignore")  # Pillow has many for odd files; the reply says what is wrong
    return create_app(**options)


def read_body(shape: type) -> Any:  # shape: a Struct of `schemas`; returns an instance of it
    "Decode the JSON body. Raises RequestError for a wrong shape, HTTPException if unreadable."
    if not request.is_json:
        raise UnsupportedMediaType
    data = request.get_data(cache=False)
    request.stream.read(1)  # raises RequestEntityTooLarge if a chunked body exceeds the limit
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise RequestError(f"The body does not have the documented shape: {error}.") from error
    except (msgspec.DecodeError, RecursionError) as error:  # JSON can be nested too deeply
        raise BadRequest from error


def recognizer() -> Recognizer:
    "Return the model of ?model=NAME, or the default. Raises ModelError if missing or damaged."
    return Recognizer.shared(request.args.get("model", current_app.config["MODEL"]))


@routes.get("/")
def page() -> Response:
    "Send the web page, index.html."
    return current_app.send_static_file("index.html")


@routes.post("/api/predict")
def predict() -> Response:
    "Send the Prediction of one picture, or the Error that prevents it."
    body, reader = read_body(schemas.Image), recognizer()
    with turn():
        (found,) = predict_each([body.image], body.preprocess, reader)
    return respond(found) if isinstance(found, DigitVisionError) else send(found)


@routes.post("/api/predict/batch")
def predict_batch() -> Response:
    "Send a Prediction or an Error for each picture, computed in one run of the network."
    body, reader = read_body(schemas.Images), recognizer()
    with turn():
        found = predict_each(body.images, body.preprocess, reader)
    each = [describe(one)[1] if isinstance(one, DigitVisionError) else one for one in found]
    return send(schemas.Predictions(each))


@routes.post("/api/explain")
def explain() -> Response:
    "Send the Explanation of one picture: layers, saliency, preprocessing stages and timeline."
    body, reader = read_body(schemas.Drawing), recognizer()
    with turn():
        picture, drawn = decode_data_url(body.image), (body.strokes, body.brush)
        return send(explain_picture(picture, *drawn, body.preprocess, reader))


@routes.post("/api/cell")
def cell() -> Response:
    "Send the Cell of a feature map: the patch, the weights and what they add up to."
    body, reader = read_body(schemas.Place), recognizer()
    with turn():
        picture = decode_data_url(body.image)
        return send(explain_cell(picture, *body.cell, body.preprocess, reader))


@routes.get("/api/models")
def models() -> Response:
    "Send the names of all models, and of the default one."
    return send(schemas.Models(list_models(), current_app.config["MODEL"]))


@routes.get("/api/model")
def card() -> Response:
    "Send the model card of the default model, or of ?model=NAME."
    return send(recognizer().card)


@routes.get("/api/health")
def health() -> Response:
    "Send Health if the default model reads a known digit correctly. Raises NotReadyError if not."
    model = current_app.config["MODEL"]
    if Recognizer.shared(model).predict(SEVEN).digit != 7:
        raise NotReadyError
    return send(schemas.Health("ok", model))


@routes.get("/api/openapi.json")
def openapi() -> Response:
    "Send the OpenAPI document of this API."
    return send(schemas.openapi())
