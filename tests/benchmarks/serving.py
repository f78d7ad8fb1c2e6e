"""One request after the other, ours and the naive server in turns; ratios first.

Run it with `make bench`. Both servers have the same model and get the same drawings."""

import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import requests

from digitvision.preprocess import rasterize
from helpers import data_url, free_port

ROUNDS, REQUESTS = 10, 40  # in turns, so that a noisy machine is noisy for both
SERVERS = {"ours": ["-m", "app", "--port"], "naive": ["-m", "tests.benchmarks.naive_server"]}


def drawings() -> list[str]:
    "Data URLs of forty drawings, 280×280: random curves, as large as digits."
    rng = np.random.default_rng(0)
    urls = []
    for _ in range(REQUESTS):
        path = 140 + np.cumsum(rng.normal(0, 12, (30, 2)), axis=0).clip(-110, 110)
        urls.append(data_url(rasterize([path]).convert("RGBA")))
    return urls


@contextmanager
def serving(name: str):
    "A server in a process of its own: its address, and the seconds until it answered."
    port = free_port()
    command = [sys.executable, *SERVERS[name], str(port)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/api"
    try:
        while True:
            try:
                requests.get(f"{address}/health", timeout=1).raise_for_status()
                break
            except requests.ConnectionError:
                if process.poll() is not None or time.perf_counter() - start > 120:
                    raise RuntimeError(f"The {name} server did not start.") from None
                time.sleep(0.02)
        yield address, time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()


def time_requests(session: requests.Session, address: str, urls: list[str]) -> list[float]:
    "Milliseconds of each request, one after the other on one connection."
    milliseconds = []
    for url in urls:
        start = time.perf_counter()
        session.post(f"{address}/predict", json={"image": url}).raise_for_status()
        milliseconds.append(1000 * (time.perf_counter() - start))
    return milliseconds


def main() -> None:
    urls = drawings()
    times = {name: [] for name in SERVERS}
    with serving("ours") as ours, serving("naive") as naive:
        addresses, ready = (
            {"ours": ours[0], "naive": naive[0]},
            {"ours": ours[1], "naive": naive[1]},
        )
        sessions = {name: requests.Session() for name in SERVERS}
        for name in SERVERS:  # warm up: Keras compiles at its first call
            time_requests(sessions[name], addresses[name], urls[:5])
        for done in range(ROUNDS):
            for name in SERVERS:
                times[name] += time_requests(sessions[name], addresses[name], urls)
            print(f"\rround {done + 1} of {ROUNDS}", end="", file=sys.stderr)
        print(file=sys.stderr)
    p50, p95 = ({name: np.percentile(t, q) for name, t in times.items()} for q in (50, 95))
    print(f"ours is {p50['naive'] / p50['ours']:.0f} times as fast at p50, "
          f"{p95['naive'] / p95['ours']:.0f} times at p95")  # fmt: skip
    print(f"{'':8}{'p50 ms':>8}{'p95 ms':>8}{'ready s':>9}")
    for name in SERVERS:
        print(f"{name:8}{p50[name]:8.2f}{p95[name]:8.2f}{ready[name]:9.2f}")


if __name__ == "__main__":
    main()
