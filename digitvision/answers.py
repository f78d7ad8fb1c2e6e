"""What a network answers to labeled images: digits, confidence, correct or not; look at them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from digitvision.checkpoint import Checkpoint
from digitvision.data import Split, show_digits


class Answers(NamedTuple):
    "Labeled images and what a network predicts for them."

    split: Split
    probabilities: np.ndarray  # float32 (n, 10)
    scores: np.ndarray  # float32 (n,) in [0, 1]: digit scores, or confidences without them

    @property
    def digits(self) -> np.ndarray:  # int (n,)
        "Return the most probable digit of each image."
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:  # float32 (n,)
        "Return the probability of the most probable digit of each image."
        return self.probabilities.max(axis=1)

    @property
    def correct(self) -> np.ndarray:  # bool (n,)
        "Return True where the digit is the label; a blank image is never correct."
        return (self.digits == self.split.labels) & self.split.images.any(axis=(1, 2))


def predict(checkpoint: Checkpoint, split: Split) -> Answers:
    "Run a network on labeled images, uint8 (n, 28, 28) preprocessed as MNIST is; n > 0."
    return Answers(split, *checkpoint.predict(split.images))


def show_answers(
    answers: Answers,
    indices: Sequence[int] | np.ndarray,  # of the images to show
    columns: int = 10,
) -> None:
    "Show images in a grid, each with its label, the predicted digit and its confidence."
    titles = [
        f"{answers.split.labels[i]} → {answers.digits[i]}, {answers.confidence[i]:.0%}"
        for i in indices
    ]
    show_digits(answers.split.images[list(indices)], titles, columns, 1.05)


def confused(answers: Answers, label: int, digit: int) -> np.ndarray:  # int (k,)
    "Return the indices of the images of a label read as a digit, the most confident first."
    order = np.argsort(-answers.confidence, kind="stable")
    return order[(answers.split.labels[order] == label) & (answers.digits[order] == digit)]


def explore(
    answers: Answers,
    most: int = 40,  # images shown of a cell
):  # an ipywidgets.interactive: two menus and the images
    "Return a widget that shows the images of a cell of the confusion matrix."
    from ipywidgets import interactive  # only notebooks need it

    def show(label, digit):
        indices = confused(answers, label, digit)
        print(f"Images of label {label} read as {digit}: {len(indices)}.")
        if len(indices):
            show_answers(answers, indices[:most])

    return interactive(show, label=range(10), digit=range(10))


def rounded(value: float) -> float | None:
    "Round a number to five decimal places; return None for nan, which JSON cannot represent."
    return None if np.isnan(value) else round(float(value), 5)


def per_digit(answers: Answers) -> list[dict[str, float | None]]:
    """Return "digit", "images" (number), "precision", "recall" of each digit; None if undefined."""
    precision, recall, _, images = precision_recall_fscore_support(
        answers.split.labels, answers.digits, labels=range(10), zero_division=np.nan
    )
    return [
        {"digit": d, "images": int(n), "precision": rounded(p), "recall": rounded(r)}
        for d, (n, p, r) in enumerate(zip(images, precision, recall, strict=True))
    ]
