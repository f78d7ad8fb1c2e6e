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

from digitvision.errors import DigitVisionError
from digitvision.model_files import DEFAULT_MODEL, read_model

from . import create_worker

DESCRIPTORS = 4096  # connections and files that each worker may have open, if the system allows it
THREADS = 256  # of each worker; one is occupied by each client that sends a body slowly
ENGINES = click.Choice(["local", "ray"])
CORES = min(4, os.cpu_count() or 1)  # on Windows granian has one worker all the same
LOG = "%(time)s %(method)s %(path)s %(status)d %(dt_ms).1f ms"


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
    "Return how many connections a worker can hold; raise the limit of descriptors if possible."
    if sys.platform == "win32":
        return DESCRIPTORS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = min(DESCRIPTORS, hard) if hard > 0 else DESCRIPTORS  # below 0: no limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    return max(8, allowed - 48)  # a worker has about 30 files open


def announce(address: str, port: int, text: str) -> None:
    "Print a text as soon as the server accepts connections."
    while True:
        with suppress(OSError), socket.create_connection((address, port), timeout=1):
            return click.echo(text)
        time.sleep(0.01)


@click.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=8000, type=click.IntRange(1, 65535))
@click.option("--model", default=DEFAULT_MODEL, help="Name of the model.")
@click.option("--cors-origin", multiple=True, help="Site whose pages may call the API; repeatable.")
@click.option("--allowed-host", multiple=True, help="Host name to allow (else any); repeatable.")
@click.option("--workers", type=click.IntRange(1, 64), default=CORES, help="Processes, at most.")
@click.option("--engine", type=ENGINES, default="local", help="This machine, or a Ray cluster.")
@click.option("--address", metavar="HOST:PORT", help="Ray cluster to join (default: start one).")
@click.option("--log-requests", is_flag=True, help="Print a line for each request.")
def main(host, port, model, cors_origin, allowed_host, workers, engine, address, log_requests):
    "Serve the page and its API; on a loopback address, only to local and --allowed-host names."
    if address if engine == "local" else log_requests:
        raise click.UsageError("--address is for --engine ray, --log-requests for --engine local.")
    ip = host if address else resolve(host, port)  # a cluster opens the port on its own machines
    local = allowed_host or (not address and ipaddress.ip_address(ip).is_loopback)
    names = [*allowed_host, *(["localhost", "127.0.0.1", "[::1]"] if local else [])]
    options = {"model": model, "cors_origins": cors_origin, "hosts": names}
    place = f"[{host}]" if ":" in host else host
    text = f"DigitVision is at http://{place}:{port} (model {model}). Press Ctrl+C to stop."
    try:
        read_model(model)
        if engine == "local":
            serve(ip, port, workers, log_requests, options, text)
        else:
            from . import ray_serve  # an extra

            ray_serve.run(ip, port, workers, address, options, partial(click.echo, text))
    except ModuleNotFoundError as error:
        if error.name in ("ray", "a2wsgi"):
            raise click.ClickException('Install Ray first: pip install -e ".[scale]"') from error
        raise
    except ConnectionError as error:
        raise click.ClickException(f"There is no Ray cluster at {address} ({error}).") from error
    except DigitVisionError as error:
        raise click.ClickException(str(error)) from error


def serve(ip, port, workers, log_requests, options, text):
    "Serve with granian until SIGINT or SIGTERM; print a text as soon as the port is open."
    method = "fork" if sys.platform == "linux" else "spawn"  # a fork starts in half the time
    multiprocessing.set_start_method(method, force=True)
    threading.Thread(target=announce, args=(ip, port, text), daemon=True).start()
    threads = {"blocking_threads": THREADS, "backpressure": connection_limit()}
    logs = {"log_level": "error", "log_access": log_requests, "log_access_format": LOG}
    failures = {"respawn_failed_workers": True, "workers_kill_timeout": 10}  # seconds
    kind = {"interface": "wsgi", "http": "1", "workers": workers}
    server = Granian("digitvision.app", ip, port, **kind, **threads, **logs, **failures)
    server.serve(target_loader=partial(create_worker, **options), wrap_loader=False)


if __name__ == "__main__":
    main(prog_name="python -m digitvision.app")
