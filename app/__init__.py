"""The web app: its routes. Reading a digit is the work of `digitvision.inference`."""

import mimetypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Collection, Iterator
from typing import Any, TypeVar

import msgspec
import numpy as np
from flask import Blueprint, Flask, Response, current_app, request
from PIL.Image import Image
from werkzeug.exceptions import UnsupportedMediaType

from digitvision import explain as inside
from digitvision import inference
from digitvision.inference import (
    DEFAULT_MODEL,
    MAX_PIXELS,
    BlankImageError,
    ImageTooLargeError,
    Recognizer,
    decode_data_url,
    encode_data_url,
    prepare,
)
from digitvision.pictures import release_memory

from . import schemas
from .errors import ERRORS, MAX_BODY, ApiError, blame_picture, describe, respond, send, turn

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SEVEN = (  # a known digit, for the health check
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABgAAAAYAQAAAADIDABVAAAAOklEQVR42lXMMQ6AIAAEwe"
    "EstPQJPIWn8ywKgzbEhGt2tzn2HeUtiRZkXp1TkJ+3mKKufkRbPlC3vw9InQa5bAhwSQAAAABJRU5ErkJggg=="
)
Shape = TypeVar("Shape", bound=msgspec.Struct)
routes = Blueprint("routes", __name__)
mimetypes.add_type("text/javascript", ".js")  # Windows may have another type for it


def create_app(
    model: str = DEFAULT_MODEL,  # used unless a request has ?model=NAME
    cors_origins: Collection[str] = (),  # other sites whose pages may call the API
    hosts: Collection[str] = (),  # host names to answer to; if empty, any
) -> Flask:
    "Return the app with its model loaded. Raises ModelError if it is missing or damaged."
    Recognizer.shared(model).predict(SEVEN)  # the first prediction is slow
    release_memory()  # that of large pictures
    app = Flask(__name__)
    app.config["MODEL"] = model
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["TRUSTED_HOSTS"] = list(hosts) or None
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


def create_worker(**options) -> Flask:
    "Return the app of a worker process, which stops if the process that started it is killed."

    def follow() -> None:
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
    return create_app(**options)


def read_body(shape: type[Shape]) -> Shape:
    "Return the JSON of the request as a Struct. Raises ApiError or HTTPException."
    if not request.is_json:
        raise UnsupportedMediaType
    data = request.get_data(cache=False)
    request.stream.read(1)  # raises RequestEntityTooLarge if a chunked body exceeds the limit
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        message = f"The body does not have the documented shape: {error}."
        raise ApiError(400, "invalid_request", message) from error
    except (msgspec.DecodeError, RecursionError) as error:  # JSON can be nested too deeply
        raise ApiError(400, "malformed_json", "The body is not valid JSON.") from error


def recognizer() -> Recognizer:
    "Return the model that the request asks for. Raises ModelError."
    return Recognizer.shared(request.args.get("model", current_app.config["MODEL"]))


def to_reply(prediction: inference.Prediction, model: str) -> schemas.Prediction:
    "Return a prediction as the API sends it."
    return schemas.Prediction(
        digit=prediction.digit,
        confidence=round(prediction.confidence, 6),
        probabilities=[round(float(p), 6) for p in prediction.probabilities],
        is_digit=prediction.is_digit,
        digit_score=round(prediction.digit_score, 6),
        input=encode_data_url(prediction.input),
        model=model,
    )


def prepare_each(images: list[Any], preprocess: str) -> Iterator[np.ndarray | schemas.Error]:
    "Yield the network's input for each data URL, or the error that prevents it."
    pixels = 0
    for image in images:
        try:
            if not isinstance(image, str):
                raise ApiError(400, "invalid_request", "An image must be a string: a data URL.")
            if pixels > MAX_PIXELS:  # 64 small files can hold large pictures
                message = f"The pictures of this batch have more than {MAX_PIXELS:,} pixels."
                raise ImageTooLargeError(message)
            with blame_picture():
                picture = decode_data_url(image)
                pixels += picture.width * picture.height
                yield prepare(picture, preprocess)
        except (ApiError, *ERRORS) as error:
            yield describe(error)[1]


