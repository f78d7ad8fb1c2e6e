"""The ladder on record is the ladder of notebook 40, and is measured as it says."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from digitvision.cli import main
from digitvision.data import Split, load_mnist
from digitvision.scale import speed
from digitvision.scale.speed import LADDER, RUNGS, TOP, column, multiply_adds, read_speed, run_rungs

ROOT = Path(__file__).parents[2]
ROWS = read_speed(ROOT / "docs/speed.csv")


def test_every_rung_is_on_record_with_the_same_five_seeds():
    runs = Counter((row["rung"], row["seed"]) for row in ROWS)
    assert runs == Counter((name, seed) for name in RUNGS for seed in range(42, 47))
    assert len({row["cpu"] for row in ROWS}) == 1


@pytest.mark.parametrize("name", RUNGS)
def test_what_is_on_record_is_what_the_rung_does(name):
    rung = RUNGS[name]
    for row in (row for row in ROWS if row["rung"] == name):
        assert row["multiply_adds"] == multiply_adds(rung.network())
        # whole batches only; the baseline may stop early
        assert row["epochs"] == pytest.approx(rung.epochs, abs=0.02) or rung.patience
        done = 6 * row["multiply_adds"] * 54_000 * row["epochs"]
        share = done / row["seconds"] / row["matmul_gflops"] / 1e9
        assert row["share"] == pytest.approx(share, rel=0.01)


def test_the_readme_says_what_is_on_record():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    half, highest = (list(ladder)[-1] for ladder in (speed.HALF_MINUTE, LADDER))
    seconds = {name: column(ROWS, name, "seconds").mean for name in RUNGS}
    test = {name: column(ROWS, name, "test_accuracy").mean for name in RUNGS}
    base, top, sprint = (seconds[name] for name in ("baseline", highest, "sprint: once through"))
    assert f"the baseline takes {base:.0f} s" in readme
    assert f"{test[highest]:.2%} in {top:.1f} s, {base / top:.0f} times as fast" in readme
    assert f"99% in {sprint:.1f} s; the best of 30 s: {test[half]:.2%}" in readme


def test_a_ladder_that_was_interrupted_goes_on_and_comes_out_the_same(tmp_path, monkeypatch):
    mnist = load_mnist()
    few = mnist._replace(train=Split(*(array[:3_000] for array in mnist.train)))
    brief = {"once": replace(TOP, epochs=1), "twice": replace(TOP, epochs=2)}
    monkeypatch.setattr(speed, "RUNGS", brief)
    path = tmp_path / "speed.csv"
    run_rungs(brief, [1, 2], few, path, progress=False)
    whole = read_speed(path)
    assert [(row["rung"], row["seed"]) for row in whole] == [
        ("once", 1), ("twice", 1), ("once", 2), ("twice", 2),
    ]  # fmt: skip
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))
    run_rungs(brief, [1, 2], few, path, progress=False)
    again = read_speed(path)
    assert path.read_text().startswith("".join(lines[:3]))
    for one, other in zip(whole, again, strict=True):
        same = ("rung", "seed", "validation_accuracy", "test_accuracy", "moved_accuracy")
        assert [one[name] for name in same] == [other[name] for name in same]


def test_the_command_line_shows_the_record_and_names_what_there_is(tmp_path):
    shown = CliRunner().invoke(main, ["speed", "show", "baseline", "Muon"])
    assert shown.exit_code == 0
    assert [line.split(" | ")[0] for line in shown.output.splitlines()[2:]] == [
        "| baseline",
        "| Muon",
    ]
    wrong = CliRunner().invoke(main, ["speed", "run", "moon"])
    assert wrong.exit_code == 1 and "There is no rung 'moon'; there is baseline," in wrong.output
    empty = CliRunner().invoke(main, ["speed", "show", "--record", str(tmp_path / "none.csv")])
    assert empty.exit_code == 0 and "Not on record: baseline, " in empty.output
