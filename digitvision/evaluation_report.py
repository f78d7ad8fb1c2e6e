"""The whole evaluation of a network as plain numbers: docs/evaluation.json is made of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from digitvision.accuracy import accuracy_summary, group_summary
from digitvision.checkpoint import Checkpoint, load_checkpoint
from digitvision.data import Mnist, Split, load_mnist
from digitvision.drawings import (
    HALVES,
    DrawingsError,
    read_drawings,
    read_pictures,
    writer_half,
)
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
    threshold_at_tpr,
)
from digitvision.robustness import (
    CORRUPTIONS,
    STYLES,
    Style,
    frame,
    other_digits,
    render,
    scribbles,
)

SHARES = (1, 0.99, 0.98, 0.95, 0.9)  # of the images answered, the most confident first


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


def pen_report(
    by_style: Mapping[str, Answers],  # from `pen_answers`
    writers: np.ndarray | None = None,  # str (n,): who wrote each drawing without a slashed zero
    threshold: float = 0.0,  # of the digit score
) -> dict[str, Any]:
    """Summarize `pen_answers`: the "mean" and "worst" accuracy, and the mean "ece", over styles.

    "ways" has the `accuracy_summary` of each style. Slashed zeros count in none of these:
    "slashed_zeros" has their summary, or None if there are none. If `writers` are given, "all",
    "choosing" and "reporting" have a summary of all writers and of each half (`writer_half`), and
    "by_writer" for each the "half", the number of "drawings" and the mean share "correct"."""
    answers = {name: each for name, each in by_style.items() if name != "slashed zeros"}
    styles = {name: accuracy_summary(each) for name, each in answers.items()}
    accuracies = [each.correct.mean() for each in answers.values()]
    slashed = by_style.get("slashed zeros")
    report = {
        "mean": float(np.mean(accuracies)),
        "worst": float(min(accuracies)),
        "ece": float(np.mean([calibration_error(each) for each in answers.values()])),
        "ways": styles,
        "slashed_zeros": accuracy_summary(slashed) if slashed else None,
    }
    if writers is None:
        return report
    half = np.array([writer_half(writer) for writer in writers])
    groups = {"all": half != ""} | {name: half == name for name in HALVES}
    for name, rows in groups.items():
        if rows.any():
            report[name] = group_summary(list(answers.values()), writers, rows, threshold)
    correct = np.mean([each.correct for each in answers.values()], axis=0)
    _, index = np.unique(writers, return_inverse=True)
    drawings, right = np.bincount(index), np.bincount(index, correct)
    shares = [rounded(share) for share in right / drawings]
    halves = [writer_half(writer) for writer in np.unique(writers)]
    by_writer = {"half": halves, "drawings": drawings.tolist(), "correct": shares}
    return report | {"by_writer": by_writer}


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
    """Return for each corruption "unit", "strengths", "images" and two lists of accuracies.

    "straight" is measured without preprocessing, "framed" with it, both on the first `count`
    images."""
    curves, report = measure_robustness([checkpoint], split, count), {}
    for name, corruption in CORRUPTIONS.items():
        report[name] = {"unit": corruption.unit, "strengths": list(corruption.strengths)}
        report[name]["images"] = min(count, len(split.labels))
        for path, curve in curves[name][checkpoint.name].items():
            report[name][path] = [rounded(accuracy) for accuracy in curve]
    return report


def upside_down(checkpoint: Checkpoint, split: Split) -> dict[str, Any]:
    "Return the `accuracy_summary` of reading a 6 turned by 180 degrees as a 9, and a 9 as a 6."
    found = {}
    for label, other in ((6, 9), (9, 6)):
        turned = split.images[split.labels == label][:, ::-1, ::-1]
        images = np.stack([frame(Image.fromarray(image)) for image in turned])
        answers = predict(checkpoint, Split(images, np.full(len(images), other)))
        found[f"{label} as {other}"] = accuracy_summary(answers)
    return found


def _nondigits(
    drawings: list[dict[str, Any]],  # letters and symbols, from `read_drawings`
    digits: np.ndarray,  # uint8 (n, 28, 28)
    count: int,
) -> dict[str, np.ndarray]:  # uint8 (n, 28, 28) each
    """Return pictures that are not one digit, by kind.

    The kinds are "scribbles" and "two digits" side by side (`count` each) and, if there are
    drawings, "letters and symbols" and "lookalikes"."""
    pairs = np.concatenate([digits[:-1], digits[1:]], axis=2)[:count]
    kinds = {"scribbles": scribbles(count)}
    kinds["two digits"] = np.stack([frame(Image.fromarray(pair)) for pair in pairs])
    for name, lookalike in {"letters and symbols": False, "lookalikes": True}.items():
        if some := [d for d in drawings if bool(d.get("lookalike")) == lookalike]:
            kinds[name] = render(some, Style())
    return kinds


def threshold_report(
    checkpoint: Checkpoint,
    scores: np.ndarray,  # float (n,) of pen digits
    writers: np.ndarray,  # str (n,): who wrote each
    letters: list[dict[str, Any]],  # letters and symbols, with writers
    test: Split,
) -> dict[str, Any]:
    """Choose a threshold on one half of the writers, and measure it on the other.

    Returns the "threshold" that 98.5% of the choosing half's digits pass, the number of the
    reporting half's "digits", the share "digits_accepted" of them, and for each kind the number of
    "images" and the share "refused"; letters and symbols are those of the reporting half."""
    half = np.array([writer_half(writer) for writer in writers])
    threshold = threshold_at_tpr(scores[half == HALVES[0]])
    theirs = [d for d in letters if writer_half(str(d.get("writer", ""))) == HALVES[1]]
    kinds = {}
    for name, images in _nondigits(theirs, test.images, 500).items():
        refused = checkpoint.predict(images)[1] < threshold
        kinds[name] = {"images": len(images), "refused": rounded(refused.mean())}
    reported = scores[half == HALVES[1]]
    return {
        "threshold": rounded(threshold),
        "digits": len(reported),
        "digits_accepted": rounded((reported >= threshold).mean()),
        "kinds": kinds,
    }


def confidence_report(
    checkpoint: Checkpoint,
    digits: np.ndarray,  # float (n,), confidences of real digits
    others: Mapping[str, np.ndarray],  # kind → uint8 (n, 28, 28), none of them a digit
) -> dict[str, dict[str, float | None]]:
    """Measure what the confidence would do in place of the digit score.

    Returns for each kind the "auroc" and the share "refused_if_985_pass": with the threshold that
    98.5% of the digits pass."""
    threshold, kinds = threshold_at_tpr(digits), {}
    for kind, images in others.items():
        confidence = checkpoint.predict(images)[0].max(axis=1)
        is_digit = np.arange(len(digits) + len(confidence)) < len(digits)
        kinds[kind] = {
            "auroc": rounded(roc_auc_score(is_digit, np.concatenate([digits, confidence]))),
            "refused_if_985_pass": rounded((confidence < threshold).mean()),
        }
    return kinds


def _names(drawings: list[dict[str, Any]]) -> np.ndarray | None:  # str (n,)
    "Return the writers of the drawings without a slashed zero, or None if one is not named."
    names = [drawing.get("writer") for drawing in drawings if not drawing.get("slashed")]
    return np.array(names, str) if names and all(names) else None


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
    "not_digits" (`ood_metrics` against pen digits, or else test digits; "by_confidence"; with named
    writers also "chosen_on_half"), "upside_down" and "robustness".
    Raises ModelError, DrawingsError or MnistError for a network or data that cannot be used."""
    one = checkpoint if isinstance(checkpoint, Checkpoint) else load_checkpoint(checkpoint)
    test = (mnist or load_mnist()).test
    answers, writers = predict(one, test), None
    found = {"checkpoint": one.name, "sha256": one.card.get("sha256")}
    found["test"] = digits_report(answers)
    found["load_digits"] = digits_report(predict(one, other_digits()))
    if strokes:
        drawings = read_drawings(strokes)
        by_style, writers = pen_answers(one, drawings), _names(drawings)
        answers = next(iter(by_style.values()))  # the threshold is about people's pen digits
        found["strokes"] = pen_report(by_style, writers, one.card.get("digit_threshold", 0.0))
    if images:
        found["images"] = picture_report(one, images)
    letters = read_drawings(nondigits) if nondigits else []
    kinds = _nondigits(letters, test.images, count)
    found["not_digits"] = ood_metrics(one, answers.scores, kinds)
    found["not_digits"]["by_confidence"] = confidence_report(one, answers.confidence, kinds)
    if writers is not None and {writer_half(writer) for writer in writers} == {*HALVES}:
        half = threshold_report(one, answers.scores, writers, letters, test)
        found["not_digits"]["chosen_on_half"] = half
    found["upside_down"] = upside_down(one, test)
    found["robustness"] = robustness_report(one, test, count)
    return found
