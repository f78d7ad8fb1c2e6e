"""The whole evaluation of a network as plain numbers: docs/evaluation.json is made of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from digitvision.checkpoint import Checkpoint, load_checkpoint
from digitvision.data import Mnist, Split, load_mnist
from digitvision.drawings import DrawingsError, read_drawings, read_pictures
from digitvision.evaluate import (
    BINS,
    Answers,
    calibration,
    calibration_error,
    confusion,
    measure_robustness,
    ood_metrics,
    per_digit,
    predict,
    risk_coverage,
    rounded,
)
from digitvision.robustness import CORRUPTIONS, STYLES, Style, other_digits, render, scribbles
from digitvision.train import accuracy_interval

SHARES = (1, 0.99, 0.98, 0.95, 0.9)  # of the images answered, the most confident first


def accuracy_summary(answers: Answers) -> dict[str, Any]:
    """Return "images" and "correct" (counts), "accuracy", "interval_95" and "ece".

    "interval_95" is [low, high] (Wilson); "ece" is the `calibration_error`. Shares are 0 to 1."""
    total, correct = len(answers.digits), int(answers.correct.sum())
    return {
        "images": total,
        "correct": correct,
        "accuracy": rounded(correct / total),
        "interval_95": [rounded(bound) for bound in accuracy_interval(correct, total)],
        "ece": rounded(calibration_error(answers)),
    }


def digits_report(answers: Answers) -> dict[str, Any]:
    """Return the `accuracy_summary`, "per_digit", "confusion" (a row for each label) and two lists.

    "answered" has for each "share" of the most confident images their "accuracy" and lowest
    "confidence"; "calibration" has for each bin "images", "confidence" and "accuracy"."""
    _, accuracy, limits = risk_coverage(answers)
    last = [max(0, round(share * len(limits)) - 1) for share in SHARES]
    bins = calibration(answers)
    return accuracy_summary(answers) | {
        "per_digit": per_digit(answers),
        "confusion": confusion(answers).tolist(),
        "answered": [
            {"share": share, "accuracy": rounded(accuracy[i]), "confidence": rounded(limits[i])}
            for share, i in zip(SHARES, last, strict=True)
        ],
        "calibration": [
            {name: rounded(values[i]) for name, values in bins.items()} for i in range(BINS)
        ],
    }


def pen_answers(
    checkpoint: Checkpoint,
    drawings: list[dict[str, Any]],  # from `read_drawings`
) -> dict[str, Answers]:  # by style; slashed zeros only in "slashed zeros"
    "Predict pen digits in all styles. Raises DrawingsError for a label that is not a digit."
    if bad := {d["label"] for d in drawings} - set("0123456789"):
        raise DrawingsError(f"These labels are not digits: {', '.join(sorted(bad))}.")

    def answers(some: list[dict[str, Any]], style: Style) -> Answers:
        labels = np.array([int(drawing["label"]) for drawing in some])
        return predict(checkpoint, Split(render(some, style), labels))

    plain = [drawing for drawing in drawings if not drawing.get("slashed")]
    slashed = [drawing for drawing in drawings if drawing.get("slashed")]
    found = {name: answers(plain, style) for name, style in STYLES.items()} if plain else {}
    return found | ({"slashed zeros": answers(slashed, Style())} if slashed else {})


def pen_report(by_style: Mapping[str, Answers]) -> dict[str, Any]:
    """Summarize `pen_answers`: the "mean" and "worst" accuracy, and the mean "ece", over styles.

    "ways" has the `accuracy_summary` of each style. Slashed zeros count in none of these:
    "slashed_zeros" has their summary, or None if there are none."""
    styles = {name: accuracy_summary(answers) for name, answers in by_style.items()}
    slashed = styles.pop("slashed zeros", None)
    accuracies = [style["accuracy"] for style in styles.values()]
    return {
        "mean": rounded(np.mean(accuracies)),
        "worst": min(accuracies),
        "ece": rounded(np.mean([style["ece"] for style in styles.values()])),
        "ways": styles,
        "slashed_zeros": slashed,
    }


def picture_report(
    checkpoint: Checkpoint,
    folder: str | Path,  # as for `find_pictures`
) -> dict[str, Any]:
    """Return the `accuracy_summary` of all pictures, and of each source under "sources".

    A source is a path of folders (`find_pictures`). "macro_average" is the mean accuracy over
    sources; "unreadable" has the paths of damaged or blank pictures, which count as mistakes.
    Raises DrawingsError for no pictures, or one without label."""
    split, paths, sources = read_pictures(folder)
    answers, by_source = predict(checkpoint, split), {}
    for source in np.unique(sources):
        rows = sources == source
        part = Split(split.images[rows], split.labels[rows])
        of_source = Answers(part, answers.probabilities[rows], answers.scores[rows])
        by_source[str(source)] = accuracy_summary(of_source)
    return accuracy_summary(answers) | {
        "macro_average": rounded(np.mean([each["accuracy"] for each in by_source.values()])),
        "sources": by_source,
        "unreadable": [str(p) for p, i in zip(paths, split.images, strict=True) if not i.any()],
    }


def robustness_report(checkpoint: Checkpoint, split: Split, count: int = 500) -> dict[str, Any]:
    """Return for each corruption "unit", "strengths" and the accuracies, "straight" and "framed".

    They are measured on the first `count` images, without and with preprocessing."""
    curves, report = measure_robustness([checkpoint], split, count), {}
    for name, corruption in CORRUPTIONS.items():
        report[name] = {"unit": corruption.unit, "strengths": list(corruption.strengths)}
        for path, curve in curves[name][checkpoint.name].items():
            report[name][path] = [rounded(accuracy) for accuracy in curve]
    return report


def _nondigits(path: str | Path | None, count: int) -> dict[str, np.ndarray]:
    """Return pictures that are not digits by kind, uint8 (n, 28, 28).

    The kinds are "scribbles" (`count`) and, in the file, "letters and symbols" and "lookalikes"."""
    kinds = {"scribbles": scribbles(count)}
    drawings = read_drawings(path) if path else []
    for name, lookalike in {"letters and symbols": False, "lookalikes": True}.items():
        if some := [d for d in drawings if bool(d.get("lookalike")) == lookalike]:
            kinds[name] = render(some, Style())
    return kinds


def evaluation(
    checkpoint: str | Path | Checkpoint,  # or what `load_checkpoint` takes
    mnist: Mnist | None = None,  # default: `load_mnist()`
    strokes: str | Path | None = None,  # pen digits, a file for `read_drawings`
    images: str | Path | None = None,  # a folder of pictures for `read_pictures`
    nondigits: str | Path | None = None,  # letters and symbols, a file for `read_drawings`
    count: int = 500,  # test images to corrupt, and scribbles
) -> dict[str, Any]:  # plain JSON types
    """Evaluate a network on every set.

    Returns "checkpoint" (its name), "sha256" (None without a card), "test" and "load_digits"
    (`digits_report`), if given "strokes" (`pen_report`) and "images" (`picture_report`),
    "not_digits" (`ood_metrics` against pen digits, or else test digits) and "robustness".
    Raises ModelError, DrawingsError or MnistError for a network or data that cannot be used."""
    one = checkpoint if isinstance(checkpoint, Checkpoint) else load_checkpoint(checkpoint)
    test = (mnist or load_mnist()).test
    answers = predict(one, test)
    found = {"checkpoint": one.name, "sha256": one.card.get("sha256")}
    found["test"] = digits_report(answers)
    found["load_digits"] = digits_report(predict(one, other_digits()))
    if strokes:
        by_style = pen_answers(one, read_drawings(strokes))
        answers = next(iter(by_style.values()))  # the threshold is about people's pen digits
        found["strokes"] = pen_report(by_style)
    if images:
        found["images"] = picture_report(one, images)
    found["not_digits"] = ood_metrics(one, answers.scores, _nondigits(nondigits, count))
    found["robustness"] = robustness_report(one, test, count)
    return found
