"""Files that survive a crash or a power cut, and the folder of a user's own files."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs


def user_folder() -> Path:
    "Return the folder of the user's own files; the environment variable DIGITVISION_HOME sets it."
    home = os.environ.get("DIGITVISION_HOME")
    return Path(home) if home else platformdirs.user_data_path("digitvision", appauthor=False)


def write_atomically(
    path: str | Path,
    write: Callable[[Path], Any],  # called with the path of a temporary file to write
) -> None:
    """Write a file in full or not at all, even if the process is killed or the power fails.

    `write` fills a temporary file with the same name in a new folder beside `path`; the file then
    replaces `path`. Missing parent folders are made. The data are on the disk on return."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
        part = Path(folder) / path.name
        write(part)
        _flush_to_disk(part)  # before the rename: else a power cut can leave an empty file
        part.replace(path)
    if os.name != "nt":  # Windows cannot flush a folder
        _flush_to_disk(path.parent)  # its list of files, that is the rename


def _flush_to_disk(path: Path) -> None:
    "Wait until a file, or a folder's list of files, is on the disk."
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR  # Windows flushes only what it may write
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | Path, text: str) -> None:
    "Write a UTF-8 text file in full or not at all, see `write_atomically`."
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    "Write a value as an indented UTF-8 JSON file, as `write_atomically` does."
    write_text(path, json.dumps(value, indent=2) + "\n")


def project_path(path: str) -> Path:
    """Return a path of the repository, such as "docs/experiments.csv", from any working directory.

    Where the package is installed without its repository, the path is relative to the working
    directory."""
    repository = Path(__file__).parents[1]
    return repository / path if (repository / "pyproject.toml").is_file() else Path(path)
