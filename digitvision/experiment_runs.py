"""The runs of the experiments: read their record, and do what is not recorded yet."""

import json
import platform
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from digitvision.data import Mnist, Split
from digitvision.errors import InvalidInputError
from digitvision.experiment_plan import planned_seeds
from digitvision.experiments import Experiment
from digitvision.files import project_path, write_atomically, write_text
from digitvision.records import Columns, RecordError, Row, read_record, run_key
from digitvision.sweep import OnEpoch, PlannedRun, cpu_name, plan_runs, run_missing
from digitvision.train import History, Hyperparameters, Run, compile_cnn, measure, to_input, train

RECORD = project_path("docs/experiments.csv")  # "curves" and "outcomes" are beside it
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


def read_curves(record: str | Path, name: str) -> list[History]:
    "Return the learning curves of all recorded runs of an experiment, sorted by file name."
    files = sorted(curve_path(record, name, 0).parent.glob(f"{name}-[0-9]*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in files]


def outcomes_path(record: str | Path, name: str, seed: int) -> Path:
    "Return the path of the outcomes of a run: outcomes/NAME-SEED.npz beside the record."
    return Path(record).parent / "outcomes" / f"{name}-{seed}.npz"


def write_outcomes(
    record: str | Path, name: str, seed: int, outcomes: Mapping[str, np.ndarray]
) -> None:
    "Write which images a run classified correctly: name of a split → bool, one per image."
    path = outcomes_path(record, name, seed)
    write_atomically(path, lambda part: np.savez_compressed(part, **outcomes))


def read_outcomes(record: str | Path, name: str, seed: int) -> dict[str, np.ndarray] | None:
    "Return what `write_outcomes` wrote, or None if there is no such file."
    path = outcomes_path(record, name, seed)
    if not path.exists():
        return None
    with np.load(path) as file:
        return dict(file)


class Result(NamedTuple):
    "A finished run."

    row: Row  # of the record
    history: History
    outcomes: dict[str, np.ndarray]  # name of a split → bool, one per image: classified correctly


def write_files(record: str | Path, result: Result) -> None:
    "Write the learning curve (JSON) and the outcomes of a run; do so before its row is recorded."
    key = run_key(result.row)
    write_text(curve_path(record, *key), json.dumps(result.history, indent=1) + "\n")
    write_outcomes(record, *key, result.outcomes)


def train_experiment(
    experiment: Experiment,
    seed: int,
    mnist: Mnist,
    folder: Path | None = None,
    on_epoch: Callable[[History], None] | None = None,
) -> Run:
    "Train on the first images of the train split. Raises ValueError if it has too few."
    if len(mnist.train.labels) < experiment.images:
        raise InvalidInputError(f"{experiment.name} needs {experiment.images:,} training images.")
    part = mnist._replace(train=Split(*(array[: experiment.images] for array in mnist.train)))
    return train(experiment.hyperparameters, part, seed, folder, on_epoch, progress=False)


def do_run(
    experiment: Experiment,
    seed: int,
    mnist: Mnist,
    drawings: Mapping[str, Split],  # "canvas" and "strokes", or fewer: measured on, too
    folder: Path | None = None,  # where an unfinished run is kept, so that it can be resumed
    on_epoch: Callable[[History], None] | None = None,  # called with the history after each epoch
) -> Result:
    """Train, then evaluate the best epoch's model once on the test split and on the drawings.

    Raises ValueError if there are too few training images."""
    run = train_experiment(experiment, seed, mnist, folder, on_epoch)
    splits = {"test": mnist.test} | dict(drawings)
    scores = {name: measure(run.model, split) for name, split in splits.items()}
    outcomes = {
        name: run.model.predict(to_input(split.images), batch_size=500, verbose=0).argmax(1)
        == split.labels
        for name, split in splits.items()
    }
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
    return Result(row, run.history, outcomes)


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
    experiments: Collection[Experiment],
    seeds: Collection[int] | None,  # None: those planned for each experiment
    rows: list[Row],
) -> list[PlannedRun]:
    """Return the runs that are not recorded: seed by seed, the shortest experiments first.

    Raises RecordError as `recorded` does."""
    wanted = {e.name: planned_seeds(e) if seeds is None else seeds for e in experiments}
    for experiment in experiments:
        for seed in wanted[experiment.name]:
            recorded(rows, experiment, seed)
    seconds = {e.name: _expected_seconds(e) for e in experiments}  # those on record vary with load
    configs = {e.name: e for e in sorted(experiments, key=lambda e: seconds[e.name])}
    plan = plan_runs(configs, chain(*wanted.values()), rows, seconds)
    return [run for run in plan if run.seed in wanted[run.name]]


def run_all(
    experiments: Collection[Experiment],
    seeds: Collection[int] | None,  # None: those planned for each experiment
    mnist: Mnist,
    drawings: Mapping[str, Split] | None = None,  # as in `do_run`
    record: str | Path = RECORD,  # CSV file; curves and outcomes are beside it
    work: str | Path = WORK,  # folder for locks and unfinished runs
    progress: bool = True,  # show a bar over all runs, with the time left
) -> list[Row]:  # of the runs done by this process
    """Do all runs that are not recorded and that no other process is doing.

    A run that was interrupted is resumed. Raises RecordError if the record is damaged, or as
    `recorded` does, and ValueError if there are too few training images."""

    def train_run(run: PlannedRun, folder: Path, on_epoch: OnEpoch) -> Row:
        def count(history: History) -> None:
            on_epoch(len(history), run.config.hyperparameters.epochs)

        result = do_run(run.config, run.seed, mnist, drawings or {}, folder, count)
        write_files(record, result)
        return result.row

    plan = missing(experiments, seeds, read_rows(record))
    return run_missing(plan, train_run, record, COLUMNS, work, progress)


def time_ratio(
    ours: Experiment,
    theirs: Experiment,
    mnist: Mnist,
    images: int = 6_400,  # training images of an epoch
    rounds: int = 5,  # of one epoch each; one more round before them is not counted
) -> dict[str, Any]:
    """Measure how many times as long an epoch of ours takes as one of theirs, alternating them.

    Returns "ratio": median of wall-clock time, ours / theirs; "cpu_ratio": of CPU time; "ratios":
    wall-clock, one per round; also "experiments" (both names), "images", "cpu" and "date"."""
    part = to_input(mnist.train.images[:images]), mnist.train.labels[:images]
    models = [compile_cnn(e.hyperparameters) for e in (ours, theirs)]
    times = np.zeros((rounds + 1, 2, 2))  # the first round builds the graphs and does not count
    for turn in times:
        for model, experiment, spent in zip(models, (ours, theirs), turn, strict=True):
            start = time.perf_counter(), time.process_time()
            model.fit(*part, batch_size=experiment.hyperparameters.batch_size, verbose=0)
            spent[:] = time.perf_counter() - start[0], time.process_time() - start[1]
    ratios = times[1:, 0] / times[1:, 1]
    ratio, cpu_ratio = np.median(ratios, axis=0).round(2).tolist()
    return {
        "experiments": [ours.name, theirs.name],
        "ratio": ratio,
        "cpu_ratio": cpu_ratio,
        "ratios": ratios[:, 0].round(2).tolist(),
        "images": images,
        "cpu": cpu_name(),
        "date": datetime.now(UTC).date().isoformat(),
    }
