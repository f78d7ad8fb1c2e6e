"""The runs of the experiments: read their record, and do what is not recorded yet."""

import json
import platform
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from math import nan
from pathlib import Path

from digitvision.data import Mnist, Split
from digitvision.experiments import Experiment, train_and_score
from digitvision.files import project_path, write_text
from digitvision.records import Columns, RecordError, Row, read_record, run_key
from digitvision.sweep import OnEpoch, PlannedRun, cpu_name, mean_seconds, plan_runs, run_missing
from digitvision.train import History, Hyperparameters

RECORD = project_path("docs/experiments.csv")  # the curves are in "curves" beside it
WORK = project_path("runs/experiments")  # locks and unfinished runs
LIBRARIES = ("keras", "numpy", "tensorflow")
CURVE = ("loss", "accuracy", "validation_loss", "validation_accuracy")
SECONDS_PER_IMAGE, SECONDS_PER_STEP = 0.00022, 0.007  # of training, on two cores


def _hyperparameters(row: Row) -> Hyperparameters:
    "Return the hyperparameters of a recorded run. Raises ValueError if they are invalid."
    return Hyperparameters(**{f.name: row[f.name] for f in fields(Hyperparameters)})


def _check(row: Row) -> None:
    "Raise ValueError if hyperparameters are invalid or the numbers of epochs contradictory."
    _hyperparameters(row)
    if not 1 <= row["best_epoch"] <= row["epochs_run"] <= row["epochs"]:
        raise ValueError("its numbers of epochs do not fit.")


COLUMNS = Columns(
    {"experiment": str, "seed": int, "images": int}
    | {field.name: field.type for field in fields(Hyperparameters)}
    | {"epochs_run": int, "best_epoch": int}
    | {f"{when}_{name}": float for when in ("best", "last") for name in CURVE}
    | {"test_loss": float, "test_accuracy": float}
    | {"canvas_accuracy": float, "strokes_accuracy": float}  # nan where it was not measured
    | {"seconds": float, "seconds_per_epoch": float, "cpu_seconds": float}
    | {"cpu": str, "python": str}
    | dict.fromkeys(LIBRARIES, str)
    | {"date": str},
    _check,
)


def read_rows(record: str | Path = RECORD) -> list[Row]:
    "Return the rows of a CSV file, none if it is absent. Raises RecordError if one is damaged."
    return read_record(record, COLUMNS)


def curve_path(record: str | Path, name: str, seed: int) -> Path:
    "Return the path of the learning curve of a run: curves/NAME-SEED.json beside the record."
    return Path(record).parent / "curves" / f"{name}-{seed}.json"


def write_curve(record: str | Path, row: Row, history: History) -> None:
    "Write the learning curve of a run as JSON; do so before its row is recorded."
    path = curve_path(record, *run_key(row))
    write_text(path, json.dumps(history, indent=1) + "\n")


def do_run(
    experiment: Experiment,
    seed: int,
    mnist: Mnist,
    drawings: Mapping[str, Split],  # "canvas" and "strokes", or fewer: measured on, too
    folder: Path | None = None,  # where an unfinished run is kept, so that it can be resumed
    on_epoch: Callable[[History], None] | None = None,  # called with the history after each epoch
) -> tuple[Row, History]:
    "Train and score an experiment as `train_and_score` does; return its row and learning curve."
    run, scores = train_and_score(experiment, seed, mnist, drawings, folder, on_epoch)
    epochs, best = len(run.history), run.history[run.best_epoch - 1]
    seconds = sum(epoch["seconds"] for epoch in run.history)
    accuracies = {n: scores[n]["accuracy"] if n in scores else nan for n in ("canvas", "strokes")}
    row = (
        {"experiment": experiment.name, "seed": seed, "images": experiment.images}
        | asdict(run.hyperparameters)
        | {"epochs_run": epochs, "best_epoch": run.best_epoch}
        | {f"best_{name}": round(best[name], 6) for name in CURVE}
        | {f"last_{name}": round(run.history[-1][name], 6) for name in CURVE}
        | {f"test_{name}": round(value, 6) for name, value in scores["test"].items()}
        | {f"{name}_accuracy": round(value, 6) for name, value in accuracies.items()}
        | {"seconds": round(seconds, 1), "seconds_per_epoch": round(seconds / epochs, 2)}
        | {"cpu_seconds": round(sum(epoch["cpu_seconds"] for epoch in run.history), 1)}
        | {"cpu": cpu_name(), "python": platform.python_version()}
        | {name: version(name) for name in LIBRARIES}
        | {"date": datetime.now(UTC).date().isoformat()}
    )
    return row, run.history


def recorded(rows: list[Row], experiment: Experiment, seed: int) -> Row | None:
    """Return the row of a run, or None if it is not recorded.

    Raises RecordError if it has other hyperparameters or another number of training images."""
    row = next((row for row in rows if run_key(row) == (experiment.name, seed)), None)
    planned = experiment.hyperparameters, experiment.images
    if row and (_hyperparameters(row), row["images"]) != planned:
        raise RecordError(
            f"{experiment.name}, seed {seed}, was recorded with other hyperparameters or "
            "images: rename the experiment, or delete its rows."
        )
    return row


def _expected_seconds(experiment: Experiment) -> float:
    "Estimate the seconds of a run from its images and steps, as if it did not stop early."
    steps = experiment.images / experiment.hyperparameters.batch_size
    epoch = experiment.images * SECONDS_PER_IMAGE + steps * SECONDS_PER_STEP
    return experiment.hyperparameters.epochs * epoch


def missing(
    experiments: Collection[Experiment], seeds: Collection[int], rows: list[Row]
) -> list[PlannedRun]:
    """Return the runs that are not recorded: seed by seed, the shortest experiments first.

    Raises RecordError as `recorded` does."""
    for experiment, seed in product(experiments, seeds):
        recorded(rows, experiment, seed)
    seconds = {e.name: _expected_seconds(e) for e in experiments} | mean_seconds(rows)
    configs = {e.name: e for e in sorted(experiments, key=lambda e: seconds[e.name])}
    return plan_runs(configs, seeds, rows, seconds)


def run_all(
    experiments: Collection[Experiment],
    seeds: Collection[int],
    mnist: Mnist,
    drawings: Mapping[str, Split] | None = None,  # as in `do_run`
    record: str | Path = RECORD,  # CSV file; the curves are in "curves" beside it
    work: str | Path = WORK,  # folder for locks and unfinished runs
    progress: bool = True,  # show a bar over all runs, with the time left
) -> list[Row]:  # of the runs done by this process
    """Do all runs that are not recorded and that no other process is doing.

    A run that was interrupted is resumed. Raises RecordError if the record is damaged, or as
    `recorded` does, and ValueError if there are too few training images."""

    def train_run(run: PlannedRun, folder: Path, on_epoch: OnEpoch) -> Row:
        def count(history: History) -> None:
            on_epoch(len(history), run.config.hyperparameters.epochs)

        row, history = do_run(run.config, run.seed, mnist, drawings or {}, folder, count)
        write_curve(record, row, history)
        return row

    plan = missing(experiments, seeds, read_rows(record))
    return run_missing(plan, train_run, record, COLUMNS, work, progress)
