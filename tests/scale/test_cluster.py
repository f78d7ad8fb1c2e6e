"""A sweep on a real Ray cluster of two nodes: whoever dies, each run is on record once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.helpers import pgrep
from support.nodes import QUIET

from digitvision.cli import main
from digitvision.record import read_rows

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
SWEEP = """
import sys
from digitvision.data import Mnist, Split, load_mnist
from digitvision.experiments import Experiment, run_all
from digitvision.train import Hyperparameters
mnist = Mnist(*(Split(*(array[:500] for array in split)) for split in load_mnist()))
trials = [
    Experiment(f"trial{dropout}", "", "", Hyperparameters(epochs=2, dropout=dropout), images=500)
    for dropout in (0.0, 0.25, 0.5)
]
place = {"record": "docs/experiments.csv", "work": "runs", "progress": False}
if sys.argv[1:]:
    from digitvision.scale.cluster import run_all_on_ray
    run_all_on_ray(trials, range(4), mnist, address=sys.argv[1], **place)
else:
    run_all(trials, range(4), mnist, **place)
"""
RUNS = sorted((f"trial{dropout}", seed) for dropout in (0.0, 0.25, 0.5) for seed in range(4))


def start(folder: Path, *address: str) -> subprocess.Popen:
    "A sweep that keeps its record in a folder."
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", SWEEP, *address]
    return subprocess.Popen(command, cwd=folder, env=QUIET, stderr=subprocess.DEVNULL)


def on_record(folder: Path) -> dict[tuple, tuple]:
    "The runs and what does not depend on the clock; read_rows raises if one is there twice."
    return {
        (row["experiment"], row["seed"]): (row["last_loss"], row["test_loss"], row["test_accuracy"])
        for row in read_rows(folder / "docs/experiments.csv")
    }


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> dict[tuple, tuple]:
    "What the local engine says."
    folder = tmp_path_factory.mktemp("local")
    assert start(folder).wait(120) == 0
    return on_record(folder)


def workers() -> list[int]:
    "Processes that are at a run."
    return pgrep("-f", "^ray::_perform")


def wait_for_the_middle(folder: Path, sweep: subprocess.Popen) -> None:
    "Some runs are done, and both nodes are at one."
    end = time.monotonic() + 90
    while len(on_record(folder)) < 3 or len(workers()) < 2:
        assert sweep.poll() is None, "it ended before something could be killed"
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("victim", ["worker", "node", "driver"])
def test_whoever_is_killed_each_run_is_on_record_once_with_the_local_numbers(
    victim, nodes, local, tmp_path
):
    address = nodes.add()
    sweep = start(tmp_path, address)
    wait_for_the_middle(tmp_path, sweep)
    before = (tmp_path / "docs/experiments.csv").read_text()
    if victim == "worker":
        os.kill(workers()[0], signal.SIGKILL)
    elif victim == "node":
        nodes.kill()
    else:
        sweep.kill()
        sweep.wait()
        sweep = start(tmp_path, address)
    assert sweep.wait(120) == 0
    assert sorted(on_record(tmp_path)) == RUNS
    assert on_record(tmp_path) == local
    assert len(list((tmp_path / "docs/curves").glob("*.json"))) == len(RUNS)
    assert (tmp_path / "docs/experiments.csv").read_text().startswith(before)
    if victim != "node":
        nodes.kill()


def test_the_command_line_says_what_is_wrong_with_a_cluster(tmp_path):
    def run(*options: str):
        record = ["--record", str(tmp_path / "experiments.csv")]
        return CliRunner().invoke(main, ["experiments", "run", *record, *options])

    for option in (["--address", "auto"], ["--cpus", "1"]):
        wrong = run(*option)
        assert wrong.exit_code == 2 and "are for --engine ray" in wrong.output
    for address in ("127.0.0.1:1", "nonsense"):
        nobody = run("--engine", "ray", "--address", address)
        assert nobody.exit_code == 1 and f"no Ray cluster at {address}" in nobody.output
