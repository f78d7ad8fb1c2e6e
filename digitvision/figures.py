"""Figures that several notebooks draw: images in a grid, and the curves of a training run."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image


def show_digits(
    images: np.ndarray,  # (n, height, width), any range
    titles: Sequence | np.ndarray | None = None,  # n short texts or numbers; None: no titles
    columns: int = 10,  # images in a row
    size: float = 0.85,  # inches per image
    row_labels: Sequence[str] | None = None,  # one text for each row; None: no labels
    top: float | None = None,  # value that is drawn brightest; None: the maximum of each image
) -> None:
    """Plot images in a grid: 0 is black, `top` is white.

    If any value is negative, 0 is white, positive values are red and negative ones blue, on one
    scale for all images."""
    rows = -(-len(images) // columns)
    height = rows * size * (1.3 if titles is not None else 1)
    signed = min(image.min() for image in images) < 0
    if signed and top is None:
        top = max(np.abs(image).max() for image in images)
    _, axes = plt.subplots(
        rows, columns, figsize=(columns * size, height), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        limit = max(image.max() if top is None else top, 1e-9)
        colors = {"cmap": "RdBu_r", "vmin": -limit} if signed else {"cmap": "gray", "vmin": 0}
        axis.imshow(image, vmax=limit, **colors)
        if titles is not None:
            axis.set_title(titles[i], fontsize=9, loc="center")
    for row, label in enumerate(row_labels or []):
        axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    plt.show()


def show_rows(
    rows: Mapping[str, Sequence[Image.Image | np.ndarray]],  # label of the row → its pictures
    titles: Mapping[str, Sequence[str]] | None = None,  # label of a row → titles of its pictures
    size: float = 1.1,  # inches per picture
) -> None:
    "Plot rows of pictures, each row with its label; floats are in [0, 1], whole numbers to 255."
    columns, titles = max(map(len, rows.values())), titles or {}
    shape = (columns * size + 1.2, len(rows) * size * (1.25 if titles else 1.05))
    _, axes = plt.subplots(len(rows), columns, figsize=shape, squeeze=False)
    for line, (label, pictures) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
        for axis, picture in zip(line, pictures, strict=False):
            pixels = np.asarray(picture)
            axis.imshow(pixels, cmap="gray", vmin=0, vmax=1 if pixels.dtype.kind in "fb" else 255)
        for axis, text in zip(line, titles.get(label, ()), strict=False):
            axis.set_title(text, fontsize=8, loc="center")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(visible=True, color="0.85", linewidth=0.5)
    plt.show()


def plot_history(
    history: list[dict[str, float]],  # see `train.History`
    title: str = "",  # of the figure
) -> None:
    "Plot loss and accuracy per epoch on train and validation; a dashed line marks the best epoch."
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    figure.suptitle(title, fontsize=10)
    epochs = [epoch["epoch"] for epoch in history]
    best = epochs[int(np.argmin([epoch["validation_loss"] for epoch in history]))]
    for axis, name, unit in zip(axes, ("loss", "accuracy"), (1, 100), strict=True):
        for label, key in {"train": name, "validation": f"validation_{name}"}.items():
            values = [unit * epoch[key] for epoch in history]
            axis.plot(epochs, values, "o-", label=label)
        axis.axvline(best, color="gray", ls="--", lw=1)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set(xlabel="epoch", ylabel=name if unit == 1 else f"{name} (%)")
        axis.legend()
    plt.show()
