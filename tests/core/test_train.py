"""A run that is killed goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys, numpy as np
from digitvision.data import Mnist, Split, load_mnist
from digitvision.train import Hyperparameters, train
mnist = load_mnist()
train_part = Split(*(a[:2000] for a in mnist.train))
part = Mnist(train_part, Split(*(a[:500] for a in mnist.validation)), mnist.test)
run = train(Hyperparameters(epochs=4, batch_size=32), part, seed=7, folder=sys.argv[1])
np.savez(sys.argv[2], *run.model.get_weights())
"""


def start(folder: Path, weights: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, folder, weights], stderr=subprocess.DEVNULL
    )


def history(folder: Path) -> list[dict]:
    path = folder / "history.json"
    return json.loads(path.read_text())["history"] if path.exists() else []


@pytest.mark.parametrize("changes", [{"dropout": 0.0}, {"batch_norm": True}, {"batch_size": 7}])
def test_the_variants_the_experiments_need_train(changes):
    from digitvision.data import Mnist, Split, load_mnist
    from digitvision.train import Hyperparameters, train

    part = Mnist(*(Split(split.images[:100], split.labels[:100]) for split in load_mnist()))
    run = train(Hyperparameters(epochs=1, **changes), part, progress=False)
    assert len(run.history) == 1 and 0 < run.history[0]["loss"] < 10


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_run_killed_with_kill_9_resumes_and_ends_as_it_would_have(tmp_path):
    import numpy as np

    assert start(tmp_path / "whole", tmp_path / "whole.npz").wait(120) == 0
    for epochs in (1, 2):  # killed in the middle of the second and of the third epoch
        process = start(tmp_path / "killed", tmp_path / "killed.npz")
        while len(history(tmp_path / "killed")) < epochs:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(history(tmp_path / "killed")) < 4
    assert start(tmp_path / "killed", tmp_path / "killed.npz").wait(120) == 0

    timeless = [
        [
            {k: v for k, v in epoch.items() if "seconds" not in k}
            for epoch in history(tmp_path / name)
        ]
        for name in ("whole", "killed")
    ]
    assert timeless[0] == timeless[1]
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as killed:
        assert all(np.array_equal(whole[name], killed[name]) for name in whole)
    names = {path.name for path in (tmp_path / "killed").glob("*.keras")}
    assert len(names) <= 2, "only the last and the best epoch are kept"
