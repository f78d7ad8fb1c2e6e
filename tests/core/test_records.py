"""A record loses no row, refuses doubles, and names the row that is damaged."""

import re
import subprocess
import sys

import pytest

from digitvision import experiment_runs, files
from digitvision.files import project_path
from digitvision.people import ladder
from digitvision.records import Columns, RecordError, append_row, read_record
from digitvision.scale import speed_runs

COLUMNS = Columns({"name": str, "seed": int, "accuracy": float, "calm": bool})
ROW = {"name": "first", "seed": 1, "accuracy": 0.5, "calm": True}
WRITER = """
import sys
from digitvision.records import Columns, append_row
columns = Columns({"name": str, "seed": int})
print("ready", flush=True)
sys.stdin.readline()
for seed in range(50):
    append_row(sys.argv[1], {"name": sys.argv[2], "seed": seed}, columns)
"""


def test_two_processes_that_append_50_rows_each_lose_none(tmp_path):
    path = tmp_path / "record.csv"
    command = [sys.executable, "-c", WRITER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, name], **pipes) for name in ("first", "second")]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # both at the same time
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    rows = read_record(path, Columns({"name": str, "seed": int}))
    assert len(rows) == 100  # and all differ


def test_values_keep_their_types_and_rows_their_bytes(tmp_path):
    path = tmp_path / "record.csv"
    assert read_record(path, COLUMNS) == []
    assert append_row(path, ROW | {"name": 'a "name", with all'}, COLUMNS)
    before = path.read_bytes()
    assert append_row(path, ROW | {"accuracy": 1.0, "calm": False}, COLUMNS)
    assert path.read_bytes().startswith(before)
    assert read_record(path, COLUMNS) == [
        {"name": 'a "name", with all', "seed": 1, "accuracy": 0.5, "calm": True},
        {"name": "first", "seed": 1, "accuracy": 1.0, "calm": False},
    ]


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        (experiment_runs.RECORD, experiment_runs.COLUMNS),
        (speed_runs.RECORD, speed_runs.COLUMNS),
        (ladder.LADDER_CSV, ladder.COLUMNS),
    ],
    ids=["experiments", "speed", "ladder"],
)
def test_the_records_of_the_repository_are_written_as_they_were_read(tmp_path, path, columns):
    last = read_record(path, columns)[-1]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    copy = tmp_path / path.name
    copy.write_text("".join(lines[:-1]), encoding="utf-8")
    assert append_row(copy, last, columns)
    assert copy.read_bytes() == path.read_bytes()


def test_a_run_is_recorded_once_and_with_all_columns(tmp_path):
    path = tmp_path / "record.csv"
    assert [append_row(path, ROW, COLUMNS), append_row(path, ROW, COLUMNS)] == [True, False]
    with pytest.raises(ValueError, match=r"columns of .*: date"):
        append_row(path, ROW | {"date": "today"}, COLUMNS)
    assert len(read_record(path, COLUMNS)) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-1], "row 3 is cut off"),
        (lambda text: text[:-6], "row 3 (first, 2) is damaged: it has 3 values, not 4"),
        (lambda text: text.replace("0.5", "50"), "row 2 (first, 1) is damaged: accuracy is 50"),
        (lambda text: text.replace("True", "yes"), "row 2 (first, 1) is damaged: calm is 'yes'"),
        (lambda text: text.replace("first,2", "first,1"), "row 3 (first, 1) is damaged: this run"),
        (lambda text: text.partition("\n")[2], "row 1 (first, 1) is damaged: it does not name"),
        (lambda text: "", "row 1 is cut off"),
    ],
)
def test_a_damaged_record_names_the_row_and_is_left_as_it_is(tmp_path, damage, message):
    path = tmp_path / "record.csv"
    for seed in (1, 2):
        assert append_row(path, ROW | {"seed": seed}, COLUMNS)
    damaged = damage(path.read_text())
    path.write_text(damaged)
    whole = re.escape(f"{path}, {message}")
    with pytest.raises(RecordError, match=whole):
        read_record(path, COLUMNS)
    with pytest.raises(RecordError, match=whole):
        append_row(path, ROW | {"seed": 3}, COLUMNS)
    assert path.read_text() == damaged


def test_paths_of_the_repository_do_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_path("docs/experiments.csv").is_file()
    monkeypatch.setattr(files, "__file__", str(tmp_path / "site-packages/digitvision/files.py"))
    assert project_path("docs/experiments.csv").as_posix() == "docs/experiments.csv"
