"""Check, measure, thin out and cut the strokes of a drawing; write and read them as JSON."""

import json

import numpy as np

from .preprocess import BlankImageError, Strokes, check_strokes

Point = tuple[float, float]  # x and y in pixels of the drawing, y downwards
MAX_STROKES = 100  # of a drawing that can be taken apart or replayed
MAX_POINTS = 1000  # of a drawing that is thinned out


def check_drawing(strokes: Strokes) -> list[np.ndarray]:  # float (points, 2) each
    """Check that a drawing can be taken apart or replayed; return its strokes that have points.

    Raises BlankImageError if there are none, ValueError if they are invalid (see `check_strokes`),
    more than MAX_STROKES, or a single point."""
    arrays = [stroke for stroke in check_strokes(strokes) if len(stroke)]
    if not arrays:
        raise BlankImageError("There is nothing drawn: no stroke has a point.")
    if sum(map(len, arrays)) == 1:
        raise ValueError("The drawing is a single point: there is nothing to take away or replay.")
    if len(arrays) > MAX_STROKES:
        raise ValueError(f"The drawing has more than {MAX_STROKES} strokes.")
    return [stroke.clip(-1e5, 1e5) for stroke in arrays]  # rasterize needs no larger numbers


def stroke_length(stroke: np.ndarray) -> float:
    "Return the length of a stroke (points, 2) in pixels."
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())


def thin_out(strokes: list[np.ndarray]) -> list[np.ndarray]:
    "Return strokes (points, 2) with every n-th and the last point: about MAX_POINTS at most."
    step = -(-sum(map(len, strokes)) // MAX_POINTS)
    return [np.concatenate([stroke[:-1:step], stroke[-1:]]) for stroke in strokes]


def cut_stroke(stroke: np.ndarray, start: float, end: float) -> np.ndarray:  # (points, 2)
    "Return the part of a stroke (points, 2), length above 0, between two shares (0 to 1) of it."
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    along /= along[-1]
    ends = np.array([[np.interp(s, along, axis) for axis in stroke.T] for s in (start, end)])
    inside = stroke[(along > start) & (along < end)]
    return np.concatenate([ends[:1], inside, ends[1:]])


def to_points(strokes: Strokes) -> list[list[Point]]:
    "Copy strokes to lists of points. Raises ValueError as `check_strokes` does."
    return [[(x, y) for x, y in stroke.tolist()] for stroke in check_strokes(strokes)]


def write_drawing(strokes: list[list[Point]], brush: float) -> str:
    "Return a drawing as JSON; `brush` is the diameter of the strokes in pixels of the drawing."
    return json.dumps({"brush": brush, "strokes": strokes})


def read_drawing(text: str | bytes) -> tuple[list[list[Point]], float]:  # strokes and brush
    "Read a drawing from the JSON of `write_drawing`. Raises ValueError if it does not hold one."
    try:
        drawing = json.loads(text)
        strokes, brush = drawing["strokes"], float(drawing["brush"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        form = '{"brush": 18, "strokes": [[[x, y], …], …]}'
        raise ValueError(f"This is not a drawing. A drawing looks like {form}.") from error
    return to_points(strokes), brush
