"""Evaluation measures what it says, for any checkpoint, and refuses what it cannot measure."""

import json
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from click.testing import CliRunner
from support.digits import DIGITS

from digitvision.accuracy import format_accuracy, writer_interval
from digitvision.checkpoint import Checkpoint, load_checkpoint
from digitvision.cli import main
from digitvision.data import Mnist, Split, load_mnist
from digitvision.drawings import HALVES, read_drawings
from digitvision.evaluate import (
    Answers,
    calibration,
    calibration_error,
    explore,
    highest_loss_errors,
    label_error_candidates,
    ood_metrics,
    per_digit,
    predict,
)
from digitvision.evaluation_report import (
    evaluation,
    pen_answers,
    pen_report,
    picture_report,
    threshold_report,
)
from digitvision.robustness import CORRUPTIONS, Style, corrupt, draw

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


def test_precision_and_recall_are_none_without_images():
    rows = per_digit(answers_of([1, 1, 1, 7], [0.9] * 4, [1, 1, 7, 7]))
    assert rows[1] == {"digit": 1, "images": 2, "precision": 0.66667, "recall": 1.0}
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


def test_explore_shows_the_images_of_a_cell(monkeypatch, capsys):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    menus = explore(answers_of([1, 1, 7], [0.9] * 3, [1, 7, 7]))
    for digit, images in (1, 1), (0, 0):
        menus.children[0].value, menus.children[1].value = 7, digit
        menus.update()
        assert f"Images of label 7 read as {digit}: {images}." in capsys.readouterr().out
    assert "7 → 1, 90%" in [axis.get_title() for axis in plt.gcf().axes]
    plt.close()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_strongest_corruption_harms_most(name, mnist, baseline):
    part = Split(*(array[:100] for array in mnist.test))
    accuracies = [
        predict(baseline, corrupt(part, name, strength)["straight"]).correct.mean()
        for strength in CORRUPTIONS[name].strengths
    ]
    assert max(accuracies) >= 0.98 and accuracies[-1] < max(accuracies)


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


def test_pen_digits_of_named_writers_are_reported_by_half(tmp_path, baseline):
    drawings = [
        {"label": str(digit), "strokes": strokes, "writer": writer}
        for writer in ("anna", "bob", "carla")  # bob is for choosing
        for digit, strokes in DIGITS.items()
    ]
    pen = write(tmp_path / "pen.jsonl", drawings)
    by_style = pen_answers(baseline, read_drawings(pen))
    found = pen_report(by_style, np.array([drawing["writer"] for drawing in drawings]))
    sizes = {half: (found[half]["writers"], found[half]["drawings"]) for half in ("all", *HALVES)}
    assert sizes == {"all": (3, 30), "choosing": (1, 10), "reporting": (2, 20)}
    assert found["by_writer"]["half"] == ["reporting", "choosing", "reporting"]
    low, high = found["reporting"]["interval_95"]
    assert low <= found["reporting"]["mean"] <= high
    assert found["choosing"]["interval_95"] == [0, 1]  # one writer says nothing about others


def test_a_threshold_is_chosen_on_one_half_and_measured_on_the_other(baseline, mnist):
    scores = np.array([0.2, 0.9, 0.5, 0.1])
    writers = np.array(["bob", "bob", "anna", "anna"])  # bob is for choosing
    letters = [{"label": "A", "strokes": DIGITS[4], "writer": name} for name in ("anna", "bob")]
    found = threshold_report(baseline, scores, writers, letters, mnist.test)
    assert (found["threshold"], found["digits"], found["digits_accepted"]) == (0.2, 2, 0.5)
    assert found["kinds"]["letters and symbols"]["images"] == 1  # anna's


def test_an_interval_over_writers_is_wider_if_mistakes_cluster():
    writers = np.repeat(np.arange(20).astype(str), 10)
    spread, clustered = np.ones(200), np.ones(200)
    spread[::10], clustered[:20] = 0, 0  # 20 mistakes: one a writer, or all by two
    even, uneven = (writer_interval(shares, writers) for shares in (spread, clustered))
    assert even == [0.9, 0.9] and uneven[0] < 0.8 < 0.9 < uneven[1]


