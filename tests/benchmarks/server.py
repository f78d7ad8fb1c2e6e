"""Measure how the server starts, serves among slow and idle clients, keeps memory, and stops.

`PYTHONPATH=tests python -m benchmarks.server` writes the second table of docs/benchmarks.md. With
BEFORE and BEFORE_PYTHON, as for `benchmarks.serving`, another checkout gets a column of its own."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import numpy as np
import psutil
import requests
from benchmarks.load import HEADERS, Load, bodies
from benchmarks.report import put
from benchmarks.serving import apps
from PIL import Image, ImageFilter
from support.helpers import connections, data_url

PHOTOS, SIDES = 200, (4000, 3000)
HEAD = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW = {
    "1,000 idle connections": (1000, b""),
    "100 slow heads": (100, HEAD),
    "100 slow bodies": (100, HEAD + b"Content-Length: 9000\r\n\r\n{"),
}


def photo() -> bytes:
    "Return the request body of a JPEG of 12 megapixels: a 7 on paper, with noise."
    noise = np.random.default_rng(0).normal(200, 6, SIDES[::-1]).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))
    picture.paste(30, (1200, 700, 2800, 900))
    picture.paste(30, (2300, 700, 2500, 2400))
    return json.dumps({"image": data_url(picture, "JPEG", quality=80)}).encode()


def ask(address: str, body: bytes) -> float:
    "Return the seconds until a picture was read, over a connection of its own."
    start = time.perf_counter()
    requests.post(address, body, headers=HEADERS, timeout=30).raise_for_status()
    return time.perf_counter() - start


def processor_time(processes: list[psutil.Process]) -> float:
    "Return the seconds of processor that processes have used."
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def memory(processes: list[psutil.Process]) -> int:
    "Return the MiB that processes occupy; shared pages count once."
    return round(sum(one.memory_full_info().pss for one in processes) / 2**20)


def measure(server: AbstractContextManager) -> Iterator[tuple[str, str]]:
    "Yield what was measured of a server, and the result."
    with server as (address, process, ready):
        yield "start to first answer", f"{ready:.2f} s"
        processes = [process, *process.children(recursive=True)]
        body, image = bodies()[7], photo()
        for _ in range(20):
            ask(address, body)
        before = memory(processes)
        for name, (count, sent) in SLOW.items():
            with connections(address.removesuffix("/api/predict"), count, sent):
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
            process.terminate()
            code = process.wait(20)
        seen, name = load.result(), "SIGTERM under load: answered, wrong"
        yield name, f"{len(seen.seconds)}, {seen.wrong}; exit {code}"


def main() -> None:
    "Measure each server and write the table."
    columns = {name: dict(measure(server)) for name, server in apps().items()}
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name in next(iter(columns.values())):
        lines.append(f"| {name} | {' | '.join(column[name] for column in columns.values())} |")
    put("server", lines)


if __name__ == "__main__":
    main()
