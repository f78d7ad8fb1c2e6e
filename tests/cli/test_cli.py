"""The command line, as a user types it."""

import errno
import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from digitvision import cli
from digitvision.errors import DigitVisionError
from digitvision.model_files import CHECKPOINTS
from digitvision.preprocess import rasterize

SEVEN = [[(60, 60), (200, 60), (110, 220)]]


def digitvision(*arguments, answers: str = "", cwd=None, home=None) -> subprocess.CompletedProcess:
    "Run a command; `home` is the folder of the user's own files."
    command = [sys.executable, "-m", "digitvision.cli", *map(str, arguments)]
    environment = os.environ | ({"DIGITVISION_HOME": str(home)} if home else {})
    pipes = {"input": answers, "capture_output": True, "encoding": "utf-8"}
    return subprocess.run(command, cwd=cwd, env=environment, timeout=300, **pipes)


def test_help_reads_well():
    run = digitvision("--help")
    assert run.returncode == 0 and not run.stderr
    commands = run.stdout.split("Commands:")[1].split("\n")
    listed = [line.split()[0] for line in commands if line.strip()]
    assert " ".join(listed) == "data predict train experiments evaluate reader speed app"


def test_predict_names_each_file_it_cannot_read_and_reads_the_others(tmp_path):
    rasterize(SEVEN).save(tmp_path / "seven.png")
    rasterize([]).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("not a picture")
    found = {"seven.png": " 7 ", "blank.png": "nothing drawn", "text.png": "not a picture"}
    found |= {"absent.png": "no file"}
    run = digitvision("predict", *found, cwd=tmp_path)
    assert run.returncode == 1
    for row, (file, words) in zip(run.stdout.splitlines()[1:], found.items(), strict=True):
        assert row.startswith(file) and words in row
    seven, blank, *_ = json.loads(digitvision("predict", "--json", *found, cwd=tmp_path).stdout)
    assert seven["digit"] == 7 and len(seven["probabilities"]) == 10
    assert "nothing drawn" in blank["error"]


def test_train_asks_refuses_nonsense_with_the_reason_and_shows_the_curve(tmp_path):
    # learning rate 5, batch "many" and augmentation "wild" are refused
    answers = "5\n0.01\nmany\n64\n0.5\n2\n3\nn\nwild\nmild\n"
    shipped = {path: path.stat().st_mtime_ns for path in CHECKPOINTS.iterdir()}
    home = tmp_path / "home"
    options = ("--name", "trial", "--images", 1000, "--seed", 1)
    run = digitvision("train", *options, answers=answers, cwd=tmp_path, home=home)
    assert run.returncode == 0, run.stderr
    asked = run.stdout + run.stderr
    assert "size of a step of the optimizer (Adam) [0.001]" in asked
    assert "5.0 is not in the range 1e-06<=x<=1.0." in asked
    assert "'many' is not a valid integer range." in asked and "'wild' is not one of" in asked
    assert "best, kept" in run.stdout and "95% interval" in run.stdout
    card = json.loads((home / "models" / "trial.json").read_text())
    assert card["hyperparameters"]["learning_rate"] == 0.01 and card["epochs"] == 2
    assert card["hyperparameters"]["augmentation"] == "mild"
    assert (home / "models" / "trial.keras").stat().st_size < 1e6  # has no optimizer's state
    assert {path: path.stat().st_mtime_ns for path in CHECKPOINTS.iterdir()} == shipped
    assert [path.name for path in tmp_path.iterdir()] == ["home"]  # nothing beside it

    rasterize(SEVEN).save(tmp_path / "seven.png")
    predict = ("predict", "--model", "trial", tmp_path / "seven.png")
    assert digitvision(*predict, home=home).returncode == 0
    again = digitvision("train", "--name", "trial", "--yes", cwd=tmp_path, home=home)
    assert again.returncode == 1 and "There is a model 'trial' already" in again.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--name", "baseline", "--overwrite"], "a model that ships"),
        (["--name", "never", "--dropout", 2], "it must be from 0 to 0.9"),
    ],
)
def test_train_refuses_what_cannot_work_before_it_begins(tmp_path, options, words):
    run = digitvision("train", "--yes", *options, home=tmp_path)
    assert run.returncode == 1 and words in run.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_made_is_named_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    run = digitvision("train", "--yes", home=tmp_path / "file")
    assert run.returncode == 1 and "Error: " in run.stderr and "epoch" not in run.stdout
    assert str(tmp_path / "file") in run.stderr and "Traceback" not in run.stderr


def run_command_that_raises(error: Exception):
    "Run a command of the group that raises an error."

    @click.command()
    def fail():
        raise error

    group = type(cli.main)("group", commands=[fail])
    return CliRunner().invoke(group, ["fail"])


@pytest.mark.parametrize(
    "error",
    [
        DigitVisionError("Choose another file."),
        FileNotFoundError(errno.ENOENT, "No such file", "absent.csv"),
        OSError(errno.ENOSPC, "No space left on device"),
        ConnectionError("No cluster answers."),
    ],
    ids=repr,
)
def test_an_error_a_user_can_act_on_is_a_sentence(error):
    result = run_command_that_raises(error)
    assert result.exit_code == 1 and result.output == f"Error: {error}\n"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("shapes do not match"),
        RuntimeError("graph"),
        OSError(errno.EBADF, "Bad file descriptor"),
        ModuleNotFoundError("No module named 'digitvision.nonesuch'", name="digitvision.nonesuch"),
    ],
    ids=repr,
)
def test_a_bug_keeps_its_traceback(error):
    assert run_command_that_raises(error).exception is error


@pytest.mark.parametrize(
    ("version", "package", "words"),
    [
        ((3, 13), "tensorflow", 'pip install -e ".[train]"'),
        ((3, 14), "tensorflow", "use Python 3.11, 3.12 or 3.13"),
        ((3, 14), "ray", 'pip install -e ".[scale]"'),
    ],
)
def test_a_missing_package_is_named_with_its_cure(monkeypatch, version, package, words):
    monkeypatch.setattr("sys.version_info", version)
    result = run_command_that_raises(ModuleNotFoundError(name=package))
    assert result.exit_code == 1 and words in result.output
