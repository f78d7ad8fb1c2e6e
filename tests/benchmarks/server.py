"""Measure how the server starts, serves among slow and idle clients, keeps memory, and stops.

`PYTHONPATH=tests python -m benchmarks.server` writes the second table of docs/benchmarks.md. With
BEFORE and BEFORE_PYTHON, as for `benchmarks.serving`, another checkout gets a column of its own."""

import base64
import io
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
from benchmarks.load import Load, requests
from benchmarks.report import put
from benchmarks.serving import serving
from PIL import Image, ImageFilter

PHOTOS, SIDES = 200, (4000, 3000)
CONNECTIONS = {"1,000 idle connections": (1000, b""), "100 slow heads": (100, b"POST /api/pre")}


def photo() -> bytes:
    "Return the request body of a JPEG of 12 megapixels: a 7 on paper, with noise."
    noise = np.random.default_rng(0).normal(200, 6, SIDES[::-1]).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))
    picture.paste(30, (1200, 700, 2800, 900))
    picture.paste(30, (2300, 700, 2500, 2400))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    url = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    return json.dumps({"image": url}).encode()


def ask(address: str, body: bytes) -> float:
    "Return the seconds until a picture was read, over a connection of its own."
    start = time.perf_counter()
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("POST", "/api/predict", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200, response.read()
    response.read()
    connection.close()
    return time.perf_counter() - start


def tree(port: int) -> list[psutil.Process]:
    "Return the server that was started for a port, and all processes it started."
    options = {"--port", str(port)}
    (root, *_) = (
        one for one in psutil.process_iter(["cmdline"]) if options <= {*(one.info["cmdline"] or ())}
    )
    return [root, *root.children(recursive=True)]


def processor_time(processes: list[psutil.Process]) -> float:
    "Return the seconds of processor that processes have used."
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def memory(processes: list[psutil.Process]) -> int:
    "Return the MiB that processes occupy; shared pages count once."
    return round(sum(one.memory_full_info().pss for one in processes) / 2**20)


@contextmanager
def connections(address: str, count: int, sent: bytes) -> Iterator[None]:
    "Hold connections that have sent the beginning of a request."
    url, opened = urlsplit(address), []
    for _ in range(count):
        opened.append(socket.create_connection((url.hostname, url.port), timeout=30))
        opened[-1].sendall(sent)
    yield
    for one in opened:
        one.close()


def measure(start: Callable) -> Iterator[tuple[str, str]]:
    "Yield what was measured of a server, and the result."
    with start() as (address, ready):
        yield "start to first answer", f"{ready:.2f} s"
        request = requests(address)[7]
        head, body = request.split(b"\r\n\r\n")
        processes, cases = tree(urlsplit(address).port), dict(CONNECTIONS)
        for _ in range(20):
            ask(address, body)
        before, image = memory(processes), photo()
        for name, (count, sent) in {**cases, "100 slow bodies": (100, head + b"\r\n\r\n{")}.items():
            with connections(address, count, sent):
                worst = max(ask(address, body) for _ in range(20))
                used = processor_time(processes)
                time.sleep(2)
                used = (processor_time(processes) - used) / 2
            yield f"{name}: slowest of 20 answers; load meanwhile", f"{worst:.3f} s; {used:.0%}"
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: ask(address, image), range(PHOTOS)))
        after = memory(processes)
        text = f"{before} → {after} MiB ({after / before:.2f}×)"
        yield f"memory before and after {PHOTOS} photos of 12 megapixels", text
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(Load, address, 8, 4)
            time.sleep(2)
            processes[0].terminate()
            code = processes[0].wait(20)
        seen = load.result()
        yield (
            "SIGTERM under load: answered, wrong",
            f"{len(seen.seconds)}, {seen.wrong}; exit {code}",
        )


def main() -> None:
    "Measure each server and write the table."
    starts = {"DigitVision": lambda: serving(sys.executable, "-m", "digitvision.app", "--port")}
    if before := os.environ.get("BEFORE"):
        command = [os.environ["BEFORE_PYTHON"], "-m", "app", "--port"]
        starts["DigitVision before"] = lambda: serving(*command, folder=Path(before))
    columns = [dict(measure(start)) for start in starts.values()]
    lines = [f"| | {' | '.join(starts)} |", "|---" * (len(starts) + 1) + "|"]
    for name in columns[0]:
        lines.append(f"| {name} | {' | '.join(column[name] for column in columns)} |")
    put("server", lines)


if __name__ == "__main__":
    main()
