"""Where the time of one predict goes, stage by stage, without HTTP, beside its physical floor.

Run it with `PYTHONPATH=tests python -m benchmarks.stages`. The drawings are the ten digits,
280×280, as the page sends them. The time is that of the processor, on one thread: what other
programs take meanwhile is not in it, but that they slow the memory is."""

import base64
import io
import time
import zlib
from collections.abc import Callable

import msgspec
import numpy as np
from digits import DIGITS
from helpers import canvas_url
from PIL import Image

from app import bodies, create_app, shapes
from digitvision.inference import Recognizer, decode_data_url, prepare
from digitvision.preprocess import fit_mnist, rasterize, to_ink

ROUNDS = 200
LAYERS = [(26, 1, 32), (24, 32, 32), (10, 32, 64), (8, 64, 64), (2, 64, 128)]  # side, from, to
MULTIPLY_ADDS = sum(side**2 * 9 * given * made for side, given, made in LAYERS) + 512 * 11


def microseconds(run: Callable[[int], object]) -> float:
    "Median time of one call over all drawings."
    times = []
    for number in range(ROUNDS * 10):
        start = time.thread_time_ns()
        run(number % 10)
        times.append(time.thread_time_ns() - start)
    return float(np.median(times)) / 1000


def inflate(png: bytes) -> bytes:
    "The pixels of a PNG as they lie in the file: what no decoder can avoid."
    data, place = b"", 8
    while place < len(png):
        length, kind = int.from_bytes(png[place : place + 4], "big"), png[place + 4 : place + 8]
        data += png[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    return data


def gigaflops() -> float:
    "What one core multiplies and adds in a second, measured on a product of matrices."
    side = 512
    a = np.ones((side, side), np.float32)
    best = min(_time(lambda: a @ a) for _ in range(20))
    return 2 * side**3 / best / 1e9


def _time(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    recognizer = Recognizer()
    urls = [canvas_url(rasterize(DIGITS[digit])) for digit in DIGITS]
    sent = [msgspec.json.encode({"image": url}) for url in urls]
    texts = [url.split(",")[1] for url in urls]
    pngs = [base64.b64decode(text) for text in texts]
    packed = [inflate(png) for png in pngs]
    images = [decode_data_url(url) for url in urls]
    inks = [to_ink(image) for image in images]
    seen = [prepare(image) for image in images]
    predictions = recognizer.predict_inputs(seen)
    decoder = bodies.DECODERS[shapes.Image]
    client = create_app().test_client()
    app = client.application

    def whole(n: int) -> None:
        body = decoder.decode(sent[n])
        framed = prepare(decode_data_url(body.image), body.preprocess)
        app.json.dumps(bodies.reply(recognizer.predict_inputs([framed])[0], recognizer))

    stages = {
        "JSON parse": lambda n: decoder.decode(sent[n]),
        "base64": lambda n: base64.b64decode(texts[n], validate=True),
        "PNG": lambda n: Image.open(io.BytesIO(pngs[n])).load(),
        "ink": lambda n: to_ink(images[n]),
        "fit": lambda n: fit_mnist(inks[n]),
        "network": lambda n: recognizer.predict_inputs([seen[n]]),
        "reply": lambda n: app.json.dumps(bodies.reply(predictions[n], recognizer)),
        "all of these": whole,
        "with Flask": lambda n: client.post(
            "/api/predict", data=sent[n], content_type="application/json"
        ),
        "floor: inflate": lambda n: zlib.decompress(packed[n]),
    }
    with app.test_request_context():
        for name, run in stages.items():
            print(f"{name:16}{microseconds(run):9.0f} µs", flush=True)
    speed = gigaflops()
    print(f"floor: network  {2 * MULTIPLY_ADDS / speed / 1000:9.0f} µs at {speed:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