def test_intervals_are_computed_from_counts_and_rounded_once():
    assert format_accuracy(10_000, 0.9967) == "99.67% (99.54% to 99.76%)"


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
    for name in ("anna/4/1.png", "anna/4/2.png", "anna/4/3.png", "ben/4-ok.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        draw(DIGITS[4], Style(black_on_white=True), RNG).save(tmp_path / name)
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
    levels = np.array([20, 60, 100], np.uint8)
    images = np.repeat(levels, 784).reshape(3, 28, 28)
    digits = np.array([0.1, 0.35, 0.9])
    found = ood_metrics(load_checkpoint(tmp_path / "scored.keras"), digits, {"flat": images})
    assert found["score"] == "digit_score" and found["threshold"] == 0.3
    assert found["digits_accepted"] == 0.66667
    assert found["threshold_if_985_pass"] == 0.1  # the lowest digit passes too
    row = found["kinds"]["flat"]
    assert (row["refused"], row["refused_if_985_pass"]) == (0.66667, 0.33333)
    assert row["auroc"] == 0.66667  # of 9 pairs, the digit has the higher score in 6


def test_everything_is_plain_json_and_the_command_prints_it(tmp_path, mnist, monkeypatch):
    pen = write(tmp_path / "pen.jsonl", [{"label": "4", "strokes": DIGITS[4]}])
    letters = [{"label": "A", "strokes": DIGITS[4], "lookalike": same} for same in (True, False)]
    other = write(tmp_path / "letters.jsonl", letters)
    (tmp_path / "anna").mkdir()
    draw(DIGITS[4], Style(), RNG).save(tmp_path / "anna/4.png")
    (tmp_path / "anna/5.png").write_bytes((tmp_path / "anna/4.png").read_bytes()[:300])
    few = mnist._replace(test=Split(*(array[:60] for array in mnist.test)))  # for speed
    found = evaluation("baseline", few, pen, tmp_path, other, count=10)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["test"]["images"] == 60 and found["load_digits"]["images"] == 1797
    kinds = ["scribbles", "two digits", "letters and symbols", "lookalikes"]
    assert list(found["not_digits"]["kinds"]) == kinds == [*found["not_digits"]["by_confidence"]]
    assert "chosen_on_half" not in found["not_digits"]  # no drawing names its writer
    for name, corruption in CORRUPTIONS.items():
        assert len(found["robustness"][name]["framed"]) == len(corruption.strengths)
    given = {}
    monkeypatch.setattr(
        "digitvision.evaluation_report.evaluation",
        lambda _, **options: given.update(options) or found,
    )
    options = ["--strokes", str(pen), "--images", str(tmp_path), "--nondigits", str(other)]
    output = CliRunner().invoke(main, ["evaluate", "baseline", *options]).output
    assert given == {"strokes": pen, "images": tmp_path, "nondigits": other}
    (row,) = [line for line in output.splitlines() if line.startswith("MNIST test  ")]
    assert f"{60:6}" in row and f"{found['test']['accuracy']:.2%}" in row
    assert "        –" in output  # the precision of a digit that none of the 60 is read as
    assert "mean over sources 50.00%" in output and "cannot be read" in output
    for words in ("pictures, anna", "pen, brush 5", "precision", "AUROC", "occlusion"):
        assert words in output


def test_the_command_names_a_missing_model_or_file(tmp_path):
    run = CliRunner().invoke(main, ["evaluate", "nonesuch"])
    assert run.exit_code == 1 and "There is no model 'nonesuch'; there is baseline" in run.output
    missing = CliRunner().invoke(main, ["evaluate", "baseline", "--strokes", str(tmp_path / "x")])
    assert missing.exit_code == 2
