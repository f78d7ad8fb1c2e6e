"""The images that a reader is trained on, besides MNIST: redrawn, photographed and rendered."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from digitvision.data import Mnist, Split
from digitvision.drawings import read_drawings
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
    path: str | Path,  # a file for `read_drawings`
) -> Split:  # uint8 (n, 28, 28), each drawing once in every style
    "Render pen digits in all STYLES, without slashed zeros. Raises DrawingsError if damaged."
    digits = [digit for digit in read_drawings(path) if not digit.get("slashed")]
    labels = np.array([int(digit["label"]) for digit in digits], np.uint8)
    return join(Split(render(digits, style), labels) for style in STYLES.values())


def join(splits: Iterable[Split]) -> Split:  # uint8 (n, 28, 28) and int8 (n,)
    "Concatenate splits, at least one."
    images, labels = zip(*splits, strict=True)
    return Split(np.concatenate(images), np.concatenate(labels).astype(np.int8))
