"""The app behind Ray Serve: `serve run digitvision.app.ray_serve:app`, or `--engine ray`."""

import signal
import socket
import sys
import threading

import ray
from a2wsgi import WSGIMiddleware
from ray import serve

from . import create_app


def build(workers: int = 4, **options) -> serve.Application:  # options of `create_app`
    "Return the app as a Ray application of 1 to `workers` replicas, scaled by waiting requests."

    def ingress() -> WSGIMiddleware:
        flask, read = create_app(**options), {"wsgi.input_terminated": True}  # also in chunks
        return WSGIMiddleware(lambda environ, start: flask(environ | read, start), workers=8)

    scaling = {"min_replicas": 1, "max_replicas": workers, "target_ongoing_requests": 4}
    replica = serve.deployment(autoscaling_config=scaling, max_ongoing_requests=64, name="app")
    return replica(serve.ingress(ingress)()).bind()


def run(host, port, workers, address, options, announce):  # announce() is called once it serves
    "Serve from a Ray cluster (None: a local one) until SIGINT or SIGTERM. Raises ConnectionError."
    if address and address != "auto":
        socket.create_connection(address.split(":"), 10).close()  # ray.init tries for minutes
    ray.init(address or "local", log_to_driver=False, logging_level="ERROR")
    serve.start(http_options={"host": host, "port": port})
    serve.run(build(workers, **options), name="digitvision")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    announce()
    try:
        threading.Event().wait()
    finally:
        serve.delete("digitvision")  # waits for the requests being answered
        serve.shutdown()
