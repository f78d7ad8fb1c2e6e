"""A record loses no row, refuses doubles, and names the row that is damaged."""

import subprocess
import sys

import pytest

from digitvision import files
from digitvision.files import project_path
from digitvision.markdown import markdown_table
from digitvision.records import Columns, RecordError, append_row, read_record

COLUMNS = Columns({"name": str, "seed": int, "accuracy": float, "calm": bool}, key=("name", "seed"))
ROW = {"name": "first", "seed": 1, "accuracy": 0.5, "calm": True}
WRITER = """
import sys
from digitvision.records import Columns, append_row
columns = Columns({"name": str, "seed": int}, key=("name", "seed"))
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
    rows = read_record(path, Columns({"name": str, "seed": int}, key=("name", "seed")))
    assert sorted((row["name"], row["seed"]) for row in rows) == [
        (name, seed) for name in ("first", "second") for seed in range(50)
    ]


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


def test_a_run_is_recorded_once_and_with_all_columns(tmp_path):
    path = tmp_path / "record.csv"
    assert [append_row(path, ROW, COLUMNS), append_row(path, ROW, COLUMNS)] == [True, False]
    with pytest.raises(ValueError, match=r"columns of .*: date"):
        append_row(path, ROW | {"date": "today"}, COLUMNS)
    assert len(read_record(path, COLUMNS)) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("0.5", "50"), "row 2 (first, 1) is damaged: accuracy is 50"),
        (lambda text: text.replace("True", "yes"), "row 2 (first, 1) is damaged: calm is 'yes'"),
        (lambda text: text.replace("seed", "number"), "row 1 (name, number) is damaged: it does"),
        (lambda text: text + text.splitlines()[1] + "\n", "row 3 (first, 1) is damaged: this run"),
        (lambda text: text[:-1], "row 2 is cut off"),
    ],
)
def test_a_damaged_record_is_refused_and_left_as_it_is(tmp_path, damage, message):
    path = tmp_path / "record.csv"
    append_row(path, ROW, COLUMNS)
    path.write_text(damage(path.read_text()))
    before = path.read_text()
    for use in (
        lambda: read_record(path, COLUMNS),
        lambda: append_row(path, ROW | {"seed": 2}, COLUMNS),
    ):
        with pytest.raises(RecordError) as raised:
            use()
        assert message in str(raised.value) and str(path) in str(raised.value)
    assert path.read_text() == before


def test_paths_of_the_repository_do_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_path("docs/experiments.csv").is_file()
    monkeypatch.setattr(files, "__file__", str(tmp_path / "site-packages/digitvision/files.py"))
    assert str(project_path("docs/experiments.csv").as_posix()) == "docs/experiments.csv"


def test_a_markdown_table_has_as_many_cells_in_each_row():
    assert markdown_table("ab", [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"
    with pytest.raises(ValueError, match="1 cells, not 2"):
        markdown_table("ab", ["1"])
