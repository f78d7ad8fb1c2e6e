"""Whether a model reads: a digit whose answer is known, read as every other."""

import numpy as np
from flask import Flask
from PIL import Image

from digitvision.inference import Recognizer, encode_data_url

_seven = Image.new("RGBA", (280, 280), "black")  # as a pen writes it: a bar, and a leaning stem
_seven.paste("white", (88, 60, 190, 78))
for _row in range(78, 230):
    _seven.paste("white", (170 - _row * 60 // 230, _row, 190 - _row * 60 // 230, _row + 1))
SEVEN = encode_data_url(np.asarray(_seven) / 255)


def reads(recognizer: Recognizer) -> bool:
    "Whether the model reads the seven."
    return recognizer.predict(SEVEN).digit == 7


def rehearse(app: Flask) -> None:
    "Ask an app for the seven: the first is slow and takes memory, and this one is not counted."
    observer = app.extensions["observer"]
    observer.counts = False
    app.test_client().post("/api/predict", json={"image": SEVEN})
    observer.counts = True
