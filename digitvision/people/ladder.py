"""The steps from the baseline to the shipped model, what each changes, and their recorded runs."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
from scipy.special import softmax

from digitvision.data import Mnist, Split
from digitvision.evaluate import threshold_at_tpr
from digitvision.files import project_path
from digitvision.people.material import join, non_digits, photographed, render_parts
from digitvision.people.reader import Recipe
from digitvision.people.training import predict_logits, train_reader
from digitvision.records import Columns, Row, read_record
from digitvision.robustness import redrawn
from digitvision.sweep import OnEpoch, PlannedRun, mean_seconds, plan_runs, run_missing

IMAGES = 24_000  # of MNIST's training split
LADDER_CSV = project_path("docs/ladder.csv")
WORK = project_path("runs/ladder")  # locks
MEASURES = ("validation", "redrawn", "photos", "pen", "refused")
COLUMNS = Columns({"rung": str, "seed": int} | dict.fromkeys((*MEASURES, "cpu_seconds"), float))


def _recipes() -> dict[str, Recipe]:
    "Return the recipes by name: each adds a change, or several, to the one before."
    plain = {"redrawn": 0, "photos": 0, "printed": 0, "nondigits": 0, "averaging": 0}
    network = {"filters": ((32,), (64,)), "units": 128, "batch_norm": False, "dropout": 0.5}
    training = {"learning_rate": 0.001, "one_cycle": False, "distortion": 0, "epochs": 4}
    recipe = Recipe(**plain, **network, **training)
    recipes = {"the baseline's network": recipe}
    for name, change in {
        "five convolutions, normalized": {name: getattr(Recipe, name) for name in network},
        "one cycle": {"one_cycle": True, "learning_rate": Recipe.learning_rate},
        "distortion": {"distortion": Recipe.distortion},
        "averaging": {"averaging": 0.98},  # there are fewer steps than in the whole recipe
        "redrawn digits": {"redrawn": 8_000},
        "bad photos": {"photos": 4_000},
        "pen fonts and non-digits": {"printed": 4_000, "nondigits": 8_000},
    }.items():
        recipe = replace(recipe, **change)
        recipes[f"+ {name}"] = recipe
    return recipes


RECIPES = _recipes()


def training_steps(recipe: Recipe) -> int:
    "Return the number of batches in a run of the ladder, from IMAGES digits and the rendered ones."
    images = IMAGES + recipe.redrawn + recipe.photos + recipe.printed + recipe.nondigits
    return images // recipe.batch_size * recipe.epochs


def list_changes(before: Recipe, after: Recipe) -> list[str]:
    "List the hyperparameters in which two recipes differ, such as `dropout 0.5 → 0.4`."
    old, new = asdict(before), asdict(after)
    return [f"{name} {old[name]} → {new[name]}" for name in new if new[name] != old[name]]


def make_evaluation_sets(
    mnist: Mnist,
    pen: Split | None = None,
    count: int = 1_000,  # of photos and of non-digits
) -> dict[str, Split]:
    """Make sets that no reader is trained on.

    They are "validation" digits, twice `count` of them "redrawn", up to `count` on bad "photos",
    `count` "nondigits", and "pen" if given."""
    digits = mnist.validation
    sets = {"validation": digits, "redrawn": redrawn(digits, 2 * count)}
    sets["photos"] = photographed(digits, count, seed=7)
    sets["nondigits"] = non_digits(count, digits, seed=7)
    return sets | ({"pen": pen} if pen else {})


def measure_reader(
    model: keras.Model, recipe: Recipe, sets: Mapping[str, Split]
) -> dict[str, float]:  # all from 0 to 1
    """Return the accuracy of a reader on each of the sets, from `make_evaluation_sets`.

    "refused" is the share of non-digits refused if 98.5% of redrawn digits pass."""
    results, scores = {}, {}
    for name, split in sets.items():
        logits, scores[name] = predict_logits(model, split.images)
        if not recipe.nondigits:  # the score was not trained: the confidence takes its place
            scores[name] = softmax(logits, axis=1).max(axis=1)
        if name != "nondigits":
            results[name] = round(float((logits.argmax(axis=1) == split.labels).mean()), 5)
    refused = (scores["nondigits"] < threshold_at_tpr(scores["redrawn"])).mean()
    return results | {"refused": round(float(refused), 4)}


def read_ladder(path: str | Path = LADDER_CSV) -> list[Row]:
    "Return the recorded runs, with COLUMNS as keys. Raises RecordError if a row is damaged."
    return read_record(path, COLUMNS)


def results_by_rung(rows: Iterable[Row]) -> dict[str, np.ndarray]:  # float (seeds, MEASURES)
    "Group recorded runs by recipe; the seeds are in the same order in each."
    ordered = sorted(rows, key=lambda row: row["seed"])
    return {
        name: np.array([[row[m] for m in MEASURES] for row in ordered if row["rung"] == name])
        for name in RECIPES
    }


def plot_ladder(results: Mapping[str, np.ndarray]) -> None:  # from `results_by_rung`
    "Plot the error rate on four sets of digits, and the share of non-digits refused, by recipe."
    import matplotlib.pyplot as plt

    steps = np.arange(len(results))
    values = 100 * np.stack(list(results.values()))  # (recipes, seeds, MEASURES)
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 4), sharey=True, width_ratios=[3, 2])
    for k, measure in enumerate(MEASURES):
        axis, shown = (
            (right, values[..., k]) if measure == "refused" else (left, 100 - values[..., k])
        )
        (line,) = axis.plot(shown.mean(axis=1), steps, "o-", color=f"C{k}")
        axis.plot(shown, steps, ".", color=line.get_color(), alpha=0.4)
        if axis is left:
            place = {"ha": "center", "va": "top", "textcoords": "offset points", "fontsize": 8}
            down = -20 if measure == "redrawn" else -8  # staggered, so that they do not overlap
            at = (shown[-1].mean(), steps[-1])
            axis.annotate(measure, at, (0, down), color=line.get_color(), **place)
    ticks = [0.5, 1, 2, 3, 5]
    left.set(xscale="log", xlabel="error rate on digits (%)", yticks=steps, yticklabels=results)
    left.set_xticks(ticks, map(str, ticks))
    left.minorticks_off()
    left.set(title="Fewer digits misread", ylim=(steps[-1] + 1, -0.4))
    right.set(title="More non-digits refused", xlim=(0, 102))
    right.set(xlabel="refused if 98.5% of redrawn digits pass (%)")
    plt.show()


def run_ladder(
    mnist: Mnist,
    sets: Mapping[str, Split],  # from `make_evaluation_sets`
    seeds: Iterable[int] = (42, 43, 44),
    path: str | Path = LADDER_CSV,  # the record
    recipes: Mapping[str, Recipe] = RECIPES,  # by name; the last has all parts
    work: str | Path = WORK,  # folder of the locks
) -> None:
    "Train (on the first IMAGES), measure and record every recipe and seed not yet recorded."
    part = mnist._replace(train=Split(*(array[:IMAGES] for array in mnist.train)))
    parts = render_parts(list(recipes.values())[-1], part)

    def train_run(run: PlannedRun, folder: Path, on_epoch: OnEpoch) -> Row:
        recipe, start = run.config, time.process_time()
        chosen = [split for name, split in parts.items() if getattr(recipe, name)]
        material = join([part.train, *chosen])
        model = train_reader(
            recipe, material, run.seed, lambda epoch, _: on_epoch(epoch, recipe.epochs), False
        )
        seconds = round(time.process_time() - start, 1)
        row = {"rung": run.name, "seed": run.seed, "pen": math.nan}
        return row | measure_reader(model, recipe, sets) | {"cpu_seconds": seconds}

    rows = read_ladder(path)
    plan = plan_runs(recipes, seeds, rows, mean_seconds(rows, "cpu_seconds"))
    run_missing(plan, train_run, path, COLUMNS, work)
