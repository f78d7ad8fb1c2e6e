"""Files are written in full or not at all, and are on the disk when the call returns."""

import os
import stat
from pathlib import Path

import pytest

import digitvision
from digitvision.files import user_folder, write_atomically, write_json


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot flush a folder")
def test_file_and_folder_are_flushed_in_the_right_order(tmp_path, monkeypatch):
    steps, flush = [], os.fsync

    def note(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append(("folder" if is_folder else "file", (tmp_path / "a.json").exists()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_json(tmp_path / "a.json", [1])
    # the content before the rename, the rename itself after it
    assert steps == [("file", False), ("folder", True)]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    write_json(tmp_path / "a.json", {"old": 1})

    def fail(part):
        part.write_text("half")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "a.json", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == '{\n  "old": 1\n}\n'


def test_the_users_folder_is_outside_the_package_and_can_be_chosen(tmp_path, monkeypatch):
    monkeypatch.delenv("DIGITVISION_HOME", raising=False)
    assert not user_folder().is_relative_to(Path(digitvision.__file__).parent)
    monkeypatch.setenv("DIGITVISION_HOME", str(tmp_path))
    assert user_folder() == tmp_path
