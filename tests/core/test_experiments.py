"""No run is lost or done twice when a process is killed; the verdict makes few false claims."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from digitvision import records
from digitvision.cli import main
from digitvision.experiment_log import finding, render_log, table
from digitvision.experiment_runs import COLUMNS, missing, read_rows, recorded
from digitvision.experiments import CONTROLS, EXPERIMENTS, SIX, SWEEPS, compare, find
from digitvision.records import RecordError
from digitvision.train import Hyperparameters

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from digitvision.data import Mnist, Split, load_mnist
from digitvision.experiment_runs import run_all
from digitvision.experiments import Experiment
from digitvision.train import Hyperparameters
mnist = Mnist(*(Split(*(array[:200] for array in split)) for split in load_mnist()))
tiny = [
    Experiment(name, "", "", Hyperparameters(epochs=2, dropout=dropout), images=200)
    for name, dropout in (("first", 0.5), ("second", 0.0))
]
run_all(tiny, [1], mnist, record="docs/experiments.csv", work="runs", progress=False)
"""
ALL = {("first", 1), ("second", 1)}
ROW = (
    dict.fromkeys(COLUMNS.types, 1)
    | vars(Hyperparameters())
    | {"experiment": "trial", "seed": 1, "test_accuracy": 0.9921}
)


def append_row(path: Path, row: dict) -> bool:
    return records.append_row(path, row, COLUMNS)


def start(folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=folder, env=environment, stderr=subprocess.DEVNULL
    )


def on_record(folder: Path) -> list[tuple]:
    rows = read_rows(folder / "docs/experiments.csv")
    return [(row["experiment"], row["seed"]) for row in rows]


def timeless(folder: Path) -> dict:
    "The record without what depends on the clock."
    rows = read_rows(folder / "docs/experiments.csv")
    return {
        (row["experiment"], row["seed"]): [
            row[name] for name in COLUMNS.types if name.startswith("test")
        ]
        for row in rows
    }


def wait_for(condition, process: subprocess.Popen) -> None:
    while not condition():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_and_shared_sweeps_lose_no_run_and_do_none_twice(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    processes = start(whole), start(whole)  # two at once share the work

    first = start(killed)
    wait_for(lambda: len(on_record(killed)) == 1, first)
    wait_for(lambda: list((killed / "runs").glob("*/history.json")), first)
    first.send_signal(signal.SIGKILL)  # in the middle of the second run
    first.wait()
    before = (killed / "docs/experiments.csv").read_text()
    assert start(killed).wait(600) == 0
    assert (killed / "docs/experiments.csv").read_text().startswith(before)

    assert [process.wait(600) for process in processes] == [0, 0]
    for folder in (whole, killed):
        assert sorted(on_record(folder)) == sorted(ALL)
        assert len(list((folder / "docs/curves").glob("*.json"))) == len(ALL)
        assert not list((folder / "runs").glob("*/")), "only unfinished runs are kept"
    assert timeless(whole) == timeless(killed)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        (",0.9921,", ",99.21,", "row 2 (trial, 1) is damaged: test_acc"),
        (",0.001,", ",many,", "row 2 (trial, 1) is damaged: learning"),
        (",0.001,", ",nan,", "row 2 (trial, 1) is damaged: learning"),
        (",3,1,1,", ",3,1,2,", "row 2 (trial, 1) is damaged: its numbers of epochs do not fit"),
    ],
)
def test_an_impossible_run_is_refused(tmp_path, good, bad, message):
    path = tmp_path / "experiments.csv"
    append_row(path, ROW)
    text = path.read_text()
    assert good in text
    path.write_text(text.replace(good, bad, 1))
    with pytest.raises(RecordError) as raised:
        read_rows(path)
    assert message in str(raised.value)


def cli(*arguments):
    return CliRunner().invoke(main, ["experiments", *map(str, arguments)])


def test_the_command_line_names_what_is_wrong(tmp_path):
    record = tmp_path / "experiments.csv"
    unknown = cli("run", "basline", "--dry-run", "--record", record)
    assert unknown.exit_code == 1 and "no experiment 'basline'; there is baseline" in unknown.output
    assert cli("run", "--seeds", "x", "--dry-run").exit_code == 2
    assert cli("run", "--seeds", "5-1", "--dry-run").exit_code == 2
    record.write_text("nonsense\n")
    damaged = cli("run", "--dry-run", "--record", record)
    assert damaged.exit_code == 1 and "row 1 (nonsense) is damaged" in damaged.output
    assert record.read_text() == "nonsense\n"
    record.unlink()
    append_row(record, ROW | {"experiment": "baseline", "learning_rate": 0.01})
    changed = cli("run", "baseline", "--seeds", "1", "--dry-run", "--record", record)
    assert changed.exit_code == 1 and "recorded with other hyperparameters" in changed.output


