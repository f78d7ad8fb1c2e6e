"""A run that is killed goes on as if nothing had happened."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = """
import sys, numpy as np
from digitvision.data import Mnist, Split, load_mnist
from digitvision.train import Hyperparameters, train
part = Mnist(*(Split(split.images[:2000], split.labels[:2000]) for split in load_mnist()))
tell = lambda history: print(len(history), flush=True)
run = train(Hyperparameters(epochs=4, batch_size=32), part, 7, sys.argv[1], tell)
np.savez(sys.argv[2], *run.model.get_weights())
"""


def start(name: str, folder: Path) -> subprocess.Popen:
    "Start a run in a process of its own, which prints the number of each epoch it has done."
    command = [sys.executable, "-c", SCRIPT, folder / name, folder / f"{name}.npz"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "encoding": "utf-8"}
    return subprocess.Popen(command, **pipes)


def finish(process: subprocess.Popen) -> None:
    "Wait until a run has ended, and check that it succeeded."
    process.communicate(timeout=120)
    assert process.returncode == 0


def history(folder: Path) -> list[dict]:
    "Return the history of a run without its times."
    entries = json.loads((folder / "history.json").read_text())["history"]
    return [{k: v for k, v in epoch.items() if "seconds" not in k} for epoch in entries]


@pytest.mark.parametrize("changes", [{"dropout": 0.0}, {"batch_norm": True}, {"batch_size": 7}])
def test_the_variants_the_experiments_need_train(changes):
    from digitvision.data import Mnist, Split, load_mnist
    from digitvision.train import Hyperparameters, train

    part = Mnist(*(Split(split.images[:100], split.labels[:100]) for split in load_mnist()))
    run = train(Hyperparameters(epochs=1, **changes), part, progress=False)
    assert len(run.history) == 1 and 0 < run.history[0]["loss"] < 10


def test_a_run_that_is_killed_resumes_and_ends_as_it_would_have(tmp_path):
    finish(start("whole", tmp_path))
    for epochs in (1, 2):  # killed in the middle of the second and of the third epoch
        process = start("killed", tmp_path)
        assert process.stdout.readline() == f"{epochs}\n"
        process.kill()
        process.communicate()
    assert len(history(tmp_path / "killed")) < 4
    finish(start("killed", tmp_path))

    assert history(tmp_path / "whole") == history(tmp_path / "killed")
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as killed:
        assert all(np.array_equal(whole[name], killed[name]) for name in whole)
    # only the last and the best epoch are kept
    assert len(list((tmp_path / "killed").glob("*.keras"))) <= 2
