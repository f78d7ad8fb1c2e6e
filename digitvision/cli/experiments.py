"""`digitvision experiments run | show | log | time`: controlled experiments."""

import json
from collections.abc import Callable
from pathlib import Path

import click


@click.group()
def experiments():
    """Controlled experiments: one change, several seeds, every run on record.

    NAMES are experiments or sweeps (`digitvision experiments show` lists them); none is the six."""


def parse_seeds(ctx, parameter, text: str) -> list[int]:
    "Seeds as a person writes them: 42,43 or 42-46."
    seeds = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        raise click.BadParameter(f"{text!r} will not do: write 42,43 or 42-46.") from None
    if not seeds:
        raise click.BadParameter(f"{text!r} has no seeds: the first must not be above the last.")
    return seeds


def seeds_option(default: str) -> Callable:
    "The option --seeds of commands that repeat what they do."
    choice = f"42,43 or {default}"
    return click.option(
        "--seeds", default=default, callback=parse_seeds, show_default=True, help=choice
    )


def record_option(default: str) -> Callable:
    "The option --record of commands that read or write a record of runs."
    return click.option(
        "--record",
        type=click.Path(path_type=Path),
        default=Path(default),
        show_default=True,
        help="Where runs are on record.",
    )


RECORD = record_option("docs/experiments.csv")


@experiments.command()
@click.argument("names", nargs=-1)
@seeds_option("42-46")
@click.option("--dry-run", is_flag=True, help="Show what would run, and how long it would take.")
@click.option(
    "--strokes",
    type=click.Path(exists=True, path_type=Path),
    help="Score runs on these pen strokes too (JSON lines: label, strokes).",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="One run after the other here, or side by side on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help='The Ray cluster, "auto" for the one of this machine; else one is started for the time.',
)
@click.option("--cpus", type=float, help="CPUs of each run on Ray.  [default: 1]")
@RECORD
def run(names, seeds, dry_run, strokes, engine, address, cpus, record):
    """Do the runs that are not on record yet; what was interrupted goes on.

    Several processes may be started: they share the work."""
    if engine == "local" and (address or cpus):
        raise click.UsageError("--address and --cpus are for --engine ray.")
    from digitvision import experiments as lab
    from digitvision.data import load_mnist
    from digitvision.record import read_rows
    from digitvision.robustness import pen_digits, redrawn

    chosen = lab.find(names)
    if dry_run:
        todo = lab.missing(chosen, seeds, read_rows(record))
        for experiment, seed, seconds in todo:
            click.echo(f"{experiment.name:45} seed {seed:4} {seconds / 60:7.1f} minutes")
        total = sum(seconds for _, _, seconds in todo) / 3600
        click.echo(f"{len(todo)} runs, about {total:.1f} hours on two idle cores")
        return
    mnist = load_mnist()
    drawings = {"canvas": redrawn(mnist.test)}
    if strokes:
        drawings["strokes"] = pen_digits(strokes)
    if engine == "ray":
        from digitvision.scale.cluster import run_all_on_ray

        done = run_all_on_ray(
            chosen, seeds, mnist, drawings, record, address=address, cpus=cpus or 1
        )
    else:
        done = lab.run_all(chosen, seeds, mnist, drawings, record)
    click.echo(
        f"{len(done)} runs done, {len(chosen) * len(set(seeds)) - len(done)} were not needed"
    )


@experiments.command()
@click.argument("names", nargs=-1)
@RECORD
def show(names, record):
    "Show the experiments: what changes, what came out, and whether that is more than chance."
    from digitvision import experiments as lab
    from digitvision.record import read_rows

    rows = read_rows(record)
    for experiment in lab.find(names):
        baseline = "baseline" if experiment in lab.SIX else "small"
        click.echo(f"{experiment.name}: {experiment.change}")
        click.echo(f"  {lab.finding(rows, experiment, baseline=baseline)}")
    if not names:
        click.echo(f"Sweeps: {', '.join(f'sweep_{name}' for name in lab.SWEEPS)}")


@experiments.command()
@RECORD
def log(record):
    "Write experiment_log.md and the curves beside the record."
    from digitvision.experiments import write_log

    click.echo(f"Written: {write_log(record)}")


@experiments.command("time")
@click.argument("ours", default="tiny_batch")
@click.argument("theirs", default="baseline")
@click.option("--rounds", default=5, show_default=True, help="Turns of each.")
@RECORD
def time_(ours, theirs, rounds, record):
    "How much longer does an epoch of OURS take than of THEIRS? Both train in turns."
    from digitvision import experiments as lab
    from digitvision.data import load_mnist
    from digitvision.train import write_atomically

    first, second = lab.find([ours]) + lab.find([theirs])
    measured = lab.time_ratio(first, second, load_mnist(), rounds=rounds)
    text = json.dumps(measured, indent=2) + "\n"
    path = record.parent / "experiment_times.json"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
    click.echo(f"{ours} takes {measured['ratio']} times as long as {theirs}. Written: {path}")
