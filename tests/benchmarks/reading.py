"""Accuracy on real drawings and photos: `python -m benchmarks.reading STROKES PHOTOS`.

STROKES is a file of labelled strokes, a JSON object a line (`label`, `strokes`, `slashed`).
PHOTOS is a folder of pictures with a `labels.csv` (`file`, `label`, `set`)."""

import csv
import sys
from pathlib import Path

import numpy as np

from digitvision.drawings import read_drawings
from digitvision.inference import BlankImageError, ImageError, Recognizer
from digitvision.robustness import STYLES, draw


def digits(pictures: list) -> np.ndarray:  # int (n,), -1 where no digit was found
    "Return the digit read in each picture."
    recognizer, found = Recognizer.shared(), []
    for picture in pictures:
        try:
            found.append(recognizer.predict(picture).digit)
        except (BlankImageError, ImageError):
            found.append(-1)
    return np.array(found)


def read_strokes(path: Path) -> dict[str, float]:
    "Return the accuracy on each style of drawing, and on slashed zeros (MNIST has none)."
    drawings = read_drawings(path)
    labels = np.array([int(drawing["label"]) for drawing in drawings])
    slashed = np.array([bool(drawing.get("slashed")) for drawing in drawings])
    accuracy, slashed_right = {}, []
    for name, style in STYLES.items():
        rng = np.random.default_rng(0)
        right = digits([draw(drawing["strokes"], style, rng) for drawing in drawings]) == labels
        accuracy[name] = right[~slashed].mean()
        slashed_right.append(right[slashed])
    accuracy["mean of the styles"] = np.mean(list(accuracy.values()))
    accuracy["slashed zeros"] = np.mean(slashed_right)
    return accuracy


def read_photos(folder: Path) -> dict[str, float]:
    "Return the accuracy on each set of photos, their mean, and the mean over all photos."
    rows = list(csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines()))
    labels = np.array([int(row["label"]) for row in rows])
    sets = np.array([row["set"] for row in rows])
    right = digits([folder / row["file"] for row in rows]) == labels
    accuracy = {name: right[sets == name].mean() for name in np.unique(sets)}
    macro = np.mean(list(accuracy.values()))
    return accuracy | {"mean of the sets": macro, "mean of the photos": right.mean()}


if __name__ == "__main__":
    print("| pictures | accuracy |\n|---|---|")
    for table in (read_strokes(Path(sys.argv[1])), read_photos(Path(sys.argv[2]))):
        for name, accuracy in table.items():
            print(f"| {name} | {accuracy:.2%} |")
