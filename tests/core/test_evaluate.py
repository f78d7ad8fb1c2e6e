"""Evaluation measures what it says, for any checkpoint, and refuses what it cannot measure."""

import json
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score
from support.digits import DIGITS

from digitvision.checkpoint import Checkpoint, load_checkpoint
from digitvision.cli import main
from digitvision.data import Mnist, Split, load_mnist
from digitvision.drawings import read_drawings
from digitvision.evaluate import (
    Answers,
    calibration,
    calibration_error,
    confusion,
    explore,
    highest_loss_errors,
    label_error_candidates,
    ood_metrics,
    per_digit,
    predict,
    show_answers,
)
from digitvision.evaluation_report import evaluation, pen_answers, pen_report, picture_report
from digitvision.robustness import CORRUPTIONS, Style, corrupt, draw, scribbles

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def mnist() -> Mnist:
    "MNIST with 300 test images."
    whole = load_mnist()
    return whole._replace(test=Split(*(array[:300] for array in whole.test)))


@pytest.fixture(scope="module")
def baseline() -> Checkpoint:
    return load_checkpoint("baseline")


def answers_of(digits, confidence, labels) -> Answers:
    "Return made-up answers: each digit with its confidence, the other nine share the rest."
    confidence = np.array(confidence, np.float32)
    probabilities = np.repeat((1 - confidence)[:, None] / 9, 10, axis=1)
    probabilities[np.arange(len(digits)), digits] = confidence
    split = Split(np.ones((len(digits), 28, 28), np.uint8), np.array(labels))
    return Answers(split, probabilities, confidence)


def write(path: Path, drawings: list[dict]) -> Path:
    path.write_text("".join(json.dumps(d) + "\n" for d in drawings), encoding="utf-8")
    return path


def test_confusion_precision_and_recall():
    answers = answers_of([1, 1, 1, 7], [0.9] * 4, [1, 1, 7, 7])
    counts = confusion(answers)
    assert (counts[1, 1], counts[7, 1], counts[7, 7], counts.sum()) == (2, 1, 1, 4)
    rows = per_digit(answers)
    assert rows[1] == {"digit": 1, "images": 2, "precision": 0.66667, "recall": 1.0}
    assert rows[7] == {"digit": 7, "images": 2, "precision": 1.0, "recall": 0.5}
    assert rows[0] == {"digit": 0, "images": 0, "precision": None, "recall": None}


def test_an_empty_frame_is_never_right():
    answers = answers_of([1, 1], [0.9, 0.9], [1, 1])
    answers.split.images[0] = 0
    assert answers.correct.tolist() == [False, True]


def test_calibration_by_hand():
    answers = answers_of([1, 1, 1, 2], [0.95, 0.95, 0.7, 1.0], [1, 2, 1, 2])
    bins = calibration(answers)
    assert bins["images"][[10, 14]].tolist() == [1, 3] and bins["images"].sum() == 4
    assert bins["accuracy"][14] == pytest.approx(2 / 3)
    expected = (1 * abs(0.7 - 1) + 3 * abs((0.95 + 0.95 + 1) / 3 - 2 / 3)) / 4
    assert calibration_error(answers) == pytest.approx(expected, abs=1e-6)


def test_label_error_candidates_have_a_neighbor_that_agrees(mnist):
    images, labels = mnist.train.images[:400], mnist.train.labels[:400]
    wrong = labels.copy()
    wrong[3] = (labels[3] + 1) % 10  # a slip of the typist
    wrong[5] = (labels[5] + 1) % 10
    probabilities = np.eye(10, dtype=np.float32)[labels] * 0.9 + 0.01
    probabilities[5] = 0.02
    probabilities[5, (labels[5] + 5) % 10] = 0.82  # less sure, and nobody near agrees
    answers = Answers(Split(images, wrong), probabilities, probabilities.max(axis=1))
    train = Split(images, labels)
    assert [s["index"] for s in label_error_candidates(answers, train, neighbors=1)] == [3]
    assert highest_loss_errors(answers).tolist() == [3, 5]


