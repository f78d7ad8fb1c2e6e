"""The server most demos have: Flask's own server, Pillow's resize and Keras's `predict`."""

import base64
import io
import sys

import keras
import numpy as np
from flask import Flask, request
from PIL import Image

from digitvision.inference import CHECKPOINTS

app = Flask(__name__)
model = keras.saving.load_model(CHECKPOINTS / "digitvision.keras")


@app.get("/api/health")
def health():
    "Say that the server is up."
    return {"status": "ok"}


@app.post("/api/predict")
def predict():
    "Read one digit, without any preprocessing but shrinking."
    png = base64.b64decode(request.get_json()["image"].split(",")[1])
    image = Image.open(io.BytesIO(png)).convert("L").resize((28, 28))
    logits, _ = model.predict(np.asarray(image)[None, :, :, None] / 255, verbose=0)
    return {"digit": int(logits.argmax()), "logits": logits[0].tolist()}


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]))
