"""A sweep on a Ray cluster of two nodes has the numbers of a local sweep, whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.nodes import QUIET

from digitvision.cli import main
from digitvision.experiment_runs import read_rows

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
    pytest.mark.xdist_group("ray"),
]
LIMIT = 600  # seconds after which something hangs
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
seeds, paths = range(int(sys.argv[1])), {"record": "docs/experiments.csv", "work": "runs"}
if sys.argv[2:]:
    from digitvision.scale.cluster import run_all_on_ray
    run_all_on_ray(trials, seeds, mnist, address=sys.argv[2], progress=False, **paths)
else:
    run_all(trials, seeds, mnist, progress=False, **paths)
"""


def planned(seeds: int) -> list[tuple[str, int]]:
    return sorted((f"trial{dropout}", s) for dropout in (0.0, 0.25, 0.5) for s in range(seeds))


def start(folder: Path, seeds: int, *address: str) -> subprocess.Popen:
    "Start a sweep that keeps its record in a folder."
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", SWEEP, str(seeds), *address]
    return subprocess.Popen(command, cwd=folder, env=QUIET, stderr=subprocess.DEVNULL)


def finish(sweep: subprocess.Popen) -> None:
    "Wait for the end of a sweep."
    try:
        assert sweep.wait(LIMIT) == 0
    finally:
        sweep.kill()


def recorded(folder: Path) -> dict[tuple, tuple]:
    "The recorded runs, without their times; read_rows raises if one is recorded twice."
    return {
        (row["experiment"], row["seed"]): (row["last_loss"], row["test_loss"], row["test_accuracy"])
        for row in read_rows(folder / "docs/experiments.csv")
    }


def wait_for_the_middle(folder: Path, sweep: subprocess.Popen, nodes) -> None:
    "Wait until some runs are recorded and both nodes are working."
    end = time.monotonic() + LIMIT
    while len(recorded(folder)) < 3 or len(nodes.tasks("_do_run")) < 2:
        assert sweep.poll() is None, "it ended before something could be killed"
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.ray
def test_a_sweep_on_a_cluster_has_the_numbers_of_a_local_one(nodes, tmp_path):
    local, cluster = tmp_path / "local", tmp_path / "cluster"
    sweep = start(cluster, 1, nodes.add())
    finish(start(local, 1))
    finish(sweep)
    assert sorted(recorded(cluster)) == planned(1)
    assert recorded(cluster) == recorded(local)
    assert len(list((cluster / "docs/curves").glob("*.json"))) == len(planned(1))
    nodes.kill()


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> dict[tuple, tuple]:
    "The runs of a local sweep."
    folder = tmp_path_factory.mktemp("local")
    finish(start(folder, 4))
    return recorded(folder)


@pytest.mark.ray_slow
@pytest.mark.parametrize("victim", ["worker", "node", "driver"])
def test_each_run_is_recorded_once_with_the_local_numbers_when_one_is_killed(
    victim, nodes, local, tmp_path
):
    address = nodes.add()
    sweep = start(tmp_path, 4, address)
    wait_for_the_middle(tmp_path, sweep, nodes)
    before = (tmp_path / "docs/experiments.csv").read_text()
    if victim == "worker":
        os.kill(nodes.tasks("_do_run")[0], signal.SIGKILL)
    elif victim == "node":
        nodes.kill()
    else:
        sweep.kill()
        sweep.wait()
        sweep = start(tmp_path, 4, address)
    finish(sweep)
    assert sorted(recorded(tmp_path)) == planned(4)
    assert recorded(tmp_path) == local
    assert len(list((tmp_path / "docs/curves").glob("*.json"))) == len(planned(4))
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
