"""The command line: data, predict, train, experiments, evaluate, reader, speed and app."""

import errno
import sys
from importlib import import_module

import click

from digitvision.cli.data import data
from digitvision.cli.evaluate import evaluate
from digitvision.cli.experiments import experiments
from digitvision.cli.predict import predict
from digitvision.cli.reader import reader
from digitvision.cli.speed import speed
from digitvision.cli.train import train
from digitvision.errors import DigitVisionError


class _Commands(click.Group):
    "List commands in order of use, and print errors that a user can act on without a traceback."

    def list_commands(self, ctx):
        return list(self.commands)

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except DigitVisionError as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:  # the base install has no TensorFlow
            raise click.ClickException(_missing(error)) from error
        except OSError as error:
            # a file or folder, the disk or the network; any other error is a bug
            if error.filename or error.errno == errno.ENOSPC or isinstance(error, ConnectionError):
                raise click.ClickException(str(error)) from error
            raise


def _missing(error: ModuleNotFoundError) -> str:
    "Say how to install a missing package. Raises the error itself if it is a module of ours."
    package = (error.name or "").partition(".")[0]
    if package in ("", "digitvision"):
        raise error
    if package == "tensorflow" and sys.version_info >= (3, 14):
        return (
            "This command needs TensorFlow, which has no release for Python 3.14 or newer yet: "
            "use Python 3.11, 3.12 or 3.13. Recognizing digits works without TensorFlow."
        )
    extra = "scale" if package == "ray" else "train"
    return f'This command needs more packages ({error.name}): pip install -e ".[{extra}]"'


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def app(options):
    "Start the web page (options: `digitvision app --help`)."
    # by name: the library does not depend on the app
    import_module("digitvision.app.__main__").main(options, prog_name="digitvision app")


@click.group(
    cls=_Commands,
    commands=[data, predict, train, experiments, evaluate, reader, speed, app],
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(package_name="digitvision")
def main():
    """Read handwritten digits, and train the network that does.

    Start with `digitvision predict FILE`, `digitvision app` or `digitvision train`."""
