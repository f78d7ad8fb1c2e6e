"""No run is lost or done twice when a process is killed, and only valid runs are recorded."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.sweeps import check_complete, finish, recorded, start_sweep, wait_until

from digitvision.cli import main
from digitvision.experiment_plan import CONTROLS, EXPERIMENTS, SIX, SWEEPS, find
from digitvision.experiment_runs import COLUMNS, missing, read_outcomes, read_rows, write_outcomes
from digitvision.records import RecordError, append_row
from digitvision.train import Hyperparameters

ROOT = Path(__file__).parents[2]
ROWS = read_rows(ROOT / "docs/experiments.csv")
ROW = (
    dict.fromkeys(COLUMNS.types, 1)
    | vars(Hyperparameters())
    | {"experiment": "trial", "seed": 1, "test_accuracy": 0.9921}
)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_and_shared_sweeps_lose_no_run_and_do_none_twice(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    processes = start_sweep(whole, 1), start_sweep(whole, 1)  # two at once share the work

    first = start_sweep(killed, 1)
    wait_until(lambda: recorded(killed), first)
    wait_until(lambda: list((killed / "runs").glob("*/history.json")), first)
    first.kill()  # in the middle of the next run
    first.wait()
    before = (killed / "docs/experiments.csv").read_text()
    finish(start_sweep(killed, 1))
    assert (killed / "docs/experiments.csv").read_text().startswith(before)

    for process in processes:
        finish(process)
    for folder in (whole, killed):
        check_complete(folder, 1)
        assert not list((folder / "runs").glob("*/")), "only unfinished runs are kept"
    assert recorded(whole) == recorded(killed)


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
    append_row(path, ROW, COLUMNS)
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
    append_row(record, ROW | {"experiment": "baseline", "learning_rate": 0.01}, COLUMNS)
    changed = cli("run", "baseline", "--seeds", "1", "--dry-run", "--record", record)
    assert changed.exit_code == 1 and "recorded with other hyperparameters" in changed.output


def test_a_dry_run_tells_the_time_and_only_what_is_missing(tmp_path):
    record = tmp_path / "experiments.csv"
    row = ROW | {"experiment": "baseline", "seed": 42, "images": 54_000}
    append_row(record, row, COLUMNS)
    lines = cli("run", "baseline", "--seeds", "42-44", "--dry-run", "--record", record).output
    assert "seed   42" not in lines and lines.count("4.4 minutes") == 2 and "2 runs" in lines


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


@pytest.mark.parametrize(
    ("names", "last"), [(["baseline"], 53), (["high_lr"], 51), (["small_dropout_0.0"], 46)]
)
def test_the_command_line_runs_the_seeds_of_the_plan(tmp_path, names, last):
    lines = cli("run", *names, "--dry-run", "--record", tmp_path / "none.csv").output
    assert [int(s) for s in re.findall(r"seed +(\d+)", lines)] == [*range(42, last + 1)]


def test_without_names_and_seeds_the_six_are_planned_seed_by_seed(tmp_path):
    lines = cli("run", "--dry-run", "--record", tmp_path / "none.csv").output
    planned = re.findall(r"^(\w+) +seed +(\d+)", lines, re.M)
    assert len(planned) == len(set(planned)) == 6 * 12 - 2
    assert [seed for _, seed in planned] == sorted(seed for _, seed in planned)


def test_the_hypotheses_stand_as_they_were_registered():
    assert [e.hypothesis for e in SIX] == [
        "The usual values for a small CNN reach about 99.2% on MNIST.",
        "A step 50 times as large jumps over every valley: nothing is learned.",
        "Without dropout the network learns the training images by heart and reads others worse.",
        "Eight images a step give noisier steps and slower epochs, and the same accuracy.",
        "Images that are moved a little teach what does not matter: other people's digits gain.",
        "Batch normalisation makes training faster; in a network this shallow it gains little.",
    ]


def test_outcomes_are_read_as_they_were_written(tmp_path):
    outcomes = {"test": np.array([True, False, True]), "canvas": np.ones(9, bool)}
    record = tmp_path / "experiments.csv"
    write_outcomes(record, "trial", 1, outcomes)
    read = read_outcomes(record, "trial", 1)
    assert read.keys() == outcomes.keys()
    for name, right in outcomes.items():
        assert read[name].dtype == bool and read[name].tolist() == right.tolist()
    assert read_outcomes(record, "trial", 2) is None


def test_the_recorded_outcomes_agree_with_the_record():
    splits = {"test": "test_accuracy", "canvas": "canvas_accuracy", "strokes": "strokes_accuracy"}
    for row in ROWS:
        read = read_outcomes(ROOT / "docs/experiments.csv", row["experiment"], row["seed"]) or {}
        for name, right in read.items():
            assert right.mean() == pytest.approx(row[splits[name]], abs=1e-6)
