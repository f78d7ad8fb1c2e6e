"""The runs of the experiments: their record, and the sweep that does what the record lacks."""

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
from digitvision.records import Columns, RecordError, Row, read_record
from digitvision.sweep import OnEpoch, PlannedRun, cpu_name, mean_seconds, plan_runs, run_missing
from digitvision.train import History, Hyperparameters, Run

RECORD = project_path("docs/experiments.csv")  # the curves are beside it, in curves/
WORK = project_path("runs/experiments")  # unfinished runs
LIBRARIES = ("keras", "numpy", "tensorflow")
CURVE = ("loss", "accuracy", "validation_loss", "validation_accuracy")
SECONDS_PER_IMAGE, SECONDS_PER_STEP = 0.00022, 0.007  # of training, on two cores


def hyperparameters_of(row: Row) -> Hyperparameters:
    "Return the hyperparameters of a recorded run. Raises ValueError if they are impossible."
    return Hyperparameters(**{f.name: row[f.name] for f in fields(Hyperparameters)})


def _check(row: Row) -> None:
    "Raise ValueError if a row is impossible."
    hyperparameters_of(row)
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
    key=("experiment", "seed"),
    check=_check,
)


def read_rows(
    record: str | Path = RECORD,  # a record that does not exist has no rows
) -> list[Row]:
    "Return all recorded runs. Raises RecordError, naming the row, if one is damaged."
    return read_record(record, COLUMNS)


def curve_path(record: str | Path, name: str, seed: int) -> Path:
    "Return the path of the learning curve of a run, beside the record."
    return Path(record).parent / "curves" / f"{name}-{seed}.json"


def write_curve(record: str | Path, row: Row, history: History) -> None:
    "Write the learning curve of a run, before its row is recorded."
    path = curve_path(record, row["experiment"], row["seed"])
    write_text(path, json.dumps(history, indent=1) + "\n")


def make_row(
    experiment: Experiment,
    run: Run,
    scores: Mapping[str, Mapping[str, float]],  # as `train_and_score` returns them
) -> Row:
    "Return the row of a finished run."
    best, last = run.history[run.best_epoch - 1], run.history[-1]
    seconds = sum(epoch["seconds"] for epoch in run.history)
    accuracies = {n: scores[n]["accuracy"] if n in scores else nan for n in ("canvas", "strokes")}
    return (
        {"experiment": experiment.name, "seed": run.seed, "images": experiment.images}
        | asdict(run.hyperparameters)
        | {"epochs_run": len(run.history), "best_epoch": run.best_epoch}
        | {f"best_{name}": round(best[name], 6) for name in CURVE}
        | {f"last_{name}": round(last[name], 6) for name in CURVE}
        | {f"test_{name}": round(value, 6) for name, value in scores["test"].items()}
        | {f"{name}_accuracy": round(value, 6) for name, value in accuracies.items()}
        | {"seconds": round(seconds, 1), "seconds_per_epoch": round(seconds / len(run.history), 2)}
        | {"cpu_seconds": round(sum(epoch["cpu_seconds"] for epoch in run.history), 1)}
        | {"cpu": cpu_name(), "python": platform.python_version()}
        | {name: version(name) for name in LIBRARIES}
        | {"date": datetime.now(UTC).date().isoformat()}
    )


def do_run(
    experiment: Experiment,
    seed: int,
    mnist: Mnist,
    drawings: Mapping[str, Split],  # "canvas" and "strokes": scored besides the test split
    folder: Path | None = None,  # where an unfinished run is kept, so that it can be resumed
    on_epoch: Callable[[History], None] | None = None,  # called with the history after each epoch
) -> tuple[Row, History]:
    "Train and score an experiment; return its row and its curve, and record nothing."
    run, scores = train_and_score(experiment, seed, mnist, drawings, folder, on_epoch)
    return make_row(experiment, run, scores), run.history


def recorded(rows: list[Row], experiment: Experiment, seed: int) -> Row | None:
    """Return the row of a run, or None if it is not recorded.

    Raises RecordError if it was made with other hyperparameters or images."""
    for row in rows:
        if (row["experiment"], row["seed"]) == (experiment.name, seed):
            planned = experiment.hyperparameters, experiment.images
            if (hyperparameters_of(row), row["images"]) != planned:
                raise RecordError(
                    f"{experiment.name}, seed {seed}, was recorded with other hyperparameters or "
                    "images: rename the experiment, or delete its rows."
                )
            return row
    return None


def expected_seconds(experiment: Experiment, rows: list[Row]) -> float:
    """Return how long a run will take: as long as the recorded ones of the experiment.

    If there are none, estimate it from images and steps, as if no run stopped early."""
    taken = mean_seconds(rows, COLUMNS)
    steps = experiment.images / experiment.hyperparameters.batch_size
    epoch = experiment.images * SECONDS_PER_IMAGE + steps * SECONDS_PER_STEP
    return taken.get(experiment.name, experiment.hyperparameters.epochs * epoch)


def missing(
    experiments: Collection[Experiment],
    seeds: Collection[int],
    rows: list[Row],
) -> list[PlannedRun]:
    """Return the runs that are not recorded: seed by seed, the shortest experiments first.

    Raises RecordError if an experiment was recorded with other hyperparameters or images."""
    seconds = {e.name: expected_seconds(e, rows) for e in experiments}
    configs = {e.name: e for e in sorted(experiments, key=lambda e: seconds[e.name])}
    for experiment, seed in product(experiments, seeds):
        recorded(rows, experiment, seed)
    return plan_runs(configs, seeds, rows, COLUMNS, seconds)


def run_all(
    experiments: Collection[Experiment],
    seeds: Collection[int],
    mnist: Mnist,
    drawings: Mapping[str, Split] | None = None,  # as in `do_run`
    record: str | Path = RECORD,
    work: str | Path = WORK,
    progress: bool = True,  # show a bar over all runs, with the time left
) -> list[Row]:  # of the runs done by this process
    """Do all runs that are not recorded and that no other process is doing.

    A run that was interrupted is resumed. Raises RecordError if the record is damaged, or if an
    experiment was recorded with other hyperparameters or images."""

    def train_run(run: PlannedRun, folder: Path, on_epoch: OnEpoch) -> Row:
        def count(history: History) -> None:
            on_epoch(len(history), run.config.hyperparameters.epochs)

        row, history = do_run(run.config, run.seed, mnist, drawings or {}, folder, count)
        write_curve(record, row, history)
        return row

    plan = missing(experiments, seeds, read_rows(record))
    return run_missing(plan, train_run, record, COLUMNS, work, progress)