@routes.get("/")
def page() -> Response:
    "Send the page."
    return current_app.send_static_file("index.html")


@routes.post("/api/predict")
def predict() -> Response:
    "Read one digit."
    body, reader = read_body(schemas.Image), recognizer()
    with turn(), blame_picture():
        seen = prepare(decode_data_url(body.image), body.preprocess)
        return send(to_reply(reader.predict_inputs([seen])[0], reader.model))


@routes.post("/api/predict/batch")
def predict_batch() -> Response:
    "Read many digits in one run of the network."
    body, reader = read_body(schemas.Images), recognizer()
    with turn():
        seen = list(prepare_each(body.images, body.preprocess))
        found = reader.predict_inputs([one for one in seen if isinstance(one, np.ndarray)])
    replies = (to_reply(prediction, reader.model) for prediction in found)
    both = [next(replies) if isinstance(one, np.ndarray) else one for one in seen]
    return send(schemas.Predictions(both))


def replay(body: schemas.Drawing, reader: Recognizer) -> schemas.Timeline | None:
    "Return the probabilities while the strokes grow. Raises ApiError, or BlankImageError."
    if body.strokes is None:
        return None
    try:
        growth = inside.timeline(
            body.strokes, body.brush, preprocess=body.preprocess, recognizer=reader
        )
    except BlankImageError:
        raise
    except ValueError as error:
        message = f'"strokes" cannot be replayed. {error}'
        raise ApiError(400, "invalid_request", message) from error
    rows = growth.probabilities.astype(float).round(6).tolist()
    return schemas.Timeline(growth.points.tolist(), rows)


def to_layer(name: str, maps: np.ndarray) -> schemas.Layer:
    "Return all maps of a layer as one picture."
    columns = 8 if maps.ndim == 3 else min(32, len(maps))
    return schemas.Layer(name, list(maps.shape), encode_data_url(inside.tile_maps(maps, columns)))


def to_stage(name: str, picture: Image) -> schemas.Stage:
    "Return a stage of the preprocessing, at most 280 pixels wide and high."
    small = picture.copy()
    small.thumbnail((280, 280))
    return schemas.Stage(name, picture.size, encode_data_url(np.asarray(small) / 255))


@routes.post("/api/explain")
def explain() -> Response:
    "Show the layers, the saliency and the preprocessing stages of one picture."
    body, reader = read_body(schemas.Drawing), recognizer()
    with turn(), blame_picture():
        picture, growth = decode_data_url(body.image), replay(body, reader)
        layers = inside.activations(picture, body.preprocess, reader)
        digit = int(layers["probabilities"].maps.argmax())
        heat = inside.saliency(picture, digit, body.preprocess, reader)
        stages = inside.preprocessing_stages(picture, body.preprocess)
        explanation = schemas.Explanation(
            digit=digit,
            layers=[to_layer(name, layer.maps) for name, layer in layers.items()],
            saliency=encode_data_url(inside.overlay(layers["conv1"].inputs[0], heat)),
            stages=[to_stage(*stage) for stage in stages.items()],
            timeline=growth,
            model=reader.model,
        )
    return send(explanation)


@routes.get("/api/models")
def models() -> Response:
    "List the models."
    return send(schemas.Models(inference.list_models(), current_app.config["MODEL"]))


@routes.get("/api/model")
def card() -> Response:
    "Send the card of a model."
    return send(recognizer().card)


@routes.get("/api/health")
def health() -> Response:
    "Check that the model reads a known digit."
    model = current_app.config["MODEL"]
    if Recognizer.shared(model).predict(SEVEN).digit != 7:
        raise ApiError(503, "not_ready", "The model does not read a known digit correctly.")
    return send(schemas.Health("ok", model))


@routes.get("/api/openapi.json")
def openapi() -> Response:
    "Send the OpenAPI document."
    return send(schemas.openapi())
