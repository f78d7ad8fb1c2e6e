"""`digitvision experiments run | show | log | time`: controlled experiments."""

import click

from digitvision.cli.common import STROKES, record_option, seeds_option

RECORD_FILE = "docs/experiments.csv"
RECORD = record_option(RECORD_FILE)


@click.group()
def experiments():
    """Run controlled experiments: one change, several seeds, every run recorded.

    NAMES are experiments, "controls" or sweeps (`digitvision experiments show` lists them);
    without names, the six experiments are meant."""


@experiments.command()
@click.argument("names", nargs=-1)
@seeds_option(None, "42-53; for high_lr 42-51, for sweeps 42-46")
@click.option("--dry-run", is_flag=True, help="Show what would run, and how long it would take.")
@STROKES
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Run one after the other on this machine, or in parallel on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help='Ray cluster to join, or "auto": the one of this machine (default: start one).',
)
@click.option("--cpus", type=float, help="CPUs of each run on Ray.  [default: 1]")
@RECORD
def run(names, seeds, dry_run, strokes, engine, address, cpus, record):
    """Do the runs that are not recorded yet; resume those that were interrupted.

    Several processes can run this at the same time: they share the work."""
    if engine == "local" and (address or cpus):
        raise click.UsageError("--address and --cpus are for --engine ray.")
    from digitvision.data import load_mnist
    from digitvision.experiment_plan import find
    from digitvision.experiment_runs import missing, read_rows, run_all
    from digitvision.robustness import pen_digits, redrawn

    chosen = find(names)
    if dry_run:
        plan = missing(chosen, seeds, read_rows(record))
        for one in plan:
            click.echo(f"{one.name:45} seed {one.seed:4} {one.seconds / 60:7.1f} minutes")
        hours = sum(one.seconds for one in plan) / 3600
        click.echo(f"{len(plan)} runs, at most {hours:.1f} hours on two idle cores")
        return
    mnist = load_mnist()
    drawings = {"canvas": redrawn(mnist.test)}
    if strokes:
        drawings["strokes"] = pen_digits(strokes)
    if engine == "ray":
        from digitvision.scale.cluster import run_all_on_ray

        options = {"address": address, "cpus": cpus or 1}
        done = run_all_on_ray(chosen, seeds, mnist, drawings, record, **options)
    else:
        done = run_all(chosen, seeds, mnist, drawings, record)
    click.echo(f"{len(done)} runs done; all others are recorded or being run elsewhere")


@experiments.command()
@click.argument("names", nargs=-1)
@RECORD
def show(names, record):
    "Show what each experiment changes, and whether its runs differ reliably from the baseline's."
    from digitvision.experiment_log import finding
    from digitvision.experiment_plan import CONTROLS, SIX, SWEEPS, find
    from digitvision.experiment_runs import read_rows

    rows = read_rows(record)
    for experiment in find(names):
        baseline = "baseline" if experiment in SIX + CONTROLS else "small"
        click.echo(f"{experiment.name}: {experiment.change}")
        click.echo(f"  {finding(rows, experiment, baseline=baseline)}")
    if not names:
        click.echo(f"Controls: {', '.join(e.name for e in CONTROLS)}")
        click.echo(f"Sweeps: {', '.join(f'sweep_{name}' for name in SWEEPS)}")


@experiments.command()
@RECORD
def log(record):
    "Write experiment_log.md and the learning curves to the folder of the record."
    from digitvision.experiment_log import write_log

    click.echo(f"Written: {write_log(record)}")


@experiments.command("time")
@click.argument("ours", default="tiny_batch")
@click.argument("theirs", default="baseline")
@click.option("--rounds", default=5, help="Epochs of each, after one that is not counted.")
@record_option(RECORD_FILE, "Write experiment_times.json to the folder of this file.")
def time_(ours, theirs, rounds, record):
    """Measure how many times as long an epoch of OURS takes as one of THEIRS.

    OURS (default: tiny_batch) and THEIRS (default: baseline) are experiments, trained alternately.
    The result is written to experiment_times.json."""
    from digitvision.data import load_mnist
    from digitvision.experiment_plan import find
    from digitvision.experiment_runs import time_ratio
    from digitvision.files import write_json

    first, second = find([ours]) + find([theirs])
    measured = time_ratio(first, second, load_mnist(), rounds=rounds)
    path = record.parent / "experiment_times.json"
    write_json(path, measured)
    click.echo(f"{ours} takes {measured['ratio']} times as long as {theirs}. Written: {path}")
