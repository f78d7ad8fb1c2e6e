"""The command line: data, predict, train, experiments, evaluate, reader, speed and app."""

import json
import shutil
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import click

from digitvision.cli.evaluate import evaluate
from digitvision.cli.experiments import experiments
from digitvision.cli.models import OVERWRITE, announce, check_name
from digitvision.cli.reader import reader
from digitvision.cli.speed import speed
from digitvision.inference import CHECKPOINTS, DEFAULT_MODEL, ModelError, Prediction, Recognizer


class _Commands(click.Group):
    "Turns the errors a user can act on into one sentence, and lists commands in order of use."

    def list_commands(self, ctx):
        return list(self.commands)

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):  # click's own ways out are RuntimeErrors
            raise
        except ModuleNotFoundError as error:  # the base install has no TensorFlow
            extra = "scale" if error.name == "ray" else "train"
            install = f'pip install -e ".[{extra}]"'
            message = f"This command needs more packages ({error.name}): {install}"
            raise click.ClickException(message) from error
        except (ModelError, OSError, RuntimeError, ValueError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="digitvision")
def main():
    """Read handwritten digits, and train the network that does.

    A first walk: `digitvision predict FILE`, `digitvision app`, `digitvision train`."""


@main.command()
def data():
    "Download MNIST, check it to the byte and show what it has."
    from digitvision.data import load_mnist
    from digitvision.download import cache_folder

    mnist = load_mnist()
    click.echo(f"MNIST is complete, in {cache_folder()}")
    for name, split in mnist._asdict().items():
        click.echo(f"  {name:10} {len(split.labels):6,} images")


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Name of the model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all ten probabilities.")
def predict(files, model, as_json):
    "Read the digit in each picture FILE."
    recognizer = Recognizer(model)
    results = [_read(recognizer, path) for path in files]
    if as_json:
        click.echo(json.dumps(results, indent=2))
    else:
        width = max(len("file"), *(len(result["file"]) for result in results))
        click.echo(f"{'file':{width}}  digit  confidence")
        for result in results:
            click.echo(f"{result['file']:{width}}  {_row(result)}")
    if any("error" in result for result in results):
        sys.exit(1)


def _read(recognizer: Recognizer, path: Path) -> dict:
    "One picture's prediction, or the error that stopped it, ready for JSON."
    try:
        prediction: Prediction = recognizer.predict(path)
    except ValueError as error:
        return {"file": str(path), "error": str(error)}
    values = {f.name: getattr(prediction, f.name) for f in fields(prediction) if f.name != "input"}
    return {"file": str(path)} | values | {"probabilities": prediction.probabilities.tolist()}


def _row(result: dict) -> str:
    if "error" in result:
        return f"    -  {result['error']}"
    doubt = "" if result["is_digit"] else "  does not look like one digit"
    return f"{result['digit']:5}  {result['confidence']:10.1%}{doubt}"


@main.command()
@click.option("--name", default="mine", show_default=True, help="What to call the new model.")
@click.option("--learning-rate", type=float, help="Size of a step of the optimiser.")
@click.option("--batch-size", type=int, help="Images per step.")
@click.option("--dropout", type=float, help="Share of dense units set to zero in training.")
@click.option("--epochs", type=int, help="Passes over the training images, at most.")
@click.option("--patience", type=int, help="Epochs without improvement before stopping.")
@click.option("--batch-norm/--no-batch-norm", default=None, help="Batch normalisation.")
@click.option("--augmentation", help="Move the training images: none, mild or strong.")
@click.option("--images", type=click.IntRange(100, 54_000), help="Train on a part of the images.")
@click.option("--seed", default=42, show_default=True, help="The same seed gives the same run.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the default of what is not given.")
@OVERWRITE
def train(name, images, seed, yes, overwrite, **given):
    """Train a model: asks for each hyperparameter, shows the curves at the end.

    A run that is interrupted goes on where it stopped when it is started again with the same
    answers. The new model is then there for `digitvision predict --model NAME` and the web page."""
    check_name(name, overwrite)
    from digitvision import data as datasets
    from digitvision import model_files
    from digitvision import train as training

    hyperparameters = _ask(training, given, yes)
    mnist = datasets.load_mnist()
    if images:
        part = datasets.Split(mnist.train.images[:images], mnist.train.labels[:images])
        mnist = mnist._replace(train=part)
    folder = Path("runs") / name
    run = training.train(hyperparameters, mnist, seed, folder)
    _show(run)
    card = model_files.ship(run, mnist, name, CHECKPOINTS)
    shutil.rmtree(folder)  # only an unfinished run needs it
    announce(card)


def _ask(training, given: dict, yes: bool):
    "The hyperparameters: given by options, else asked for, with the default and the limits shown."
    default = training.Hyperparameters()
    chosen = {name: value for name, value in given.items() if value is not None}
    for name in () if yes else training.LIMITS:
        if name not in chosen:
            chosen[name] = _prompt(training, name, getattr(default, name))
    if not yes and "batch_norm" not in chosen:
        chosen["batch_norm"] = click.confirm("batch_norm: batch normalisation", default=False)
    if not yes and "augmentation" not in chosen:
        choices = click.Choice(training.AUGMENTATIONS)
        chosen["augmentation"] = click.prompt(
            "augmentation: move the training images", type=choices, default=default.augmentation
        )
    return training.Hyperparameters(**chosen)


def _prompt(training, name: str, default: float):
    "Ask for one hyperparameter until the answer makes sense."
    low, high, meaning = training.LIMITS[name]

    def parse(text):
        try:
            return training.check_hyperparameter(name, type(default)(text))
        except ValueError as error:
            limits = f"{text!r} will not do: {name} must be from {low:g} to {high:g}"
            kind = ", a whole number" if isinstance(default, int) else ""
            raise click.UsageError(f"{limits}{kind}.") from error

    return click.prompt(f"{name}: {meaning}", default=default, value_proc=parse)


def _show(run) -> None:
    "The learning curve in the terminal: a line for each epoch, the best one marked."
    worst = max(epoch["validation_loss"] for epoch in run.history)
    click.echo("epoch  train loss  validation loss  validation accuracy")
    for epoch in run.history:
        bar = "█" * max(1, round(20 * epoch["validation_loss"] / worst))
        best = "  ← best, kept" if epoch["epoch"] == run.best_epoch else ""
        click.echo(
            f"{epoch['epoch']:5}  {epoch['loss']:10.4f}  {epoch['validation_loss']:15.4f}"
            f"  {epoch['validation_accuracy']:19.2%}  {bar}{best}"
        )


main.add_command(experiments)
main.add_command(evaluate)
main.add_command(reader)
main.add_command(speed)


@main.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def app(options):
    "Start the web page (options: `digitvision app --help`)."
    # by name: the library does not depend on the app
    import_module("digitvision.app.__main__").main(options, prog_name="digitvision app")


if __name__ == "__main__":
    main()
