"""Pictures to measure a network on, besides MNIST, preprocessed as the network sees them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits

from digitvision.data import Split
from digitvision.drawings import read_drawings
from digitvision.preprocess import BlankImageError, Strokes, check_strokes, rasterize, to_image


def frame(
    picture: Image.Image,  # of any mode and size
) -> np.ndarray:  # uint8 (28, 28)
    "Preprocess a picture as the network sees it; a blank one becomes zeros. Raises ImageError."
    try:
        return to_image(picture)
    except BlankImageError:
        return np.zeros((28, 28), np.uint8)


def frame_all(pictures: Iterable[Image.Image]) -> np.ndarray:  # uint8 (n, 28, 28)
    "Preprocess pictures, at least one, with `frame`."
    return np.stack([frame(picture) for picture in pictures])


def other_digits() -> Split:  # uint8 (1797, 28, 28), 0 to 255, and labels
    "Return scikit-learn's 8×8 digits, enlarged to 280×280 with a margin and preprocessed."
    small = load_digits()
    levels = np.pad(small.images * (255 / 16), [(0, 0), (2, 2), (2, 2)]).astype(np.uint8)
    pictures = (Image.fromarray(image).resize((280, 280)) for image in levels)
    return Split(frame_all(pictures), small.target.astype(np.uint8))


class Style(NamedTuple):
    "How strokes are drawn on the canvas of 280×280 pixels."

    size: float = 0.7  # longer side of the drawing, as a share of the canvas
    shift: float = 0  # largest distance from the center in x and in y, pixels
    brush: float = 18  # diameter, pixels
    black_on_white: bool = False


STYLES = {
    "70% of the canvas": Style(),
    "40%, shifted": Style(0.4, 70),
    "25%, shifted": Style(0.25, 90, 12),
    "black on white": Style(black_on_white=True),
    "brush 5": Style(brush=5),
    "brush 36": Style(brush=36),
}


def draw(
    strokes: Strokes,  # of any size and position; at least one point
    style: Style,
    rng: np.random.Generator,  # chooses the shift
) -> Image.Image:  # mode "L", 280×280
    "Draw strokes on a canvas in a style. Raises ValueError as `check_strokes` does."
    arrays = [stroke for stroke in check_strokes(strokes) if len(stroke)]
    points = np.concatenate(arrays)
    low, high = points.min(axis=0), points.max(axis=0)
    size = style.size * 280 / max((high - low).max(), 1e-9)
    center = 140 + rng.uniform(-style.shift, style.shift, 2)
    drawn = rasterize([(s - (low + high) / 2) * size + center for s in arrays], brush=style.brush)
    return drawn.point(lambda level: 255 - level) if style.black_on_white else drawn


def render(
    drawings: list[dict[str, Any]],  # from `read_drawings`
    style: Style,
) -> np.ndarray:  # uint8 (n, 28, 28)
    "Draw drawings in a style and preprocess them; the same drawings give the same images."
    rng = np.random.default_rng(0)
    return frame_all(draw(drawing["strokes"], style, rng) for drawing in drawings)


def pen_digits(
    path: str | Path,  # JSON lines: label, strokes in [0, 1], longer side 1; optional slashed
) -> Split:  # uint8 (n, 28, 28), as the network sees them
    """Return pen digits drawn with the longer side at half the canvas, without slashed zeros.

    MNIST has no slashed zeros. Raises DrawingsError as `read_drawings` does."""
    digits = [digit for digit in read_drawings(path) if not digit.get("slashed")]
    pictures = (rasterize([stroke * 140 + 70 for stroke in d["strokes"]]) for d in digits)
    return Split(frame_all(pictures), np.array([int(d["label"]) for d in digits], np.uint8))


def redraw(
    image: np.ndarray,  # uint8 (28, 28), white ink on black
    rng: np.random.Generator,
) -> Image.Image:  # mode "L", 280×280, white ink on black
    "Return a digit on a canvas, moved, scaled, rotated, and dilated or eroded at random."
    scale = rng.uniform(3, 9)  # pixels of the canvas for a pixel of the image
    large = Image.fromarray(image).resize([round(28 * scale)] * 2)
    turned = np.asarray(large.rotate(rng.uniform(-15, 15), Image.Resampling.BICUBIC))
    widen = round(rng.uniform(-0.4, 1) * scale / 2)  # on each side of a line
    filter_ = ndimage.maximum_filter if widen > 0 else ndimage.minimum_filter
    drawn = Image.fromarray(filter_(turned, size=1 + 2 * abs(widen)))
    canvas = Image.new("L", (280, 280))
    canvas.paste(drawn, tuple(rng.integers(0, 281 - drawn.width, size=2).tolist()))
    return canvas


def redrawn(
    split: Split,  # uint8 (n, 28, 28) and labels
    count: int = 2_000,  # digits to redraw, at most n
) -> Split:  # uint8 (count, 28, 28), as the network sees them
    "Redraw random digits of a split and preprocess them; a split gives the same images each time."
    rng = np.random.default_rng(2_000)
    chosen = rng.permutation(len(split.labels))[:count]
    images = frame_all(redraw(image, rng) for image in split.images[chosen])
    return Split(images, split.labels[chosen].astype(np.uint8))


def scribbles(count: int = 500, seed: int = 0) -> np.ndarray:  # uint8 (count, 28, 28)
    "Draw scribbles of one to four randomly wandering lines, for evaluation; preprocess them."
    rng = np.random.default_rng(seed)

    def line() -> np.ndarray:
        turns = rng.normal(rng.normal(0, 0.1), 0.45, rng.integers(40, 140))
        heading = rng.uniform(0, 2 * np.pi) + turns.cumsum()
        steps = np.stack([np.cos(heading), np.sin(heading)], axis=1)
        return steps.cumsum(axis=0) + rng.uniform(-8, 8, 2)

    drawings = ([line() for _ in range(rng.integers(1, 5))] for _ in range(count))
    return frame_all(draw(lines, Style(rng.uniform(0.3, 0.8)), rng) for lines in drawings)
