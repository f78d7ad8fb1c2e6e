"""What the server tells of itself: numbers for Prometheus, and a line of JSON per request."""

import json
import logging
import time

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

REQUESTS = Counter("digitvision_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "digitvision_request_seconds",
    "Seconds from the first line of our code to the answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LOG = logging.getLogger("app.requests")
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


def record(method: str, route: str, status: int, seconds: float = 0.0, size: int = 0) -> None:
    "Count a request, and log it. Nothing that was sent is in either, but the size of it."
    REQUESTS.labels(method if method in METHODS else "other", route, status).inc()
    SECONDS.labels(route).observe(seconds)
    if LOG.isEnabledFor(logging.INFO):
        line = {"method": method[:16], "route": route, "status": status}
        line |= {"ms": round(1000 * seconds, 2), "bytes": size}
        LOG.info(json.dumps({"time": round(time.time(), 3)} | line))


def observe(app: Flask) -> None:
    "Count and log every request to an app, and serve the counts at /metrics."

    @app.before_request
    def start() -> None:
        g.start = time.perf_counter()

    @app.after_request
    def stop(response: Response) -> Response:
        # the rule and not the path: a stranger could make up paths, and each would be a number
        route = request.url_rule.rule if request.url_rule else "none"
        seconds = time.perf_counter() - g.get("start", time.perf_counter())
        size = request.content_length or 0
        record(request.method, route, response.status_code, seconds, size)
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
