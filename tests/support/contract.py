"""A client for the HTTP contract, and what the tests send."""

import json

from jsonschema import Draft202012Validator
from support.digits import DIGITS
from support.helpers import data_url

from digitvision.preprocess import rasterize

JSON = "application/json"
SEVEN = rasterize(DIGITS[7])
BODY = json.dumps({"image": data_url(SEVEN)}).encode()


class Api:
    "The API behind a test client, and its OpenAPI document."

    def __init__(self, client):
        self.get, self.post, self.open = client.get, client.post, client.open
        self.document = client.get("/api/openapi.json").json

    def check(self, response):
        "Return the JSON of a response, which must match the document for its route and status."
        route = self.document["paths"][response.request.path][response.request.method.lower()]
        announced = route["responses"][str(response.status_code)]["content"]
        components = {"components": self.document["components"]}
        schema = announced[response.mimetype]["schema"] | components
        Draft202012Validator(schema).validate(response.json)
        return response.json

    def refusal(self, response) -> tuple[int, str]:
        "Return the status and the code of an error, which must match the document."
        return response.status_code, self.check(response)["error"]["code"]

    def predict(self, image: str, query: str = "", **more):
        "Post one data URL; more properties may be added to the body."
        return self.post(f"/api/predict{query}", json={"image": image, **more})

    def batch(self, images):
        "Post several data URLs."
        return self.post("/api/predict/batch", json={"images": images})

    def cell(self, *place, **body):
        "Post a 7 and a cell, (layer, map, row, column), to be explained."
        return self.post("/api/cell", json={"image": data_url(SEVEN), "cell": place} | body)

    def explain(self, **body):
        "Post a 7 to be explained; properties of the body replace or add to it."
        return self.post("/api/explain", json={"image": data_url(SEVEN)} | body)
