"""The recorded runs are those of the recipes of notebook 40, and an interrupted sweep goes on."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from digitvision.cli import main
from digitvision.data import Split, load_mnist
from digitvision.scale.speed import FASTEST, HALF_MINUTE, RECIPES, STEPS, multiply_adds
from digitvision.scale.speed_runs import read_speed, run_recipes, summary_of

ROOT = Path(__file__).parents[2]
ROWS = read_speed(ROOT / "docs/speed.csv")


def test_every_recipe_is_recorded_with_the_same_five_seeds():
    runs = Counter((row["rung"], row["seed"]) for row in ROWS)
    assert runs == Counter((name, seed) for name in RECIPES for seed in range(42, 47))
    assert len({row["cpu"] for row in ROWS}) == 1


@pytest.mark.parametrize("name", RECIPES)
def test_the_recorded_work_is_that_of_the_recipe(name):
    recipe = RECIPES[name]
    for row in (row for row in ROWS if row["rung"] == name):
        assert row["multiply_adds"] == multiply_adds(recipe.network())
        # whole batches only; the baseline may stop early
        assert row["epochs"] == pytest.approx(recipe.epochs, abs=0.02) or recipe.patience
        done = 6 * row["multiply_adds"] * 54_000 * row["epochs"]
        share = done / row["seconds"] / row["matmul_gflops"] / 1e9
        assert row["share"] == pytest.approx(share, rel=0.01)


def test_the_readme_states_the_recorded_numbers():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    half, highest = (list(recipes)[-1] for recipes in (HALF_MINUTE, STEPS))
    seconds = {name: summary_of(ROWS, name, "seconds").mean for name in RECIPES}
    test = {name: summary_of(ROWS, name, "test_accuracy").mean for name in RECIPES}
    sprint = "sprint: once through"
    assert f"the baseline takes {seconds['baseline']:.0f} s" in readme
    fast = (f"{test[name]:.2%} in {seconds[name]:.1f} s" for name in (highest, sprint))
    assert f"{'; '.join(fast)}; within a limit of 30 s: {test[half]:.2%}" in readme


def test_an_interrupted_sweep_goes_on_with_the_same_numbers(tmp_path):
    mnist = load_mnist()
    few = mnist._replace(train=Split(*(array[:3_000] for array in mnist.train)))
    brief = {"once": replace(FASTEST, epochs=1), "twice": replace(FASTEST, epochs=2)}
    options = {"work": tmp_path / "runs", "progress": False}
    path = tmp_path / "speed.csv"
    run_recipes(brief, [1, 2], few, path, **options)
    whole = read_speed(path)
    assert [(row["rung"], row["seed"]) for row in whole] == [
        ("once", 1), ("twice", 1), ("once", 2), ("twice", 2),
    ]  # fmt: skip
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))
    run_recipes(brief, [1, 2], few, path, **options)
    again = read_speed(path)
    assert path.read_text().startswith("".join(lines[:3]))
    for one, other in zip(whole, again, strict=True):
        same = ("rung", "seed", "validation_accuracy", "test_accuracy", "moved_accuracy")
        assert [one[name] for name in same] == [other[name] for name in same]


def test_the_command_line_shows_the_recorded_runs_and_names_the_recipes(tmp_path):
    shown = CliRunner().invoke(main, ["speed", "show", "baseline", "Muon"])
    assert shown.exit_code == 0
    first = [line.split(" | ")[0] for line in shown.output.splitlines()]
    assert first[2:] == ["| baseline", "| Muon"]
    wrong = CliRunner().invoke(main, ["speed", "run", "moon"])
    assert wrong.exit_code == 1 and "There is no recipe 'moon'; there is baseline," in wrong.output
    empty = CliRunner().invoke(main, ["speed", "show", "--record", str(tmp_path / "none.csv")])
    assert empty.exit_code == 0 and "Not recorded: baseline, " in empty.output
