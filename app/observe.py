"""What the server tells of itself: numbers for Prometheus, and a line of JSON per request.

The workers count in memory that they share: each can tell what all have done, a worker that is
killed takes no count with it, and nothing is written to a file."""

import json
import logging
import mmap
import time
from bisect import bisect_left
from collections.abc import Iterator
from http import HTTPStatus

import numpy as np
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "other"]
STATUSES = list(HTTPStatus)
LIMITS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
LOG = logging.getLogger("app.requests")


class Observer(Collector):
    "Counts and logs requests; nothing that was sent is in either, but the size of it."

    def __init__(self, routes: list[str], workers: int):
        self.routes = [*routes, "none"]
        self.counts = True
        self.worker = 0  # whose row this process writes; nobody else does
        self.requests = _shared(workers, len(self.routes), len(METHODS), len(STATUSES))
        self.seconds = _shared(workers, len(self.routes), len(LIMITS) + 2)  # the last is their sum

    def record(
        self, method: str, route: str, status: int, seconds: float = 0.0, size: int = 0
    ) -> None:
        "Count a request, and log it."
        if not self.counts:
            return
        row = self.worker, self.routes.index(route)
        known = METHODS.index(method if method in METHODS else "other")
        self.requests[(*row, known, STATUSES.index(status))] += 1
        self.seconds[(*row, bisect_left(LIMITS, seconds))] += 1
        self.seconds[(*row, -1)] += seconds
        if LOG.isEnabledFor(logging.INFO):
            line = {"method": method[:16], "route": route, "status": status}
            line |= {"ms": round(1000 * seconds, 2), "bytes": size}
            LOG.info(json.dumps({"time": round(time.time(), 3)} | line))

    def collect(self) -> Iterator[Metric]:
        "The counts of all workers together."
        counter = CounterMetricFamily(
            "digitvision_requests", "Requests answered", labels=["method", "route", "status"]
        )
        requests = self.requests.sum(axis=0)
        for route, method, status in np.argwhere(requests):
            labels = METHODS[method], self.routes[route], str(STATUSES[status].value)
            counter.add_metric(labels, requests[route, method, status])
        yield counter
        text = "Seconds from the first line of our code to the answer"
        histogram = HistogramMetricFamily("digitvision_request_seconds", text, labels=["route"])
        names = [*map(str, LIMITS), "+Inf"]
        for route, (*counts, total) in zip(self.routes, self.seconds.sum(axis=0), strict=True):
            if any(counts):
                buckets = list(zip(names, np.cumsum(counts), strict=True))
                histogram.add_metric([route], buckets, total)
        yield histogram


def _shared(*shape: int) -> np.ndarray:
    "Zeros that processes made from this one read and write too."
    return np.frombuffer(mmap.mmap(-1, 8 * int(np.prod(shape)))).reshape(shape)


def observe(app: Flask, workers: int) -> None:
    "Count and log every request to an app that has all its routes, and serve the counts."

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    observer = Observer(sorted({rule.rule for rule in app.url_map.iter_rules()}), workers)
    registry = CollectorRegistry()
    registry.register(observer)
    app.extensions["observer"] = observer

    @app.before_request
    def start() -> None:
        g.start = time.perf_counter()

    @app.after_request
    def stop(response: Response) -> Response:
        # the rule and not the path: a stranger could make up paths, and each would be a number
        route = request.url_rule.rule if request.url_rule else "none"
        seconds = time.perf_counter() - g.get("start", time.perf_counter())
        size = request.content_length or 0
        observer.record(request.method, route, response.status_code, seconds, size)
        return response
