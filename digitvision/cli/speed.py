"""`digitvision speed run | show`: from the baseline to a fast recipe, step by step."""

import click

from digitvision.cli.common import record_option, seeds_option

RECORD = record_option("docs/speed.csv")


@click.group()
def speed():
    """Measure how fast this machine learns to read digits.

    RECIPES are names in quotes (`digitvision speed show` lists them); without names, all are
    meant."""


@speed.command()
@click.argument("recipes", nargs=-1)
@seeds_option("42-46")
@RECORD
def run(recipes, seeds, record):
    "Run what is not recorded yet: all recipes with the first seed, then all with the next."
    from digitvision.data import load_mnist
    from digitvision.scale.speed_runs import find_recipes, run_recipes

    run_recipes(find_recipes(recipes), seeds, load_mnist(), record)


@speed.command()
@click.argument("recipes", nargs=-1)
@RECORD
def show(recipes, record):
    "Show training time and accuracy of each recipe, as means over the recorded runs."
    from digitvision.scale.speed_runs import find_recipes, read_speed, speed_table

    rows = read_speed(record)
    recorded = {row["rung"] for row in rows}
    names = find_recipes(recipes)
    if shown := [name for name in names if name in recorded]:
        click.echo(speed_table(rows, shown))
    if missing := [name for name in names if name not in recorded]:
        click.echo(f"Not recorded: {', '.join(missing)}")
