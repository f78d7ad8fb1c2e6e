"""`digitvision train`: train a model with hyperparameters of your choice."""

import shutil

import click

from digitvision.cli.common import FOLDER, OVERWRITE, announce, choose_folder
from digitvision.files import user_folder
from digitvision.hyperparameters import AUGMENTATIONS, LIMITS, Hyperparameters

SEED = click.IntRange(0, 2**32 - 1)


@click.command()
@click.option("--name", default="mine", help="Name of the new model.")
@click.option("--learning-rate", type=float, help="Size of an optimizer step.  [default: 0.001]")
@click.option("--batch-size", type=int, help="Images per step.  [default: 64]")
@click.option("--dropout", type=float, help="Share of dense units set to zero.  [default: 0.5]")
@click.option("--epochs", type=int, help="Largest number of passes.  [default: 15]")
@click.option(
    "--patience", type=int, help="Stop this many epochs after the best one.  [default: 3]"
)
@click.option(
    "--batch-norm/--no-batch-norm", default=None, help="Use batch normalization.  [default: no]"
)
@click.option(
    "--augmentation", help="Random shift, turn and zoom: none, mild or strong.  [default: none]"
)
@click.option(
    "--images",
    type=click.IntRange(100, 54_000),
    help="Train on this many images only (default: all 54,000).",
)
@click.option("--seed", type=SEED, default=42, help="The same seed gives the same run.")
@click.option("--yes", is_flag=True, help="Ask nothing: use the default of each option not given.")
@FOLDER
@OVERWRITE
def train(name, images, seed, yes, folder, overwrite, **given):
    """Train a model: ask for each hyperparameter not given as an option; show the learning curve.

    A run that was interrupted is resumed when it is started again with the same answers. The new
    model can be used by `digitvision predict --model NAME` and in the web page."""
    folder = choose_folder(name, folder, overwrite)
    from digitvision.data import Split, load_mnist
    from digitvision.model_files import ship
    from digitvision.train import train as run_training

    hyperparameters = _ask(given, yes)
    mnist = load_mnist()
    if images:
        mnist = mnist._replace(train=Split(*(array[:images] for array in mnist.train)))
    unfinished = user_folder() / "runs" / name
    run = run_training(hyperparameters, mnist, seed, unfinished)
    _show(run)
    card = ship(run, mnist, name, folder)
    shutil.rmtree(unfinished)  # only an unfinished run needs it
    announce(card, folder)


def _ask(given: dict, yes: bool) -> Hyperparameters:
    "Return the hyperparameters: the options given, and answers or defaults for the others."
    ranges = {int: click.IntRange, float: click.FloatRange}
    questions = {
        name: (meaning, ranges[type(low)](low, high))
        for name, (low, high, meaning) in LIMITS.items()
    }
    questions["batch_norm"] = "batch normalization", click.BOOL
    questions["augmentation"] = "move the training images", click.Choice(AUGMENTATIONS)
    chosen = {name: value for name, value in given.items() if value is not None}
    for name, (meaning, kind) in () if yes else questions.items():
        if name not in chosen:
            default = getattr(Hyperparameters, name)
            chosen[name] = click.prompt(f"{name}: {meaning}", default, type=kind)
    try:
        return Hyperparameters(**chosen)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _show(run) -> None:
    "Print the learning curve: a line for each epoch, the best one marked."
    worst = max(epoch["validation_loss"] for epoch in run.history)
    click.echo("epoch  train loss  validation loss  validation accuracy")
    for epoch in run.history:
        bar = "█" * max(1, round(20 * epoch["validation_loss"] / worst))
        best = "  ← best, kept" if epoch["epoch"] == run.best_epoch else ""
        click.echo(
            f"{epoch['epoch']:5}  {epoch['loss']:10.4f}  {epoch['validation_loss']:15.4f}"
            f"  {epoch['validation_accuracy']:19.2%}  {bar}{best}"
        )
