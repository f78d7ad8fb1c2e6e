"""The recorded runs of the recipes of `scale.speed`: measure, record and tabulate them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

import keras
import numpy as np

from digitvision.data import Mnist
from digitvision.errors import InvalidInputError
from digitvision.experiments import Summary, summarize
from digitvision.files import project_path
from digitvision.markdown import markdown_table
from digitvision.records import Columns, Row, read_record
from digitvision.scale.speed import RECIPES, multiply_adds, training_flop
from digitvision.scale.training import Recipe, matmul_gflops, predict_shifted, train_recipe
from digitvision.sweep import OnEpoch, PlannedRun, cpu_name, mean_seconds, plan_runs, run_missing
from digitvision.train import to_input

RECORD = project_path("docs/speed.csv")
WORK = project_path("runs/speed")  # locks
COLUMNS = Columns(
    {"rung": str, "seed": int, "epochs": float, "seconds": float, "compile_seconds": float}
    | {f"{split}_accuracy": float for split in ("validation", "test", "moved")}
    | {"multiply_adds": int, "matmul_gflops": float, "share": float}
    | dict.fromkeys(("cpu", "keras", "tensorflow", "date"), str)
)


def find_recipes(names: Iterable[str] = ()) -> dict[str, Recipe]:
    """Return the named recipes, or all if no names are given.

    Raises ValueError for an unknown name; the message lists all names."""
    names = list(names)
    for name in names:
        if name not in RECIPES:
            raise InvalidInputError(f"There is no recipe {name!r}; there is {', '.join(RECIPES)}.")
    return {name: RECIPES[name] for name in names} or RECIPES


def read_speed(path: str | Path = RECORD) -> list[Row]:
    "Return the rows of a CSV file, none if it is absent. Raises RecordError if one is damaged."
    return read_record(path, COLUMNS)


def measure_recipe(planned: PlannedRun, mnist: Mnist) -> Row:
    """Train a recipe, and measure accuracy on the validation and test splits; return the row.

    Its moved_accuracy is that of `predict_shifted` on the test split, its share that of the
    matmul_gflops which training reached."""
    keras.utils.clear_session()  # else the graphs of all runs would stay in memory
    gflops = matmul_gflops()
    run = train_recipe(planned.config, mnist, planned.seed)
    flop = training_flop(run.model, run.epochs * len(mnist.train.labels))
    predict = partial(run.model.predict, batch_size=500, verbose=0)
    validation, test = mnist.validation, mnist.test
    accuracies = {
        "validation": _accuracy(predict(to_input(validation.images)), validation.labels),
        "test": _accuracy(predict(to_input(test.images)), test.labels),
        "moved": _accuracy(predict_shifted(run.model, test.images), test.labels),
    }
    return (
        {"rung": planned.name, "seed": planned.seed, "epochs": round(run.epochs, 2)}
        | {"seconds": round(run.seconds, 2), "compile_seconds": round(run.compile_seconds, 2)}
        | {f"{key}_accuracy": value for key, value in accuracies.items()}
        | {"multiply_adds": multiply_adds(run.model), "matmul_gflops": round(gflops, 1)}
        | {"share": round(flop / run.seconds / 1e9 / gflops, 4), "cpu": cpu_name()}
        | {"keras": version("keras"), "tensorflow": version("tensorflow")}
        | {"date": datetime.now(UTC).date().isoformat()}
    )


def _accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    "Return the share of images whose most probable digit is their label."
    return round(float((probabilities.argmax(axis=1) == labels).mean()), 5)


def run_recipes(
    recipes: Mapping[str, Recipe],  # by name
    seeds: Iterable[int],
    mnist: Mnist,
    path: str | Path = RECORD,  # CSV file
    work: str | Path = WORK,  # folder for locks
    progress: bool = True,  # show a bar over all runs, with the time left
) -> None:
    """Run what is not recorded yet: all recipes with the first seed, then all with the next.

    So a slow phase of the machine affects all recipes alike. Each run is recorded when it ends.
    Raises RecordError if the record is damaged."""

    def train_run(run: PlannedRun, folder: Path, on_epoch: OnEpoch) -> Row:
        return measure_recipe(run, mnist)

    rows = read_speed(path)
    plan = plan_runs(recipes, seeds, rows, mean_seconds(rows))
    run_missing(plan, train_run, path, COLUMNS, work, progress)


def summary_of(rows: list[Row], name: str, column: str) -> Summary:
    "Return the summary of a column over a recipe's runs. Raises ValueError if there are none."
    return summarize([row[column] for row in rows if row["rung"] == name])


def speed_table(rows: list[Row], names: Iterable[str]) -> str:  # Markdown
    """Return a table of costs and accuracies over seeds; ± is one standard deviation.

    The share of the matmul rate is a median. Raises ValueError for a recipe without runs."""
    lines = []
    base = summary_of(rows, "baseline", "seconds").mean
    for name in names:
        columns = ("epochs", "seconds", "multiply_adds", "validation_accuracy", "test_accuracy")
        epochs, seconds, work, read, test = (summary_of(rows, name, c) for c in columns)
        share = median(row["share"] for row in rows if row["rung"] == name)
        time = f"{seconds.mean:.1f} ± {seconds.sd:.1f}", f"{base / seconds.mean:.1f}"
        cost = f"{epochs.mean:.1f}", *time, f"{work.mean / 1e6:.2f} M", f"{share:.0%}"
        interval = f"({100 * test.low:.2f} to {100 * test.high:.2f})"
        gain = f"{read.mean:.2%}", f"{test.mean:.2%} ± {100 * test.sd:.2f} {interval}"
        lines.append([name, *cost, *gain])
    headings = ["step", "epochs", "seconds", "times as fast", "multiply-adds", "of matmul rate"]
    return markdown_table([*headings, "validation", "test (95% interval of the mean)"], lines)
