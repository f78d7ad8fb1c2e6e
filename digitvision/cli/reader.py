"""`digitvision reader train | ladder | card`: train, compare and document the shipped model."""

import click

from digitvision.cli.common import (
    FILE,
    FOLDER,
    NONDIGITS,
    OVERWRITE,
    POINTS,
    STROKES,
    announce,
    choose_folder,
    seeds_option,
)


@click.group()
def reader():
    "Train the model that ships, compare the steps that led to it, and write its model card."


@reader.command()
@click.option("--seed", default=42, help="Seed of all random numbers.")
@click.option("--name", default="my_reader", help="Name of the new model.")
@FOLDER
@OVERWRITE
@click.option("--strokes", type=FILE, help=f"Pen digits to set the threshold with, {POINTS}")
def train(seed, name, folder, overwrite, strokes):
    """Train a model with the recipe of the shipped one: about 45 minutes on two cores.

    The threshold of the digit score accepts 98.5% of the pen digits in --strokes by the half of
    the writers that is for choosing or, without that option, of validation digits redrawn on a
    canvas. `digitvision evaluate` reports on the other half of the writers."""
    from digitvision.data import load_mnist
    from digitvision.people.material import join, pen_digits_in_all_styles, render_parts
    from digitvision.people.reader import Recipe
    from digitvision.people.ship import ship_reader
    from digitvision.people.training import train_reader
    from digitvision.robustness import redrawn

    folder = choose_folder(name, folder, overwrite)
    mnist, recipe, history = load_mnist(), Recipe(), []
    digits = pen_digits_in_all_styles(strokes) if strokes else redrawn(mnist.validation)
    click.echo("Rendering the training images …")
    material = join([mnist.train, *render_parts(recipe, mnist, seed).values()])

    def on_epoch(epoch, losses):
        history.append({"epoch": epoch} | losses)

    model = train_reader(recipe, material, seed, on_epoch)
    threshold_on = "pen digits of half of the writers" if strokes else "redrawn validation digits"
    about = {"seed": seed, "threshold_on": threshold_on, "history": history}
    announce(ship_reader(model, recipe, mnist, digits, folder, about, name), folder)


@reader.command()
@seeds_option("42-44")
@STROKES
def ladder(seeds, strokes):
    """Train eight recipes, from the baseline to the shipped model, each with further changes.

    Runs that docs/ladder.csv records already are skipped. Of --strokes, those by the half of the
    writers that is for choosing are read."""
    from digitvision.data import load_mnist
    from digitvision.people.ladder import make_evaluation_sets, run_ladder
    from digitvision.people.material import pen_digits_in_all_styles

    mnist = load_mnist()
    pen = pen_digits_in_all_styles(strokes) if strokes else None
    run_ladder(mnist, make_evaluation_sets(mnist, pen), seeds)


@reader.command()
@STROKES
@NONDIGITS
def card(strokes, nondigits):
    "Measure the shipped models, and write docs/evaluation.json and docs/model_card.md."
    from digitvision.data import load_mnist
    from digitvision.evaluation_report import evaluation
    from digitvision.people import card_page

    mnist = load_mnist()
    evaluations = {
        name: evaluation(name, mnist, strokes=strokes, nondigits=nondigits)
        for name in card_page.MODELS
    }
    click.echo(f"Written: {card_page.write_model_card(evaluations)}")
