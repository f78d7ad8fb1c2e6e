"""Training: what is refused, what random numbers depend on, and runs that are interrupted."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digitvision.hyperparameters import AUGMENTATIONS, Hyperparameters
from digitvision.run_folder import RunFolder

SCRIPT = """
import sys, numpy as np
from digitvision.data import Mnist, Split, load_mnist
from digitvision.train import Hyperparameters, train
part = Mnist(*(Split(split.images[:2000], split.labels[:2000]) for split in load_mnist()))
tell = lambda history: print(len(history), flush=True)
run = train(Hyperparameters(epochs=4, batch_size=32), part, 7, sys.argv[1], tell)
np.savez(sys.argv[2], *run.model.get_weights())
"""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 5}, "from 1e-06 to 1"),
        ({"learning_rate": math.nan}, "from 1e-06 to 1"),
        ({"dropout": "half"}, "from 0 to 0.9"),
        ({"batch_size": 6.4}, "whole number"),
        ({"epochs": True}, "whole number"),
        ({"augmentation": "wild"}, "one of none, mild, strong"),
    ],
)
def test_invalid_hyperparameters_are_refused_by_name(changes, words):
    with pytest.raises(ValueError, match=f"^{next(iter(changes))}.+{words}"):
        Hyperparameters(**changes)


def test_the_network_has_batch_normalization_if_asked_and_refuses_to_drop_everything():
    from digitvision.model import build_cnn

    names = [layer.name for layer in build_cnn(batch_norm=True).layers]
    assert names[:3] == ["conv1", "conv1_norm", "conv1_relu"]
    with pytest.raises(ValueError, match="below 1"):
        build_cnn(dropout=1)


def test_augmentation_depends_on_the_seed_alone_and_moves_each_image_differently():
    from digitvision.augmentation import augment

    images = np.zeros((4, 28, 28, 1), np.float32)
    images[:, 9:19, 9:19] = 1
    for name in AUGMENTATIONS:
        moved, again = (augment(images, name, np.random.default_rng(42)) for _ in range(2))
        assert np.array_equal(moved, again)
        assert np.array_equal(moved[0], moved[1]) == (name == "none")
        assert moved.min() >= 0 and moved.max() == pytest.approx(1, abs=0.01)


def test_a_model_is_exported_only_if_its_outputs_agree(tmp_path):
    from digitvision.model import build_cnn
    from digitvision.onnx_layers import export_onnx

    images = np.random.default_rng(0).integers(0, 256, (10, 28, 28), np.uint8)
    export_onnx(build_cnn(), tmp_path / "good.onnx", images)
    with pytest.raises(ValueError, match="not written"):
        export_onnx(build_cnn(), tmp_path / "bad.onnx", images, tolerance=0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["good.onnx"]


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
    from digitvision.train import train

    part = Mnist(*(Split(split.images[:100], split.labels[:100]) for split in load_mnist()))
    run = train(Hyperparameters(epochs=1, **changes), part, progress=False)
    assert len(run.history) == 1 and 0 < run.history[0]["loss"] < 10


def test_the_panel_trains_with_its_sliders_and_draws_after_each_epoch(monkeypatch):
    from digitvision import training_panel
    from digitvision.data import Mnist, Split, load_mnist

    drawn = []
    monkeypatch.setattr(training_panel, "plot_history", lambda history: drawn.append(len(history)))
    part = Mnist(*(Split(split.images[:100], split.labels[:100]) for split in load_mnist()))
    *sliders, button, _ = training_panel.training_panel(part).children
    (epochs,) = (slider for slider in sliders if slider.description == "epochs")
    epochs.value = 2
    button.click()
    assert drawn == [1, 2]


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
    with pytest.raises(ValueError, match="another run"):
        RunFolder(tmp_path / "killed", {"seed": 8})
    # only the last and the best epoch are kept
    assert len(list((tmp_path / "killed").glob("*.keras"))) <= 2


def test_a_restarted_model_is_one_that_was_built_and_compiled_anew():
    import keras

    from digitvision.run_folder import restart, seed_dropout
    from digitvision.train import compile_cnn

    images = np.random.default_rng(0).random((64, 28, 28, 1), np.float32)
    labels = np.arange(64) % 10
    model = compile_cnn(Hyperparameters(learning_rate=0.01))
    model.train_on_batch(images, labels)
    restart(model, 7)
    keras.utils.set_random_seed(7)
    fresh = compile_cnn(Hyperparameters(learning_rate=0.01))
    seed_dropout(fresh, 7, 0)
    for one in (model, fresh):
        one.train_on_batch(images, labels)
    pairs = zip(model.get_weights(), fresh.get_weights(), strict=True)
    assert all(np.allclose(ours, theirs, atol=1e-4) for ours, theirs in pairs)
