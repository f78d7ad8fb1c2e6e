"""A load generator: as many clients as asked for, each sends, waits for the answer, sends again.

It is light (the bytes of each request are made before, answers are only searched for their digit),
because it shares the machine with the server. `python -m benchmarks.load ADDRESS CLIENTS SECONDS`
prints JSON; a rate as fourth argument spreads so many requests a second evenly over the clients."""

import json
import re
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

import numpy as np
from support.digits import DIGITS
from support.helpers import canvas_url

from digitvision.preprocess import rasterize


def requests(address: str) -> list[bytes]:
    "Return HTTP requests of the ten digits as the page sends them: 280×280 with alpha."
    url = urlsplit(address)
    made = []
    for digit in DIGITS:
        picture = canvas_url(rasterize(DIGITS[digit]))
        body = json.dumps({"image": picture}).encode()
        head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {len(body)}\r\n"
        made.append(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
    return made


def receive(connection: socket.socket) -> bytes:
    "Return one response, or nothing if the connection was closed."
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class Load:
    "Run clients against a server for some seconds and keep what they measured."

    def __init__(self, address: str, clients: int, seconds: float, rate: float | None = None):
        url = urlsplit(address)
        self.place = url.hostname, url.port
        self.requests = requests(address)
        self.seconds: list[float] = []
        self.wrong = self.refused = self.lost = 0
        self.pause = clients / rate if rate else 0.0
        start = time.perf_counter()
        self.end = start + seconds
        threads = [threading.Thread(target=self.client, args=[n, clients]) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.rate = len(self.seconds) / (time.perf_counter() - start)

    def client(self, number: int, clients: int) -> None:
        "Send requests until the end, over one connection as long as it lasts."
        connection, turn = None, number
        due = time.perf_counter() + self.pause * number / clients
        while (now := time.perf_counter()) < self.end:
            if self.pause:
                time.sleep(max(0, due - now))
                due += self.pause
            digit = turn % 10
            start = time.perf_counter()
            try:
                connection = connection or self.dial()
                connection.sendall(self.requests[digit])
                answer = receive(connection)
            except OSError:
                answer = b""
            self.note(answer, digit, time.perf_counter() - start)
            turn += 1
            if not answer or b"onnection: close" in answer:
                if connection:
                    connection.close()
                connection = None
        if connection:
            connection.close()

    def dial(self) -> socket.socket:
        "Open a connection."
        connection = socket.create_connection(self.place, timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def note(self, answer: bytes, digit: int, seconds: float) -> None:
        "Count one response."
        self.lost += not answer
        self.refused += b" 503 " in answer[:20]
        if b" 200 " in answer[:20]:
            self.wrong += re.search(rb'"digit": ?(\d)', answer)[1] != b"%d" % digit
            self.seconds.append(seconds)

    def summary(self) -> dict[str, float]:
        "Return counts, requests a second and latencies in milliseconds."
        p50, p95, p99 = 1000 * np.percentile(self.seconds or [float("nan")], (50, 95, 99))
        return {
            "answered": len(self.seconds), "rate": self.rate, "p50": p50, "p95": p95, "p99": p99,
            "wrong": self.wrong, "refused": self.refused, "lost": self.lost,
        }  # fmt: skip


if __name__ == "__main__":
    load = Load(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:]))
    print(json.dumps(load.summary()))
