"""`python -m digitvision.app`: the web app behind granian, for this machine only by default."""

import errno
import ipaddress
import multiprocessing
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from digitvision.inference import DEFAULT_MODEL, ModelError, read_model

from . import create_worker

DESCRIPTORS = 4096  # of a worker: its connections and files
THREADS = 256  # of a worker: a slow sender of a body occupies one
GRACE = 10  # seconds to finish the requests being answered when the server stops
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
LOG = "%(time)s %(method)s %(path)s %(status)d %(dt_ms).1f ms"
# For the workers: free large buffers at once, and do not print what Pillow thinks of odd files.
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "PYTHONWARNINGS": "ignore",
}


def is_loopback(host: str) -> bool:
    "Return True if only this machine can connect to a host."
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def default_workers() -> int:
    "Return the number of cores, at most 4; 1 on Windows, where granian has one worker."
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 1 if sys.platform == "win32" else min(4, cores or 1)


def resolve(host: str, port: int) -> str:
    "Return the IP address of a host. Raises ClickException if the port cannot be opened there."
    try:
        family, *_, (address, *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server((address, port), family=family).close()
        return address
    except socket.gaierror:
        message = f"There is no address {host}: choose another --host."
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"is closed: {error.strerror}"
        message = f"Port {port} of {host} {reason}. Choose another with --port."
    raise click.ClickException(message)


def connection_limit() -> int:
    "Allow the workers DESCRIPTORS if possible; return how many connections each can hold."
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    return max(8, allowed - 48)  # a worker has about 30 files open


def announce(address: str, port: int, text: str) -> None:
    "Print a text as soon as the server accepts connections."
    while True:
        with suppress(OSError), socket.create_connection((address, port), timeout=1):
            return click.echo(text)
        time.sleep(0.01)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Name of the model.")
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Site whose pages may call the API, as https://example.org; repeatable.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Host name to answer to, as example.org; repeatable. Default: any name, but only "
    "those of this machine on a loopback address.",
)
@click.option(
    "--workers",
    default=default_workers,
    show_default="one a core, at most 4; 1 on Windows",
    type=click.IntRange(1, 64),
    help="Number of processes; with --engine ray, the largest number of replicas.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Serve from this machine, or from a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help='Ray cluster to join; "auto": the one of this machine. Default: start one.',
)
@click.option("--log-requests", is_flag=True, help="Print a line for each request.")
def main(host, port, model, cors_origins, allowed_hosts, workers, engine, address, log_requests):
    "Serve the DigitVision page and its API."
    if engine == "ray" and log_requests:
        raise click.UsageError("--log-requests is for --engine local: Ray has its own log.")
    if engine == "local" and address:
        raise click.UsageError("--address is for --engine ray.")
    hosts = [*allowed_hosts, *(LOOPBACK if allowed_hosts or is_loopback(host) else [])]
    options = {"model": model, "cors_origins": cors_origins, "hosts": hosts}
    try:
        read_model(model)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    place = f"[{host}]" if ":" in host else host
    text = f"DigitVision is at http://{place}:{port} (model {model}). Press Ctrl+C to stop."
    if engine == "ray":
        return serve_on_ray(host, port, workers, address, options, text)
    ip = resolve(host, port)
    os.environ |= ENVIRONMENT | dict(os.environ)
    multiprocessing.set_start_method("spawn", force=True)  # forked threads could deadlock
    server = Granian(
        target="digitvision.app",
        address=ip,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=workers,
        blocking_threads=THREADS,
        backpressure=connection_limit(),
        log_level=LogLevels.error,
        log_access=log_requests,
        log_access_format=LOG,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE,
    )
    threading.Thread(target=announce, args=(ip, port, text), daemon=True).start()
    server.serve(target_loader=partial(create_worker, **options), wrap_loader=False)


def serve_on_ray(host, port, workers, address, options, text):
    "Serve from a Ray cluster until a signal stops it. Raises ClickException if there is none."
    try:
        from . import ray_serve
    except ModuleNotFoundError as error:
        if error.name not in ("ray", "a2wsgi"):
            raise
        message = f'Ray is an extra ({error.name} is missing): pip install -e ".[scale]"'
        raise click.ClickException(message) from error
    try:
        ray_serve.run(host, port, workers, address, options, lambda: click.echo(text))
    except ConnectionError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m digitvision.app")
