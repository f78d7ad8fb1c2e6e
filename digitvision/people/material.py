"""The images that a reader is trained on, besides MNIST: redrawn, photographed and rendered."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from digitvision.data import Mnist, Split
from digitvision.drawings import DrawingsError, read_drawings, split_by_writer
from digitvision.people.nondigits import nondigits, printed_digits
from digitvision.people.synth import degrade_many
from digitvision.robustness import STYLES, redrawn, render

NOT_A_DIGIT = -1  # the label of pictures that are not a digit


def photographed(
    split: Split,
    count: int,  # of digits to choose
    seed: int = 42,
) -> Split:  # uint8 (n, 28, 28) and labels, n ≤ count
    "Turn random digits of a split into bad photos, preprocessed; those found blank are left out."
    chosen = np.random.default_rng(seed).permutation(len(split.labels))[:count]
    images, positions = degrade_many(split.images[chosen], seed)
    return Split(np.rint(images * 255).astype(np.uint8), split.labels[chosen][positions])


def non_digits(count: int, digits: Split, seed: int) -> Split:  # uint8 (count, 28, 28) and labels
    "Render pictures, labeled NOT_A_DIGIT (int8); some are made of several digits of a split."
    images = nondigits(count, digits.images, seed).images
    return Split(images, np.full(count, NOT_A_DIGIT, np.int8))


def render_parts(
    recipe: Any,  # its redrawn, photos, printed and nondigits are numbers of images
    mnist: Mnist,
    seed: int = 42,
) -> dict[str, Split]:  # by those names, as for `join`
    "Render the images that a recipe adds to MNIST, 5 to 25 ms each, from its training digits."
    printed = printed_digits(recipe.printed, seed)
    return {
        "redrawn": redrawn(mnist.train, recipe.redrawn),
        "photos": photographed(mnist.train, recipe.photos, seed),
        "printed": Split(printed.images, printed.names.astype(np.int8)),
        "nondigits": non_digits(recipe.nondigits, mnist.train, seed),
    }


def pen_digits_in_all_styles(
    path: str | Path,  # a file for `read_drawings`, with writers
) -> Split:  # uint8 (n, 28, 28), each drawing once in every style
    """Render the pen digits of the choosing half of the writers in all STYLES.

    They choose recipes and thresholds; the other half is for reporting (`writer_half`). Slashed
    zeros are left out. Raises DrawingsError for damaged drawings, or one without a writer."""
    halves = split_by_writer(read_drawings(path))
    digits = [digit for digit in halves["choosing"] if not digit.get("slashed")]
    if not digits:
        raise DrawingsError(f"{path}: no writer belongs to the half for choosing: add writers.")
    labels = np.array([int(digit["label"]) for digit in digits], np.uint8)
    return join(Split(render(digits, style), labels) for style in STYLES.values())


def join(splits: Iterable[Split]) -> Split:  # uint8 (n, 28, 28) and int8 (n,)
    "Concatenate splits, at least one."
    images, labels = zip(*splits, strict=True)
    return Split(np.concatenate(images), np.concatenate(labels).astype(np.int8))
