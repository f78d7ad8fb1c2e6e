"""The HTTP contract, whoever keeps it: a client for a server elsewhere, and what clients ask."""

from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from json import dumps, loads
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

from jsonschema import Draft202012Validator
from support.digits import DIGITS
from support.helpers import data_url

from digitvision.preprocess import rasterize

JSON = "application/json"
SEVEN = rasterize(DIGITS[7])


@dataclass
class Answer:
    "An answer with what the tests look at in one of Flask's test client."

    status_code: int
    headers: HTTPMessage
    data: bytes
    request: SimpleNamespace

    @property
    def json(self):
        return loads(self.data)

    @property
    def text(self) -> str:
        return self.data.decode()

    @property
    def mimetype(self) -> str:
        return self.headers.get_content_type()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        "Nothing is open: it was read to its end."


class Wire:
    "A server at an address, asked as Flask's test client asks an app. Paths are sent as they are."

    def __init__(self, address: str):
        self.place = urlsplit(address).netloc

    def open(
        self,
        path,
        method="GET",
        json=None,
        data=None,
        content_type=None,
        headers=(),
        query_string=(),
    ) -> Answer:
        headers = dict(headers)
        if json is not None:
            data, content_type = dumps(json).encode(), JSON
        if content_type is not None:
            headers["Content-Type"] = content_type
        target = f"{path}?{urlencode(query_string)}" if query_string else path
        with closing(HTTPConnection(self.place, timeout=60)) as connection:
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            asked = SimpleNamespace(path=urlsplit(path).path, method=method)
            return Answer(response.status, response.headers, response.read(), asked)

    def get(self, path: str, **more) -> Answer:
        return self.open(path, **more)

    def post(self, path: str, **more) -> Answer:
        return self.open(path, method="POST", **more)


class Api:
    "An API behind a client, and the OpenAPI document it gives of itself."

    def __init__(self, client):
        self.get, self.post, self.open = client.get, client.post, client.open
        self.document = client.get("/api/openapi.json").json

    def check(self, response):
        "The reply, which must be one that the document announces for its route and status."
        route = self.document["paths"][response.request.path][response.request.method.lower()]
        announced = route["responses"][str(response.status_code)]["content"]
        components = {"components": self.document["components"]}
        schema = announced[response.mimetype]["schema"] | components
        Draft202012Validator(schema).validate(response.json)
        return response.json

    def predict(self, image: str, query: str = "", **more):
        return self.post(f"/api/predict{query}", json={"image": image, **more})

    def batch(self, images, **more):
        return self.post("/api/predict/batch", json={"images": images, **more})

    def explain(self, **body):
        return self.post("/api/explain", json={"image": data_url(SEVEN)} | body)
