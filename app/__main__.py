"""`python -m app`: the web app behind a production server, for this machine unless told."""

import errno
import json
import logging

import click
from waitress import create_server
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from digitvision.inference import DEFAULT_MODEL, ModelError

from . import create_app
from .errors import HTTP_ERRORS, MAX_BODY, error_body

# More than the app allows, so that the sender of too much hears a 413 and not a broken connection.
RECEIVED = 4 * MAX_BODY


class JsonErrorTask(ErrorTask):
    "What the server refuses before the app sees it, in the shape of every other error."

    def execute(self) -> None:
        error = self.request.error
        code, message = HTTP_ERRORS.get(error.code, ("bad_http", f"{error.reason}: {error.body}."))
        body = json.dumps(error_body(code, message)).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)


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
def main(host: str, port: int, model: str, cors_origins: tuple[str, ...]) -> None:
    "Serve the DigitVision page and its API."
    HTTPChannel.error_task_class = JsonErrorTask
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is no news
    try:
        app = create_app(model, cors_origins)
        server = create_server(
            app,
            host=host,
            port=port,
            threads=16,
            ident=None,
            max_request_body_size=RECEIVED,
            inbuf_overflow=RECEIVED,  # nothing that is sent is ever written to disk
        )
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:  # waitress's word for a name it cannot resolve
        raise click.ClickException(f"There is no address {host}: choose another --host.") from error
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"is closed: {error.strerror}"
        message = f"Port {port} of {host} {reason}. Choose another with --port."
        raise click.ClickException(message) from error
    address = f"[{host}]" if ":" in host else host
    click.echo(f"DigitVision is at http://{address}:{port} (model {model}). Press Ctrl+C to stop.")
    server.run()


if __name__ == "__main__":
    main(prog_name="python -m app")
