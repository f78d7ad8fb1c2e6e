"""The ladder trains only the runs that its record lacks."""

from itertools import pairwise

import numpy as np

from digitvision.data import Mnist, Split
from digitvision.people import ladder
from digitvision.people.ladder import RECIPES, read_ladder, run_ladder
from digitvision.people.reader import Recipe


def test_the_ladder_skips_recorded_runs_and_records_the_others(tmp_path, monkeypatch):
    split = Split(np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8))
    scores = dict.fromkeys(("validation", "redrawn", "photos", "refused"), 0.5)
    trained = []
    monkeypatch.setattr(ladder, "render_parts", lambda recipe, mnist: {})
    monkeypatch.setattr(ladder, "measure_reader", lambda model, recipe, sets: scores)
    monkeypatch.setattr(
        ladder, "train_reader", lambda recipe, *args, **options: trained.append(recipe)
    )
    path, recipes = tmp_path / "ladder.csv", {"+ first": "first", "second": "second"}
    for seeds in ([1], [1, 2]):
        run_ladder(Mnist(split, split, split), None, seeds, path, recipes, tmp_path / "runs")
    assert trained == ["first", "second"] * 2  # with seed 1, then with seed 2
    rows = read_ladder(path)
    assert [(row["rung"], row["seed"]) for row in rows] == [
        ("+ first", 1), ("second", 1), ("+ first", 2), ("second", 2),
    ]  # fmt: skip
    assert rows[0]["validation"] == 0.5 and np.isnan(rows[0]["pen"])  # no pen digits were given


def test_each_recipe_adds_to_the_one_before_and_all_are_recorded():
    recipes = list(RECIPES.values())
    for before, after in pairwise(recipes):
        assert before != after
    last, shipped = recipes[-1], Recipe()
    for name in ("filters", "batch_norm", "dropout", "learning_rate", "one_cycle", "distortion"):
        assert getattr(last, name) == getattr(shipped, name)
    assert {row["rung"] for row in read_ladder()} == RECIPES.keys()
