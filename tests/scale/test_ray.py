"""On a Ray cluster, sweeps and the app answer as they do alone, whatever is killed."""

import json
import os
import signal
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from support.contract import JSON, SEVEN
from support.helpers import data_url, serve
from support.nodes import start_nodes
from support.sweeps import check_complete, finish, recorded, start_sweep, wait_until

from digitvision.cli import main
from digitvision.scale.ray_sweep import check_cpus

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@pytest.fixture(scope="module")
def nodes():
    "Return a cluster: tests that use it have the mark ray."
    with start_nodes() as nodes:
        yield nodes


@pytest.mark.ray
def test_the_app_predicts_on_a_cluster_and_leaves_the_cluster_there(nodes):
    body = json.dumps({"image": data_url(SEVEN)}).encode()
    with serve("--engine", "ray", "--address", nodes.address) as (address, process):
        request = Request(f"{address}/api/predict", body, {"Content-Type": JSON})
        with urlopen(request, timeout=60) as response:
            assert json.load(response)["digit"] == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert nodes.process.poll() is None


@pytest.mark.ray
def test_a_sweep_on_a_cluster_has_the_numbers_of_a_local_one(nodes, tmp_path):
    local, cluster = tmp_path / "local", tmp_path / "cluster"
    nodes.add()
    sweep = start_sweep(cluster, 1, nodes.address)
    finish(start_sweep(local, 1))
    finish(sweep)
    check_complete(cluster, 1)
    assert recorded(cluster) == recorded(local)
    nodes.kill()


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> dict[tuple, tuple]:
    "Return the runs of a local sweep."
    folder = tmp_path_factory.mktemp("local")
    finish(start_sweep(folder, 4))
    return recorded(folder)


@pytest.mark.ray_slow
@pytest.mark.parametrize("victim", ["worker", "node", "driver"])
def test_each_run_is_recorded_once_with_the_local_numbers_when_one_is_killed(
    victim, nodes, local, tmp_path
):
    nodes.add()
    sweep = start_sweep(tmp_path, 4, nodes.address)
    wait_until(lambda: len(recorded(tmp_path)) > 2 and len(nodes.tasks("_do_run")) == 2, sweep)
    before = (tmp_path / "docs/experiments.csv").read_text()
    if victim == "worker":
        os.kill(nodes.tasks("_do_run")[0], signal.SIGKILL)
    elif victim == "node":
        nodes.kill()
    else:
        sweep.kill()
        sweep.wait()
        sweep = start_sweep(tmp_path, 4, nodes.address)
    finish(sweep)
    check_complete(tmp_path, 4)
    assert recorded(tmp_path) == local
    assert (tmp_path / "docs/experiments.csv").read_text().startswith(before)
    if victim != "node":
        nodes.kill()


def test_a_run_cannot_have_more_cpus_than_the_largest_machine(monkeypatch):
    machines = [
        {"Alive": True, "Resources": {"CPU": 2.0}},
        {"Alive": False, "Resources": {"CPU": 999.0}},
    ]
    monkeypatch.setattr("ray.nodes", lambda: machines)
    check_cpus(2)
    for cpus in (0, 999):
        with pytest.raises(ValueError, match=f"cannot have {cpus} CPUs: the largest machine has 2"):
            check_cpus(cpus)


def test_the_app_says_that_there_is_no_cluster():
    command = [sys.executable, "-m", "digitvision.app", "--engine", "ray"]
    command += ["--address", "127.0.0.1:1"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "There is no Ray cluster at 127.0.0.1:1" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--address", "auto"], 2, "are for --engine ray"),
        (["--cpus", "1"], 2, "are for --engine ray"),
        (["--engine", "ray", "--address", "127.0.0.1:1"], 1, "no Ray cluster at 127.0.0.1:1"),
        (["--engine", "ray", "--address", "nonsense"], 1, "no Ray cluster at nonsense"),
    ],
)
def test_the_command_line_says_what_is_wrong_with_a_cluster(tmp_path, options, code, message):
    record = ["--record", str(tmp_path / "experiments.csv")]
    wrong = CliRunner().invoke(main, ["experiments", "run", *record, *options])
    assert wrong.exit_code == code and message in wrong.output
