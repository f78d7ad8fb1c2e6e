"""The ladder of recipes does only what its record lacks."""

import numpy as np

from digitvision.data import Mnist, Split
from digitvision.people import reader
from digitvision.people.reader import read_ladder, run_ladder


def test_the_ladder_skips_recorded_runs_and_records_the_others(tmp_path, monkeypatch):
    split = Split(np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8))
    scores = dict.fromkeys(("validation", "redrawn", "photos", "refused"), 0.5)
    trained = []
    monkeypatch.setattr(reader, "render_parts", lambda recipe, mnist: {})
    monkeypatch.setattr(reader, "try_reader", lambda model, recipe, trial: scores)
    monkeypatch.setattr(
        reader, "train_reader", lambda recipe, *args, **options: trained.append(recipe)
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
