"""The steps from the baseline to the shipped model, one change each, and their recorded runs."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from scipy.special import softmax

from digitvision.data import Mnist, Split
from digitvision.evaluate import threshold_at_tpr
from digitvision.files import project_path
from digitvision.people.material import join, photographed, render_parts
from digitvision.people.nondigits import nondigits
from digitvision.people.reader import Recipe, predict_logits, train_reader
from digitvision.records import Columns, Row, read_record
from digitvision.robustness import redrawn
from digitvision.sweep import OnEpoch, PlannedRun, mean_seconds, plan_runs, run_missing

IMAGES = 24_000  # of MNIST's training split
LADDER_CSV = project_path("docs/ladder.csv")
WORK = project_path("runs/ladder")  # locks
MEASURES = ("validation", "redrawn", "photos", "pen", "refused")
_COLUMNS = Columns(
    {"rung": str, "seed": int} | dict.fromkeys((*MEASURES, "cpu_seconds"), float),
    key=("rung", "seed"),
)


def _recipes() -> dict[str, Recipe]:
    "Return the recipes: each adds one change to the one before."
    plain = {"redrawn": 0, "photos": 0, "printed": 0, "nondigits": 0, "averaging": 0}
    network = {"filters": ((32,), (64,)), "units": 128, "batch_norm": False, "dropout": 0.5}
    training = {"learning_rate": 0.001, "one_cycle": False, "distortion": 0, "epochs": 4}
    recipe = Recipe(**plain, **network, **training)
    recipes = {"the baseline's network": recipe}
    for name, change in {
        "five convolutions, normalised": {name: getattr(Recipe, name) for name in network},
        "one cycle": {"one_cycle": True, "learning_rate": Recipe.learning_rate},
        "distortion": {"distortion": Recipe.distortion},
        "averaging": {"averaging": 0.98},  # there are fewer steps than in the whole recipe
        "redrawn digits": {"redrawn": 8_000},
        "bad photos": {"photos": 4_000},
        "pen fonts, and what is not a digit": {"printed": 4_000, "nondigits": 8_000},
    }.items():
        recipe = replace(recipe, **change)
        recipes[f"+ {name}"] = recipe
    return recipes


RECIPES = _recipes()


class EvaluationSets(NamedTuple):
    "Images to measure a reader on; it was trained on none of them."

    validation: Split
    redrawn: Split  # validation digits redrawn on a canvas
    photos: Split  # validation digits on bad photos
    nondigits: np.ndarray  # uint8 (n, 28, 28), rendered with another seed than for training
    pen: Split | None = None  # digits written with a pen, if there are any


def make_evaluation_sets(mnist: Mnist, pen: Split | None = None) -> EvaluationSets:
    "Make the sets: validation digits, 2,000 redrawn, 1,000 on photos, and 1,000 non-digits."
    digits = mnist.validation
    others = nondigits(1_000, digits.images, seed=7).images
    return EvaluationSets(digits, redrawn(digits), photographed(digits, 1_000, seed=7), others, pen)


def measure_reader(model: keras.Model, recipe: Recipe, sets: EvaluationSets) -> dict[str, float]:
    "Measure accuracies, and the share of non-digits refused if 98.5% of redrawn digits pass."
    results, scores = {}, {}
    for name in ("validation", "redrawn", "photos", "pen"):
        split = getattr(sets, name)
        if split:
            logits, scores[name] = _predict(model, recipe, split.images)
            results[name] = round(float((logits.argmax(axis=1) == split.labels).mean()), 5)
    _, others = _predict(model, recipe, sets.nondigits)
    refused = (others < threshold_at_tpr(scores["redrawn"])).mean()
    return results | {"refused": round(float(refused), 4)}


def _predict(
    model: keras.Model, recipe: Recipe, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    "Return logits and scores; a reader trained without non-digits has its confidence as score."
    logits, scores = predict_logits(model, images)
    return logits, scores if recipe.nondigits else softmax(logits, axis=1).max(axis=1)


def read_ladder(path: str | Path = LADDER_CSV) -> list[Row]:
    "Return the recorded runs. Raises RecordError if a row is damaged."
    return read_record(path, _COLUMNS)


def run_ladder(
    mnist: Mnist,
    sets: EvaluationSets,
    seeds: Iterable[int] = (42, 43, 44),
    path: str | Path = LADDER_CSV,
    recipes: Mapping[str, Recipe] = RECIPES,
    work: str | Path = WORK,
) -> None:
    "Train and measure every recipe with every seed, if it is not recorded; record each run."
    part = mnist._replace(train=Split(*(array[:IMAGES] for array in mnist.train)))
    parts = render_parts(list(recipes.values())[-1], part)

    def train_run(run: PlannedRun, folder: Path, on_epoch: OnEpoch) -> Row:
        recipe, start = run.config, time.process_time()
        chosen = [split for name, split in parts.items() if getattr(recipe, name)]
        model = train_reader(
            recipe,
            join([part.train, *chosen]),
            run.seed,
            lambda epoch, losses: on_epoch(epoch, recipe.epochs),
            progress=False,
        )
        spent = {"cpu_seconds": round(time.process_time() - start, 1)}
        measured = {"pen": math.nan} | measure_reader(model, recipe, sets)
        return {"rung": run.name, "seed": run.seed} | measured | spent

    rows = read_ladder(path)
    seconds = mean_seconds(rows, _COLUMNS, "cpu_seconds")
    plan = plan_runs(recipes, seeds, rows, _COLUMNS, seconds)
    run_missing(plan, train_run, path, _COLUMNS, work)