def test_a_dry_run_tells_the_time_and_only_what_is_missing(tmp_path):
    record = tmp_path / "experiments.csv"
    row = ROW | {"experiment": "baseline", "seed": 42, "images": 54_000, "seconds": 120.0}
    append_row(record, row)
    lines = cli("run", "baseline", "--seeds", "42-44", "--dry-run", "--record", record).output
    assert "seed   42" not in lines and lines.count("2.0 minutes") == 2 and "2 runs" in lines


def test_the_verdict_claims_a_difference_between_equals_in_at_most_5_percent():
    rng = np.random.default_rng(5)
    for draw in (rng.normal, rng.laplace, rng.gumbel):  # normal, heavy tails, skewed
        false = 0
        for _ in range(1_000):
            ours, theirs = (np.rint(draw(9920, 6, 5)) / 10_000 for _ in range(2))
            verdict = compare(dict(enumerate(ours)), dict(enumerate(theirs))).verdict
            false += verdict != "these runs cannot tell"
        assert false <= 50


def test_equal_or_few_differences_are_no_proof():
    for ours in ({1: 0.99}, {1: 0.99, 2: 0.98}, {1: 0.99, 2: 0.99, 3: 0.99}):
        theirs = {seed: value - 0.01 for seed, value in ours.items()}
        assert compare(ours, theirs).verdict == "these runs cannot tell"
    with pytest.raises(ValueError, match="no runs"):
        compare({1: 0.99}, {2: 0.98})


def test_experiments_are_told_apart_by_name_and_changed_ones_from_their_old_runs():
    names = [e.name for e in SIX + CONTROLS] + [e.name for s in SWEEPS.values() for e in s]
    assert set(names) == set(EXPERIMENTS)
    for name, experiment in EXPERIMENTS.items():
        assert find([name]) == [experiment]
    assert find(["controls"]) == CONTROLS
    assert len({(e.hyperparameters, e.images) for e in EXPERIMENTS.values()}) == len(EXPERIMENTS)
    stale = ROW | {"experiment": "baseline", "learning_rate": 0.01}
    with pytest.raises(ValueError, match="other hyperparameters"):
        missing(SIX, [1], [stale])


def test_the_log_has_no_interval_beyond_0_to_100_percent():
    rows = read_rows(ROOT / "docs/experiments.csv")
    for low, high in re.findall(r"± [\d.]+ \((-?[\d.]+) to (-?[\d.]+)\)", render_log(rows)):
        assert 0 <= float(low) <= float(high) <= 100
    for low, high in re.findall(r"between (-?[\d.]+)% and (-?[\d.]+)%", render_log(rows)):
        assert 0 <= float(low) <= float(high) <= 100
    values = "83.49%, 10.28%, 9.80%, 11.35%, 11.35%"  # one run learned, the others guess
    five = [row for row in rows if row["seed"] in range(42, 47)]
    assert values in table(five, [EXPERIMENTS["high_lr"]])
    assert finding(rows, EXPERIMENTS["high_lr"]).startswith("-15.76, -88.76, ")


def test_the_log_shows_controls_once_they_have_runs():
    rows = [
        row
        for row in read_rows(ROOT / "docs/experiments.csv")
        if row["experiment"] in ("baseline",)
    ]
    assert "Controls" not in render_log(rows)
    assert "Controls" in render_log(
        [*rows, rows[0] | {"experiment": "dropout_0.4", "dropout": 0.4}]
    )


def test_the_log_and_its_curves_are_in_step_with_the_record():
    rows = read_rows(ROOT / "docs/experiments.csv")
    assert (ROOT / "docs/experiment_log.md").read_text(encoding="utf-8") == render_log(rows)
    for row in rows:
        assert recorded(rows, EXPERIMENTS[row["experiment"]], row["seed"]) == row
        path = ROOT / f"docs/curves/{row['experiment']}-{row['seed']}.json"
        curve = json.loads(path.read_text(encoding="utf-8"))
        assert len(curve) == row["epochs_run"]
        assert (
            round(curve[row["best_epoch"] - 1]["validation_loss"], 6) == row["best_validation_loss"]
        )
