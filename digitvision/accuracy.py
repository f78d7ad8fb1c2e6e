"""Accuracies with their 95% intervals: over images, and over the people who made the drawings."""

from typing import Any

import numpy as np
from scipy.stats import bootstrap

from digitvision.evaluate import Answers, calibration_error, rounded
from digitvision.train import accuracy_interval


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


def format_accuracy(images: int, accuracy: float) -> str:
    """Format an accuracy and its 95% interval in percent, such as "99.67% (99.54% to 99.76%)".

    The interval is computed from the counts and rounded once: rounding a rounded bound can be
    off by one in the last place."""
    correct = round(accuracy * images)
    low, high = accuracy_interval(correct, images)
    return f"{correct / images:.2%} ({low:.2%} to {high:.2%})"


def writer_interval(
    shares: np.ndarray,  # float (n,) in [0, 1]: of the styles in which a drawing is read correctly
    writers: np.ndarray,  # str (n,): who wrote each drawing
) -> list[float]:  # [low, high]
    """Return the 95% interval of the mean share, by a bootstrap over writers.

    Drawings of one person are alike, so people are resampled (10,000 times), not drawings."""
    _, index = np.unique(writers, return_inverse=True)
    sums = np.bincount(index, shares), np.bincount(index)
    if len(sums[0]) < 2:
        return [0.0, 1.0]
    interval = bootstrap(
        sums,
        lambda correct, drawings, axis: correct.sum(axis) / drawings.sum(axis),
        paired=True,
        n_resamples=10_000,
        batch=1_000,
        method="percentile",
        rng=0,
    ).confidence_interval
    return [float(interval.low), float(interval.high)]


def group_summary(
    styles: list[Answers], writers: np.ndarray, rows: np.ndarray, threshold: float
) -> dict[str, Any]:
    """Summarize the drawings `rows` (bool) over styles.

    Returns "writers" and "drawings" (counts), "mean" accuracy, its "interval_95", the accuracy in
    the "worst" style and the share "accepted": with a score of `threshold` or more."""
    correct = np.array([answers.correct[rows] for answers in styles])
    scores = np.array([answers.scores[rows] for answers in styles])
    return {
        "writers": len(set(writers[rows])),
        "drawings": int(rows.sum()),
        "mean": float(correct.mean()),
        "interval_95": writer_interval(correct.mean(axis=0), writers[rows]),
        "worst": float(correct.mean(axis=1).min()),
        "accepted": float((scores >= threshold).mean()),
    }
