"""Where the time of one predict goes, stage by stage, without HTTP, beside its physical floor.

Run it with `PYTHONPATH=tests python -m benchmarks.stages`. The drawings are the ten digits,
280×280, as the page sends them; the stages follow one another as in a request, so that each finds
the caches as the one before left them. The time is that of the processor, on one thread: what other
programs take meanwhile is not in it, but that they slow the memory is."""

import base64
import io
import time
import zlib
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
from benchmarks.report import put
from digitvision.app import bodies, create_app, shapes
from PIL import Image
from support.digits import DIGITS
from support.helpers import canvas_url, data_url

from digitvision.inference import FORMATS, Recognizer, decode_data_url
from digitvision.preprocess import fit_mnist, rasterize, to_ink

JSON = "application/json"
ROUNDS = 2000
LAYERS = [(26, 1, 32), (24, 32, 32), (10, 32, 64), (8, 64, 64), (2, 64, 128)]  # side, from, to
MULTIPLY_ADDS = sum(side**2 * 9 * given * made for side, given, made in LAYERS) + 512 * 11


def request(body: bytes, recognizer: Recognizer) -> Iterator[str]:
    "Does all the work of one; yields the name of each stage that is done."
    url = bodies.DECODERS[shapes.Image].decode(body).image
    yield "JSON parse"
    picture = decode_data_url(url)
    yield "base64 and PNG"
    ink = to_ink(picture)
    yield "ink"
    seen = fit_mnist(ink)
    yield "fit"
    prediction = recognizer.predict_inputs([seen])[0]
    yield "network"
    msgspec.json.encode(bodies.reply(prediction, recognizer))
    yield "reply"


def measure(sent: list[bytes]) -> dict[str, np.ndarray]:
    "Microseconds of each stage and of the whole, in each round."
    recognizer, times = Recognizer(), {}
    for number in range(ROUNDS):
        first = last = time.thread_time_ns()
        for name in request(sent[number % 10], recognizer):
            now = time.thread_time_ns()
            times.setdefault(name, []).append(now - last)
            last = now
        times.setdefault("**all**", []).append(last - first)
    return {name: np.array(each) / 1000 for name, each in times.items()}


def median(run: Callable[[int], object]) -> float:
    "Microseconds of a call."
    times = []
    for number in range(ROUNDS):
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
    "What one core multiplies and adds in a second at best, measured on a product of matrices."
    side = 512
    a = np.ones((side, side), np.float32)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times) / 1e9


def main() -> None:
    pictures = [rasterize(strokes) for strokes in DIGITS.values()]
    urls = [canvas_url(picture) for picture in pictures]
    sent = [msgspec.json.encode({"image": url}) for url in urls]
    pngs = [base64.b64decode(url.split(",")[1]) for url in urls]
    packed = [inflate(png) for png in pngs]
    times = measure(sent)
    plain = [msgspec.json.encode({"image": data_url(picture)}) for picture in pictures]
    times["all, sent in one channel"] = measure(plain)["**all**"]
    client = create_app().test_client()
    flask = median(lambda n: client.post("/api/predict", data=sent[n], content_type=JSON))
    pillow = median(lambda n: Image.open(io.BytesIO(pngs[n]), formats=FORMATS).load())
    speed = gigaflops()
    floors = {
        "base64 and PNG": f"{median(lambda n: zlib.decompress(packed[n])):.0f}: its bytes inflated "
        f"by Python's zlib. Pillow takes {pillow:.0f}",
        "network": f"{2 * MULTIPLY_ADDS / speed / 1000:.0f}: its {MULTIPLY_ADDS / 1e6:.1f} million "
        f"multiply-adds at the {speed:.0f} GFLOP/s measured on one core",
    }
    lines = ["| stage | p50, µs | best tenth | floor |", "|---|---|---|---|"]
    for name, each in times.items():
        p10, p50 = np.percentile(each, (10, 50))
        lines.append(f"| {name} | {p50:.0f} | {p10:.0f} | {floors.get(name, '')} |")
    put("stages", [*lines, f"| with Flask's test client | {flask:.0f} | | |"])


if __name__ == "__main__":
    main()
