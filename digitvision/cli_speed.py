"""`digitvision speed run | show`: the ladder, and how fast it is here."""

from pathlib import Path

import click

from digitvision.cli_experiments import parse_seeds

RECORD = click.option(
    "--record",
    type=click.Path(path_type=Path),
    default=Path("docs/speed.csv"),
    show_default=True,
    help="Where runs are on record.",
)


@click.group()
def speed():
    """How fast can this machine learn to read?

    RUNGS are names in quotes (`digitvision speed show` lists them); none is all."""


@speed.command()
@click.argument("rungs", nargs=-1)
@click.option(
    "--seeds", default="42-46", callback=parse_seeds, show_default=True, help="42,43 or 42-46"
)
@RECORD
def run(rungs, seeds, record):
    "Do the runs that are not on record yet, in turns."
    from digitvision import speed as ladder
    from digitvision.data import load_mnist

    ladder.run_rungs(ladder.find_rungs(rungs), seeds, load_mnist(), record)


@speed.command()
@click.argument("rungs", nargs=-1)
@RECORD
def show(rungs, record):
    "Show what each rung takes and reads, and which there are."
    from digitvision import speed as ladder

    rows = ladder.read_speed(record)
    there = {row["rung"] for row in rows}
    names = ladder.find_rungs(rungs)
    if shown := [name for name in names if name in there]:
        click.echo(ladder.speed_table(rows, shown))
    if missing := [name for name in names if name not in there]:
        click.echo(f"Not on record: {', '.join(missing)}")
