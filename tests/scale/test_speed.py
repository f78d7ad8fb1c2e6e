"""The recorded runs are those of the recipes of notebook 40, and an interrupted sweep goes on."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from digitvision.cli import main
from digitvision.data import Split, load_mnist
from digitvision.scale.speed import FASTEST, HALF_MINUTE, RECIPES, STEPS, multiply_adds
from digitvision.scale.speed_plots import LABELS, plot_fold, plot_recipes, plot_seconds
from digitvision.scale.speed_runs import read_speed, run_recipes, speed_table, summary_of
from digitvision.scale.training import Recipe, make_batches, matmul_gflops, shifted, train_recipe

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


def test_images_are_shifted_and_batched_in_order():
    mnist = load_mnist()
    recipe = Recipe(shift=2, epochs=0.1)
    images, labels = next(iter(make_batches(mnist.train, recipe, seed=42)))
    assert images.shape == (64, 28, 28, 1) and labels.shape == (64, 10)
    assert labels.numpy().sum() == 64
    seven = tf.constant(mnist.train.images[:1])
    assert np.array_equal(shifted(seven, tf.constant([[2, 2]]), 2), seven)
    moved = shifted(seven, tf.constant([[3, 0]]), 2)
    assert np.array_equal(moved[0, 5:20, 5:20], seven[0, 7:22, 4:19])


def test_the_same_seed_gives_the_same_network_and_the_graph_is_timed_apart():
    mnist = load_mnist()
    few = mnist._replace(train=Split(*(array[:3_000] for array in mnist.train)))
    runs = [train_recipe(replace(FASTEST, epochs=1), few, seed) for seed in (42, 42, 43)]
    weights = [np.concatenate([w.ravel() for w in run.model.get_weights()]) for run in runs]
    assert np.array_equal(weights[0], weights[1])
    assert not np.allclose(weights[0], weights[2])
    assert all(run.seconds > 0 and run.compile_seconds > 0 for run in runs)
    assert runs[0].epochs == pytest.approx(1, abs=0.2)
    assert matmul_gflops(size=64, rounds=2) > 0


def test_the_table_has_medians_and_the_spread_of_the_seconds():
    (line,) = speed_table(ROWS, ["one cycle"]).splitlines()[2:]
    assert "| 30.3 ± 3.1 | 3.3 |" in line and "| 60% |" in line


def test_the_figures_have_a_label_for_each_step():
    assert list(LABELS) == list(STEPS)
    plot_recipes(ROWS, STEPS)
    texts = [text.get_text().split("\n")[0] for text in plt.gca().texts]
    assert set(texts) >= set(STEPS)
    plot_seconds(ROWS, STEPS)
    assert [label.get_text() for label in plt.gca().get_yticklabels()] == list(STEPS)
    plot_fold()
    plt.close("all")


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
