"""`python -m digitvision.app`: the web app behind a production server, for this machine unless told."""

import errno
import ipaddress
import logging
import os
import sys
import warnings

import click

from digitvision.inference import DEFAULT_MODEL, ModelError

from . import create_app
from .server import Server

LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


def is_private(host: str) -> bool:
    "Whether only this machine can call."
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def default_workers() -> int:
    "One a core, at most 4; one alone where the system does not share a port evenly."
    return min(4, len(os.sched_getaffinity(0))) if sys.platform == "linux" else 1


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Name of a shipped model.")
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    help="A site whose pages may call the API, as https://example.org; may be repeated.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name this server answers to, as example.org; may be repeated. Without it: any name, "
    "but on a loopback address only that of this machine.",
)
@click.option(
    "--workers",
    default=default_workers,
    show_default="one a core, at most 4; on Linux only",
    type=click.IntRange(1, 64 if sys.platform == "linux" else 1),
    help="Processes that share the work.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Serve from this machine, or from a Ray cluster, where --workers are at most so many.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help='The Ray cluster, "auto" for the one of this machine; else one is started for the time.',
)
@click.option("--log-requests", is_flag=True, help="One line of JSON on stderr for each request.")
def main(
    host: str,
    port: int,
    model: str,
    cors_origins: tuple[str, ...],
    allowed_hosts: tuple[str, ...],
    workers: int,
    engine: str,
    address: str | None,
    log_requests: bool,
) -> None:
    "Serve the DigitVision page and its API."
    # Odd files make Pillow warn, once for each text there can be; the answer says what is wrong.
    warnings.filterwarnings("ignore", module="PIL")
    if engine == "ray" and log_requests:
        raise click.UsageError("--log-requests is for --engine local: Ray keeps a log of its own.")
    if engine == "local" and address:
        raise click.UsageError("--address is for --engine ray.")
    if log_requests:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("app.requests").setLevel(logging.INFO)
    hosts = [*allowed_hosts, *(LOOPBACK if allowed_hosts or is_private(host) else [])]
    try:
        if engine == "ray":
            from .cluster import RayServer  # an extra

            more = {"cors_origins": cors_origins, "hosts": hosts}
            server = RayServer(host, port, workers, address, model, **more)
        else:
            server = Server(create_app(model, cors_origins, hosts, workers), host, port, workers)
    except ModuleNotFoundError as error:
        message = f'Ray is an extra ({error.name} is missing): pip install -e ".[scale]"'
        raise click.ClickException(message) from error
    except (ModelError, ConnectionError) as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:  # waitress's word for a name it cannot resolve
        raise click.ClickException(f"There is no address {host}: choose another --host.") from error
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"is closed: {error.strerror}"
        message = f"Port {port} of {host} {reason}. Choose another with --port."
        raise click.ClickException(message) from error
    place = f"[{host}]" if ":" in host else host
    text = f"DigitVision is at http://{place}:{port} (model {model}). Press Ctrl+C to stop."
    server.run(announce=lambda: click.echo(text))


if __name__ == "__main__":
    main(prog_name="python -m digitvision.app")
