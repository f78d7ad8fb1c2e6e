"""`digitvision reader train | ladder | card`: the model that ships, its steps and its label."""

from pathlib import Path

import click

from .experiments import seeds_option
from .models import FOLDER, OVERWRITE, announce, choose_folder

STROKES = click.option(
    "--strokes",
    type=click.Path(exists=True, path_type=Path),
    help="Pen digits (JSON lines: label, strokes) to measure on; none is learned from.",
)


@click.group()
def reader():
    "The network that reads people: train it, or climb the ladder that led to it."


@reader.command()
@click.option("--seed", default=42, show_default=True, help="Of weights, order and distortion.")
@click.option("--name", default="my_reader", show_default=True, help="Name of the new model.")
@FOLDER
@OVERWRITE
@STROKES
def train(seed, name, folder, overwrite, strokes):
    """Train a reader by the recipe of the shipped model: three quarters of an hour on two cores.

    The threshold of "not a digit" is chosen on the pen digits, or on redrawn validation digits."""
    from digitvision.data import load_mnist
    from digitvision.people import reader as readers
    from digitvision.robustness import redrawn

    folder = choose_folder(name, folder, overwrite)
    mnist, recipe, history = load_mnist(), readers.Recipe(), []
    digits = readers.pen_ways(strokes) if strokes else redrawn(mnist.validation)
    click.echo("Rendering the material …")
    material = readers.join([mnist.train, *readers.render_parts(recipe, mnist, seed).values()])
    note = lambda epoch, losses: history.append({"epoch": epoch} | losses)  # noqa: E731
    model = readers.train_reader(recipe, material, seed, note)
    threshold_on = "pen digits in six ways" if strokes else "redrawn validation digits"
    about = {"seed": seed, "threshold_on": threshold_on}
    about["history"] = history
    card = readers.ship_reader(model, recipe, mnist, digits, folder, about, name)
    announce(card, folder)


@reader.command()
@seeds_option("42-44")
@STROKES
def ladder(seeds, strokes):
    "Do the runs of the ladder that docs/ladder.csv does not record yet."
    from digitvision.data import load_mnist
    from digitvision.people import reader as readers

    mnist = load_mnist()
    trial = readers.make_trial(mnist, readers.pen_ways(strokes) if strokes else None)
    readers.run_ladder(mnist, trial, seeds)


@reader.command()
@STROKES
@click.option(
    "--nondigits",
    type=click.Path(exists=True, path_type=Path),
    help="Letters and symbols (JSON lines: label, strokes, lookalike) to refuse.",
)
def card(strokes, nondigits):
    "Measure the shipped models, and write docs/evaluation.json and docs/model_card.md."
    from digitvision.data import load_mnist
    from digitvision.evaluation_report import evaluation
    from digitvision.people import model_card

    mnist = load_mnist()
    evaluations = {
        name: evaluation(name, mnist, strokes=strokes, nondigits=nondigits)
        for name in model_card.MODELS
    }
    click.echo(f"Written: {model_card.write_model_card(evaluations)}")
