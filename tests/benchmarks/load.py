"""A load generator: as many clients as asked for, each sends, waits for the answer, sends again.

`python -m benchmarks.load ADDRESS CLIENTS SECONDS` prints JSON."""

import json
import re
import sys
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import numpy as np
from support.digits import DIGITS
from support.helpers import canvas_url

from digitvision.preprocess import rasterize

HEADERS = {"Content-Type": "application/json"}


def bodies() -> list[bytes]:
    "Return request bodies of the ten digits as the page sends them: 280×280 with alpha."
    pictures = [canvas_url(rasterize(strokes)) for strokes in DIGITS.values()]
    return [json.dumps({"image": picture}).encode() for picture in pictures]


class Load:
    "Run clients against a server for some seconds and keep what they measured."

    def __init__(self, address: str, clients: int, seconds: float):
        self.url, self.bodies = urlsplit(address), bodies()
        self.seconds: list[float] = []
        self.wrong = self.refused = self.lost = 0
        start = time.perf_counter()
        self.end = start + seconds
        threads = [threading.Thread(target=self.client, args=[n]) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.rate = len(self.seconds) / (time.perf_counter() - start)

    def client(self, number: int) -> None:
        "Send requests until the end, over one connection as long as it lasts."
        with closing(HTTPConnection(self.url.netloc, timeout=30)) as connection:
            while time.perf_counter() < self.end:
                try:
                    self.ask(connection, number % 10)
                except (OSError, HTTPException):
                    self.lost += 1
                    connection.close()  # the next request opens it again
                number += 1

    def ask(self, connection: HTTPConnection, digit: int) -> None:
        "Send one request and count the answer."
        start = time.perf_counter()
        connection.request("POST", self.url.path, self.bodies[digit], HEADERS)
        response = connection.getresponse()
        answer = response.read()
        self.refused += response.status == 503
        if response.status == 200:
            self.seconds.append(time.perf_counter() - start)
            self.wrong += re.search(rb'"digit": ?(\d)', answer)[1] != b"%d" % digit

    def summary(self) -> dict[str, float]:
        "Return counts, requests a second and latencies in milliseconds."
        p50, p95, p99 = 1000 * np.percentile(self.seconds or [float("nan")], (50, 95, 99))
        return {
            "answered": len(self.seconds), "rate": self.rate, "p50": p50, "p95": p95, "p99": p99,
            "wrong": self.wrong, "refused": self.refused, "lost": self.lost,
        }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(Load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])).summary()))
