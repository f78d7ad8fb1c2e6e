"""Change a drawing and ask again: without a piece of it, and after each of its points."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from .inference import Prediction, Recognizer, prepare
from .preprocess import BlankImageError, Strokes, check_strokes, rasterize
from .strokes import check_drawing, cut_stroke, stroke_length, thin_out


def predict_probabilities(recognizer: Recognizer, inputs: np.ndarray) -> np.ndarray:  # (n, 10)
    "Return the probabilities for inputs (n, 28, 28), computed in batches of 64 to save memory."
    parts = (inputs[start : start + 64] for start in range(0, len(inputs), 64))
    return np.array([p.probabilities for part in parts for p in recognizer.predict_inputs(part)])


def _frames(drawings: Iterable, brush: float, preprocess: str) -> list[tuple[int, np.ndarray]]:
    "Return index and input (28, 28) of each drawing that has ink on the canvas."
    frames = []
    for index, drawing in enumerate(drawings):
        with suppress(BlankImageError):
            picture = rasterize(thin_out(drawing), brush=brush)
            frames.append((index, prepare(picture, preprocess)))
    return frames


class Counterfactual(NamedTuple):
    "A drawing without one piece, which the network reads as another digit."

    strokes: list[np.ndarray]  # float (points, 2) each, what is left
    removed: np.ndarray  # float (points, 2), the removed piece of a stroke
    share: float  # removed length / length of the drawing, 0 to 0.5
    before: Prediction  # of the whole drawing
    after: Prediction  # of what is left


def _without(strokes: list[np.ndarray]) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
    "Yield what is left and the removed piece: a stroke, or 1 to 7 eighths of it from either end."
    for i in sorted(range(len(strokes)), key=lambda i: -stroke_length(strokes[i]))[:8]:
        before, stroke, after = strokes[:i], strokes[i], strokes[i + 1 :]
        if len(strokes) > 1:
            yield [*before, *after], stroke
        for cut in np.arange(1, 8) / 8 if stroke_length(stroke) > 0 else ():
            first, last = cut_stroke(stroke, 0, cut), cut_stroke(stroke, cut, 1)
            yield [*before, last, *after], first
            yield [*before, first, *after], last


def counterfactual(
    strokes: Strokes,  # in pixels of a canvas of 280 × 280
    brush: float = 18,  # diameter of the brush, pixels
    recognizer: Recognizer | None = None,  # default: the shipped model
) -> Counterfactual | None:  # None: no such piece changes the digit
    """Find the shortest piece, at most half of the drawing, whose removal changes the digit.

    The new digit has a confidence of at least 50%. Pieces are whole strokes, or eighths of one.
    Raises ValueError for invalid strokes or a single point, BlankImageError if nothing is drawn."""
    recognizer, drawn = recognizer or Recognizer.shared(), check_drawing(strokes)
    whole = sum(map(stroke_length, drawn)) or 1.0
    tried = [one for one in _without(drawn) if stroke_length(one[1]) <= whole / 2]
    tried.sort(key=lambda one: stroke_length(one[1]))
    before = recognizer.predict(rasterize(thin_out(drawn), brush=brush))
    frames = _frames((rest for rest, _ in tried), brush, "mnist")
    answers = recognizer.predict_inputs([seen for _, seen in frames])
    for (at, _), after in zip(frames, answers, strict=True):
        if after.digit != before.digit and after.confidence >= 0.5:
            rest, removed = tried[at]
            return Counterfactual(rest, removed, stroke_length(removed) / whole, before, after)
    return None


class Timeline(NamedTuple):
    "The probabilities after more and more points of a drawing."

    points: np.ndarray  # int (moments,), number of points drawn so far, increasing
    probabilities: np.ndarray  # float32 (moments, 10), in the order of `points`


def first_points(strokes: Strokes, count: int) -> list[np.ndarray]:
    "Return the strokes of a drawing after its first `count` points, float (points, 2) each."
    left, kept = count, []
    for stroke in check_strokes(strokes):
        kept.append(stroke[: max(left, 0)])
        left -= len(stroke)
    return [stroke for stroke in kept if len(stroke)]


def timeline(
    strokes: Strokes,  # in pixels of a canvas of 280 × 280
    brush: float = 18,  # diameter of the brush, pixels
    preprocess: str = "mnist",  # or "resize"
    moments: int = 40,  # highest number of moments, evenly spaced in points
    recognizer: Recognizer | None = None,  # default: the shipped model
) -> Timeline:
    """Compute the probabilities while a drawing grows, from the first point to the last.

    Moments without ink on the canvas are left out.
    Raises ValueError for invalid strokes or a single point, BlankImageError if nothing is drawn."""
    drawn = check_drawing(strokes)
    total = sum(map(len, drawn))
    points = np.unique(np.linspace(1, total, max(2, min(moments, total))).round().astype(int))
    frames = _frames((first_points(drawn, n) for n in points), brush, preprocess)
    if not frames:
        raise BlankImageError("There is nothing drawn inside the canvas.")
    at, inputs = zip(*frames, strict=True)
    rows = predict_probabilities(recognizer or Recognizer.shared(), np.stack(inputs))
    return Timeline(points[list(at)], rows)
