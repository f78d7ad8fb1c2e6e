"""Sweeps of small experiments in processes of their own: each keeps its record in a folder."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from digitvision.experiment_runs import read_rows

SWEEP = """
import sys
from digitvision.data import Mnist, Split, load_mnist
from digitvision.experiment_runs import run_all
from digitvision.experiments import Experiment
from digitvision.train import Hyperparameters
mnist = Mnist(*(Split(*(array[:500] for array in split)) for split in load_mnist()))
trials = [
    Experiment(f"trial{dropout}", "", "", Hyperparameters(epochs=2, dropout=dropout), images=500)
    for dropout in (0.0, 0.25, 0.5)
]
options = {"record": "docs/experiments.csv", "work": "runs", "progress": False}
if sys.argv[2:]:
    from digitvision.scale.cluster import run_all_on_ray as run_all
    options["address"] = sys.argv[2]
run_all(trials, range(int(sys.argv[1])), mnist, **options)
"""
QUIET = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}


def planned(seeds: int) -> list[tuple[str, int]]:
    "Return the runs of a sweep in order."
    return sorted((f"trial{dropout}", s) for dropout in (0.0, 0.25, 0.5) for s in range(seeds))


def start_sweep(folder: Path, seeds: int, *address: str) -> subprocess.Popen:
    "Start a sweep, on a Ray cluster if there is an address."
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", SWEEP, str(seeds), *address]
    return subprocess.Popen(command, cwd=folder, env=QUIET, stderr=subprocess.DEVNULL)


def finish(sweep: subprocess.Popen) -> None:
    "Wait for the end of a sweep."
    try:
        assert sweep.wait(600) == 0
    finally:
        sweep.kill()


def wait_until(condition: Callable[[], bool], sweep: subprocess.Popen) -> None:
    "Wait until a condition holds in the middle of a sweep."
    while not condition():
        assert sweep.poll() is None, "it ended before something could be killed"
        time.sleep(0.02)


def recorded(folder: Path) -> dict[tuple, tuple]:
    "Return the recorded runs without their times; raises if one is recorded twice."
    return {
        (row["experiment"], row["seed"]): (row["last_loss"], row["test_loss"], row["test_accuracy"])
        for row in read_rows(folder / "docs/experiments.csv")
    }


def check_complete(folder: Path, seeds: int) -> None:
    "Check that each run of a sweep has one row, one curve and one file of outcomes."
    assert sorted(recorded(folder)) == planned(seeds)
    assert len(list((folder / "docs/curves").glob("*.json"))) == len(planned(seeds))
    assert len(list((folder / "docs/outcomes").glob("*.npz"))) == len(planned(seeds))
