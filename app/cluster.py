"""The app on a Ray cluster: Ray Serve spreads requests over replicas, which come and go with the
load; each is a process with the whole app, whose network answers what waits in one run."""

import asyncio
import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import ray
from a2wsgi import WSGIMiddleware
from ray import serve
from ray.serve.config import AutoscalingConfig

from digitvision.inference import Prediction, Recognizer

from . import create_app

NAME = "digitvision"
THREADS = 8  # of a replica: requests that it is at
ONGOING = 64  # requests that a replica takes in: with few, Ray's router waits longer than it works
TARGET = 4  # more than so many for each replica, and there will be one more
UPSCALE = 5.0  # seconds of it
QUEUE = 128  # requests that may wait for a replica; more are told to come back
PROXY = {"RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "app.refusals:refusals"}
BATCH = 32  # pictures, at most, in one run of the network


class BatchingRecognizer(Recognizer):
    "Reads what several requests wait for in one run of the network."

    _shared: ClassVar[dict[str, Recognizer]] = {}

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def predict_inputs(self, inputs: list[np.ndarray] | np.ndarray) -> list[Prediction]:
        if len(inputs) != 1:
            return super().predict_inputs(inputs)
        return [asyncio.run_coroutine_threadsafe(self.ask(inputs[0]), self.loop).result()]

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=0)  # who comes alone does not wait
    async def ask(self, inputs: list[np.ndarray]) -> list[Prediction]:
        return super().predict_inputs(inputs)


class RayServer:
    "The app on a cluster, until a signal says stop."

    def __init__(
        self,
        host: str,
        port: int,
        workers: int,  # replicas, at most
        address: str | None,  # of a cluster; else one of this machine alone is started
        model: str,
        **more: Any,  # for `create_app`
    ):
        """Start it, and wait until it answers. Raises ModelError if there is no such model,
        ConnectionError if there is no such cluster, and OSError if the port cannot be had."""
        Recognizer.shared(model)
        if address is None:  # else the port is one of other machines
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            socket.create_server((host, port), family=family).close()
        connect(address)
        if others := set(serve.status().applications) - {NAME}:
            names = ", ".join(sorted(others))
            raise ConnectionError(f"This cluster serves {names} already: choose another.")
        serve.shutdown()  # one of us that was killed may have left its port open
        serve.start(http_options={"host": host, "port": port})
        scaling = AutoscalingConfig(
            max_replicas=workers, target_ongoing_requests=TARGET, upscale_delay_s=UPSCALE
        )
        replica = serve.deployment(
            serve.ingress(lambda: build(model, **more))(),
            name=NAME,
            autoscaling_config=scaling,
            health_check_period_s=1,
            max_ongoing_requests=ONGOING,
            max_queued_requests=QUEUE,
        )
        serve.run(replica.bind(), name=NAME)

    def run(self, announce: Callable[[], None]) -> None:
        "Serve until SIGINT or SIGTERM, then answer what was accepted."
        stop = threading.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: stop.set())
        announce()
        stop.wait()
        serve.delete(NAME)  # waits for what is being answered
        serve.shutdown()
        ray.shutdown()


def build(*args: Any, **more: Any) -> WSGIMiddleware:
    "The app of a replica, for the protocol that Ray speaks."
    warnings.filterwarnings("ignore", module="PIL")
    app = create_app(*args, **more, readers=BatchingRecognizer.shared)

    def whole(environ: dict[str, Any], start: Callable) -> Any:
        # or Flask would take a body in chunks, which has no length, for none
        return app(environ | {"wsgi.input_terminated": True}, start)

    return WSGIMiddleware(whole, workers=THREADS)


def connect(address: str | None) -> None:
    "Join a cluster, or start one. Raises ConnectionError if there is none at the address."
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    options = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address:
        options["include_dashboard"] = False
    try:
        if address and address != "auto":  # Ray would try for twenty minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address or "local", runtime_env={"env_vars": PROXY}, **options)
    except (OSError, ValueError, RuntimeError) as error:
        where = address or "this machine"
        raise ConnectionError(f"There is no Ray cluster at {where} ({error}).") from error
