"""The same recogniser behind LitServe, the serving framework that installs with the least."""

import sys

import litserve

from digitvision.inference import Recognizer


class Digits(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.recognizer = Recognizer()

    def decode_request(self, request: dict) -> str:
        return request["image"]

    def predict(self, image: str) -> dict:
        prediction = self.recognizer.predict(image)
        probabilities = prediction.probabilities.tolist()
        return {"digit": prediction.digit, "probabilities": probabilities}

    def encode_response(self, output: dict) -> dict:
        return output


if __name__ == "__main__":
    api = Digits(api_path="/api/predict")
    server = litserve.LitServer(api, accelerator="cpu", healthcheck_path="/api/health")
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error"
    )
