"""Figures of notebook 40: time against accuracy, seconds for each recipe, and how folding works."""

from collections.abc import Iterable
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from digitvision.records import Row
from digitvision.scale.speed_runs import summary_of

TARGET = 99.27  # % on the test split: what was once reported for the baseline
LABELS = {  # position of a label beside its point: points right, points up, alignment
    "baseline": (0, -42, "center"),
    "ten steps a call": (8, 28, "left"),
    "batch 256, larger steps": (-8, 26, "right"),
    "one cycle": (0, -42, "center"),
    "folded and strided": (-8, -16, "right"),
    "batch norm": (12, 22, "left"),
    "Muon": (8, -24, "left"),
    "smooth labels": (12, 8, "left"),
    "two thirds of the filters": (-8, -26, "right"),
    "shifted by a pixel": (-8, 30, "right"),
    "batch 512": (-22, 14, "right"),
}


def plot_recipes(rows: list[Row], names: Iterable[str]) -> None:
    """Plot test accuracy (%) by seconds of training as a path through the named recipes.

    A point is a mean over seeds; its bars are the standard deviation of the seconds and the 95%
    interval of the mean accuracy."""
    names = list(names)
    seconds = [summary_of(rows, name, "seconds") for name in names]
    test = [summary_of(rows, name, "test_accuracy") for name in names]
    points = [(s.mean, 100 * t.mean) for s, t in zip(seconds, test, strict=True)]
    _, axis = plt.subplots(figsize=(9, 4.8))
    axis.axhline(TARGET, color="C5", ls="--", lw=1)
    axis.text(125, TARGET + 0.008, f"target {TARGET}%", ha="right", color="C5", fontsize=8)
    for start, end in pairwise(points):
        line = {"arrowstyle": "-|>", "color": "C5", "alpha": 0.6, "shrinkA": 4, "shrinkB": 4}
        axis.annotate("", end, start, arrowprops=line)
    for name, point, s, t in zip(names, points, seconds, test, strict=True):
        color = "C5" if name == "baseline" else "C0"
        axis.errorbar(*point, 50 * (t.high - t.low), s.sd, fmt="o", color=color, elinewidth=0.8)
        right, up, side = LABELS.get(name, (8, 8, "left"))
        axis.annotate(
            f"{name}\n{s.mean:.1f} s", point, (right, up), textcoords="offset points", ha=side,
            va="center", fontsize=8, linespacing=0.95, zorder=3,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
        )  # fmt: skip
    axis.set(xscale="log", xlim=(1.8, 135), xlabel="training, seconds (logarithmic axis)")
    axis.set_xticks([3, 5, 10, 20, 50, 100], ["3", "5", "10", "20", "50", "100"])
    axis.set_xticks([], minor=True)
    axis.set(ylabel="test accuracy, %", title="From 101 seconds to 4, and above the target")
    plt.show()


def plot_seconds(rows: list[Row], names: Iterable[str]) -> None:
    "Plot the seconds of training of each recipe: a bar for the mean, a dot for each seed."
    names = list(names)
    _, axis = plt.subplots(figsize=(7, 0.6 + 0.3 * len(names)))
    for row, name in enumerate(names):
        seconds = [r["seconds"] for r in rows if r["rung"] == name]
        color = "C5" if name == "baseline" else "C0"
        axis.barh(row, np.mean(seconds), color=color, alpha=0.5)
        axis.plot(seconds, [row] * len(seconds), "o", color=color, ms=3)
        axis.text(max(seconds) + 2, row, f"{np.mean(seconds):.1f} s", va="center", fontsize=8)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set(xlim=(0, 140), xlabel="training, seconds", title="Seconds of training, five seeds")
    plt.show()


def plot_fold(side: int = 8) -> None:
    "Plot how folding turns 2×2 pixels into four channels, and how a kernel with stride 2 moves."
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(8.5, 2.9))
    half = side // 2
    for row, column in np.ndindex(side, side):
        channel = 2 * (row % 2) + column % 2
        _square(left, column, row, f"C{channel}")
    for channel in (3, 2, 1, 0):
        for row, column in np.ndindex(half, half):
            _square(middle, column + 0.7 * channel, row + 0.7 * channel, f"C{channel}", alpha=1)
    for row, column in np.ndindex(7, 7):
        kernel = row in (1, 3, 5) and column in (1, 3, 5)
        _square(right, column, row, "C1" if kernel else "C5", alpha=0.8 if kernel else 0.15)
    for shift, style in ((0, "-"), (2, "--")):
        options = {"fill": False, "edgecolor": "C0", "lw": 2, "ls": style}
        right.add_patch(Rectangle((shift, 0), 3, 3, **options))
    left.set_title(f"{side}×{side} pixels, one channel")
    middle.set_title(f"folded: {half}×{half} places, four channels")
    right.set_title("stride 2: every other place (blue)")
    for axis, size in ((left, side), (middle, half + 2.1), (right, 7)):
        axis.set(xlim=(-0.1, size + 0.1), ylim=(size + 0.1, -0.1), aspect="equal")
        axis.axis("off")
    plt.show()


def _square(axis: plt.Axes, x: float, y: float, color: str, alpha: float = 0.7) -> None:
    "Draw a square of side 1 with a white edge; (x, y) is its upper left corner."
    axis.add_patch(Rectangle((x, y), 1, 1, facecolor=color, edgecolor="white", alpha=alpha))