def test_a_gallery_shows_labels_and_predictions(monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    show_answers(answers_of([1, 7], [0.9, 0.8], [1, 2]), [1])
    (axis,) = (axis for axis in plt.gcf().axes if axis.get_title())
    assert axis.get_title() == "2 → 7, 80%"
    plt.close()


def test_explore_shows_the_images_of_a_cell(monkeypatch, capsys):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    menus = explore(answers_of([1, 1, 7], [0.9] * 3, [1, 7, 7]))
    label, digit, _ = menus.children
    label.value, digit.value = 7, 1
    menus.update()
    assert "Images of label 7 read as 1: 1." in capsys.readouterr().out
    assert "7 → 1, 90%" in [axis.get_title() for axis in plt.gcf().axes]
    plt.close()
    digit.value = 0
    menus.update()
    assert "Images of label 7 read as 0: 0." in capsys.readouterr().out


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_repeatable_and_harms_more_when_stronger(name, mnist, baseline):
    part = Split(*(array[:100] for array in mnist.test))
    strengths = CORRUPTIONS[name].strengths
    first, again = (corrupt(part, name, strengths[-1], seed=3) for _ in range(2))
    np.testing.assert_array_equal(first["framed"].images, again["framed"].images)
    straight = [
        predict(baseline, corrupt(part, name, s)["straight"]).correct.mean() for s in strengths
    ]
    assert max(straight) >= 0.98 and straight[-1] < max(straight)


def test_pen_digits_in_six_styles_slashed_zeros_apart(tmp_path, baseline):
    drawings = [{"label": str(d), "strokes": strokes} for d, strokes in DIGITS.items()]
    drawings.append({"label": 0, "slashed": True, "strokes": [*DIGITS[0], [(200, 50), (80, 220)]]})
    by_style = pen_answers(baseline, read_drawings(write(tmp_path / "pen.jsonl", drawings)))
    assert [len(answers.digits) for answers in by_style.values()] == [10] * 6 + [1]
    found = pen_report(by_style)
    accuracies = [style["accuracy"] for style in found["ways"].values()]
    assert found["mean"] == pytest.approx(np.mean(accuracies), abs=1e-5)
    assert found["worst"] == min(accuracies) >= 0.9
    assert found["slashed_zeros"]["images"] == 1


@pytest.mark.parametrize("size", [0.7, 0.25])
def test_a_drawing_is_as_large_as_its_style(size):
    box = draw(DIGITS[4], Style(size, brush=2), RNG).getbbox()
    assert max(box[2] - box[0], box[3] - box[1]) == pytest.approx(280 * size + 2, abs=2)
    assert (box[0] + box[2]) / 2 == pytest.approx(140, abs=1)
    assert draw([[(3, 3)]], Style(), RNG).getbbox()  # a dot


def test_strokes_of_letters_are_refused(baseline):
    with pytest.raises(ValueError, match="not digits: A"):
        pen_answers(baseline, [{"label": "A", "strokes": [np.zeros((1, 2))]}])


def test_pictures_are_averaged_over_sources_and_unreadable_ones_are_wrong(tmp_path, baseline):
    def save(name, digit):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        draw(DIGITS[digit], Style(black_on_white=True), RNG).save(tmp_path / name)

    for i in range(3):
        save(f"anna/4/{i}.png", 4)
    save("ben/7-ok.png", 7)
    (tmp_path / "ben/8.jpg").write_text("not a picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    found = picture_report(baseline, tmp_path)
    assert {name: s["accuracy"] for name, s in found["sources"].items()} == {"anna": 1, "ben": 0.5}
    assert (found["accuracy"], found["macro_average"]) == (0.8, 0.75)
    assert found["unreadable"] == [str(tmp_path / "ben/8.jpg")]


def test_the_second_output_is_the_digit_score(tmp_path):
    image = keras.Input((28, 28, 1))
    flat = keras.layers.Flatten()(image)
    ten = keras.layers.Dense(10, activation="softmax")(flat)
    score = keras.ops.mean(flat, axis=1, keepdims=True)  # the lighter, the more it is a digit
    keras.Model(image, [ten, score]).save(tmp_path / "scored.keras")
    (tmp_path / "scored.json").write_text('{"digit_threshold": 0.3}')
    checkpoint = load_checkpoint(tmp_path / "scored.keras")
    assert checkpoint.has_score
    levels = np.array([20, 60, 100], np.uint8)
    images = np.repeat(levels, 784).reshape(3, 28, 28)
    digits = np.array([0.1, 0.35, 0.9])
    found = ood_metrics(checkpoint, digits, {"flat": images})
    assert found["score"] == "digit_score" and found["threshold"] == 0.3
    assert found["digits_accepted"] == pytest.approx(2 / 3, abs=1e-5)
    assert found["threshold_if_985_pass"] == 0.1  # the lowest digit passes too
    row = found["kinds"]["flat"]
    assert row["refused_if_985_pass"] == pytest.approx(1 / 3, abs=1e-5)
    assert row["refused"] == pytest.approx(2 / 3, abs=1e-5)
    assert row["auroc"] == pytest.approx(
        roc_auc_score([1, 1, 1, 0, 0, 0], [*digits, *(levels / 255)]), abs=1e-5
    )


def test_scribbles_are_the_same_every_time_and_have_ink():
    np.testing.assert_array_equal(scribbles(4), scribbles(4))
    assert scribbles(4).any(axis=(1, 2)).all() and (scribbles(4) != scribbles(4, seed=1)).any()


def test_everything_is_plain_json(tmp_path, mnist):
    pen = write(tmp_path / "pen.jsonl", [{"label": "4", "strokes": DIGITS[4]}])
    letters = [{"label": "A", "strokes": DIGITS[4], "lookalike": same} for same in (True, False)]
    other = write(tmp_path / "letters.jsonl", letters)
    (tmp_path / "4").mkdir()
    draw(DIGITS[4], Style(), RNG).save(tmp_path / "4" / "four.png")
    found = evaluation("baseline", mnist, pen, tmp_path, other, count=10)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["test"]["images"] == 300 and found["load_digits"]["images"] == 1797
    assert found["images"]["macro_average"] == 1
    assert list(found["not_digits"]["kinds"]) == ["scribbles", "letters and symbols", "lookalikes"]
    for name, corruption in CORRUPTIONS.items():
        assert len(found["robustness"][name]["framed"]) == len(corruption.strengths)


def test_the_command_prints_a_table(tmp_path, mnist, monkeypatch):
    few = mnist._replace(test=Split(*(array[:60] for array in mnist.test)))  # for speed
    monkeypatch.setattr("digitvision.evaluation_report.load_mnist", lambda: few)
    monkeypatch.setattr("digitvision.evaluation_report.scribbles", lambda count: scribbles(20))
    (tmp_path / "anna").mkdir()
    draw(DIGITS[4], Style(), RNG).save(tmp_path / "anna" / "4.png")
    (tmp_path / "anna" / "5.png").write_bytes((tmp_path / "anna" / "4.png").read_bytes()[:300])
    pen = write(tmp_path / "pen.jsonl", [{"label": "4", "strokes": DIGITS[4]}])
    run = CliRunner().invoke(
        main, ["evaluate", "baseline", "--images", str(tmp_path), "--strokes", str(pen)]
    )
    assert run.exit_code == 0, run.output
    (row,) = [line for line in run.output.splitlines() if line.startswith("MNIST test  ")]
    assert (
        f"{60:6}" in row
        and f"{predict(load_checkpoint('baseline'), few.test).correct.mean():.2%}" in row
    )
    assert "        –" in run.output  # the precision of a digit that none of the 60 is read as
    assert "mean over sources 50.00%" in run.output and "cannot be read" in run.output
    for words in ("pictures, anna", "pen, brush 5", "precision", "AUROC", "occlusion"):
        assert words in run.output


def test_the_command_names_a_missing_model_or_file(tmp_path):
    run = CliRunner().invoke(main, ["evaluate", "nonesuch"])
    assert run.exit_code == 1 and "There is no model 'nonesuch'; there is baseline" in run.output
    missing = CliRunner().invoke(main, ["evaluate", "baseline", "--strokes", str(tmp_path / "x")])
    assert missing.exit_code == 2
