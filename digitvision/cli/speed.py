"""`digitvision speed run | show`: the ladder, and how fast it is here."""

import click

from digitvision.cli.experiments import record_option, seeds_option

RECORD = record_option("docs/speed.csv")


@click.group()
def speed():
    """How fast can this machine learn to read?

    RUNGS are names in quotes (`digitvision speed show` lists them); none is all."""


@speed.command()
@click.argument("rungs", nargs=-1)
@seeds_option("42-46")
@RECORD
def run(rungs, seeds, record):
    "Do the runs that are not on record yet, in turns."
    from digitvision.data import load_mnist
    from digitvision.scale import speed as ladder

    ladder.run_rungs(ladder.find_rungs(rungs), seeds, load_mnist(), record)


@speed.command()
@click.argument("rungs", nargs=-1)
@RECORD
def show(rungs, record):
    "Show what each rung takes and reads, and which there are."
    from digitvision.scale import speed as ladder

    rows = ladder.read_speed(record)
    there = {row["rung"] for row in rows}
    names = ladder.find_rungs(rungs)
    if shown := [name for name in names if name in there]:
        click.echo(ladder.speed_table(rows, shown))
    if missing := [name for name in names if name not in there]:
        click.echo(f"Not on record: {', '.join(missing)}")
