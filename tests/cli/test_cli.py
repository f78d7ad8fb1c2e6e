"""The command line, as a user types it."""

import json
import subprocess
import sys

import pytest

from digitvision.inference import CHECKPOINTS
from digitvision.preprocess import rasterize

SEVEN = [[(60, 60), (200, 60), (110, 220)]]


def digitvision(*arguments, answers: str = "", cwd=None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "digitvision.cli", *map(str, arguments)]
    return subprocess.run(
        command,
        input=answers,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        timeout=300,
    )


def test_help_reads_well():
    run = digitvision("--help")
    assert run.returncode == 0 and not run.stderr
    commands = run.stdout.split("Commands:")[1].split("\n")
    assert [line.split()[0] for line in commands if line.strip()] == [
        "data",
        "predict",
        "train",
        "experiments",
        "evaluate",
        "reader",
        "speed",
        "app",
    ]


def test_predict_shows_a_table_and_json(tmp_path):
    path = tmp_path / "seven.png"
    rasterize(SEVEN).save(path)
    run = digitvision("predict", path)
    assert run.returncode == 0
    assert run.stdout.splitlines()[1].split()[:2] == [str(path), "7"]
    (result,) = json.loads(digitvision("predict", "--json", path).stdout)
    assert result["digit"] == 7 and len(result["probabilities"]) == 10


def test_predict_names_each_file_it_cannot_read_and_reads_the_others(tmp_path):
    rasterize(SEVEN).save(tmp_path / "seven.png")
    rasterize([]).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("not a picture")
    run = digitvision("predict", "seven.png", "blank.png", "text.png", "absent.png", cwd=tmp_path)
    rows = {line.split()[0]: line for line in run.stdout.splitlines()}
    assert run.returncode == 1
    assert rows["seven.png"].split()[1] == "7"
    assert "nothing drawn" in rows["blank.png"]
    assert "not a picture" in rows["text.png"]
    assert "no file" in rows["absent.png"]


def test_an_unknown_model_is_a_sentence_not_a_traceback():
    run = digitvision("predict", "--model", "nonesuch", "x.png")
    assert run.returncode == 1
    assert "There is no model 'nonesuch'; there is baseline, digitvision" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.fixture
def trial():
    "A name for a model of this test, which is removed afterwards."
    yield "trial_of_a_test"
    for path in CHECKPOINTS.glob("trial_of_a_test.*"):
        path.unlink()


def test_train_asks_refuses_nonsense_with_the_reason_and_shows_the_curve(tmp_path, trial):
    # learning rate 5, batch "many" and augmentation "wild" are refused
    answers = "5\n0.01\nmany\n64\n0.5\n2\n3\nn\nwild\nmild\n"
    run = digitvision(
        "train", "--name", trial, "--images", 1000, "--seed", 1, answers=answers, cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    asked = run.stdout + run.stderr
    assert "size of a step of the optimiser (Adam) [0.001]" in asked
    assert "learning_rate must be from 1e-06 to 1." in asked
    assert "batch_size must be from 1 to 10000, a whole number." in asked
    assert "best, kept" in run.stdout and "95% interval" in run.stdout
    card = json.loads((CHECKPOINTS / f"{trial}.json").read_text())
    assert card["hyperparameters"]["learning_rate"] == 0.01 and card["epochs"] == 2
    assert card["hyperparameters"]["augmentation"] == "mild"
    rasterize(SEVEN).save(tmp_path / "seven.png")
    assert digitvision("predict", "--model", trial, tmp_path / "seven.png").returncode == 0

    again = digitvision("train", "--name", trial, "--yes", cwd=tmp_path)
    assert again.returncode == 1 and "There is a model" in again.stderr


def test_flags_skip_the_questions_and_are_checked_too(tmp_path):
    run = digitvision("train", "--name", "never", "--yes", "--dropout", 2, cwd=tmp_path)
    assert run.returncode == 1
    assert "it must be from 0 to 0.9" in run.stderr
    assert not list(CHECKPOINTS.glob("never.*"))
