"""The strokes of a drawing: check, rasterize, measure and cut them; write and read them as JSON."""

import json
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .pictures import BlankImageError

MAX_POINTS = 100_000  # of one drawing; ten minutes of writing make fewer
Strokes = Sequence[Sequence[Sequence[float]]]  # strokes of points (x, y), y downwards
Point = tuple[float, float]  # x and y in pixels of the drawing, y downwards
MAX_STROKES = 100  # of a drawing that can be taken apart or replayed
THINNED_POINTS = 1000  # of a drawing that is thinned out


def check_strokes(strokes: Strokes) -> list[np.ndarray]:  # float64 (points, 2) for each stroke
    """Convert strokes to arrays.

    Raises ValueError if they are not lists of finite points (x, y), or over MAX_POINTS of them."""
    try:
        count = sum(len(stroke) for stroke in strokes)
        few = strokes if count <= MAX_POINTS else []
        arrays = [np.array(stroke, float).reshape(len(stroke), 2) for stroke in few]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("Strokes must be lists of points (x, y), each two numbers.") from error
    if count > MAX_POINTS:
        raise ValueError(f"The drawing has more than {MAX_POINTS:,} points.")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("The strokes contain a coordinate that is not a finite number.")
    return arrays


def rasterize(
    strokes: Strokes,  # in pixels of the canvas, (0, 0) is its upper left corner
    size: int = 280,  # side of the canvas, pixels
    brush: float = 18,  # diameter of the round brush, pixels
) -> Image.Image:  # mode "L", size × size, white ink on black
    """Draw strokes with round ends; a stroke of one point is a dot.

    Raises ValueError as `check_strokes`, for a brush ≤ 0, or a size outside 1 to 4096."""
    if not 0 < brush < float("inf") or not 0 < size <= 4096:
        raise ValueError(f"brush ({brush}) must be above 0, and size ({size}) from 1 to 4096.")
    scale = 4
    large = Image.new("L", (size * scale, size * scale))
    draw = ImageDraw.Draw(large)
    radius = brush * scale / 2
    for stroke in check_strokes(strokes):
        # A canvas counts from a pixel's corner, Pillow from its middle. Clip points far outside.
        points = np.clip(stroke * scale - 0.5, -1e5, 1e5)
        if len(points) > 1:
            draw.line(points.flatten().tolist(), fill=255, width=round(2 * radius))
        for point in points:
            draw.circle(point.tolist(), radius - 0.5, fill=255)
    return large.reduce(scale)


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
    "Return strokes (points, 2) with every n-th and the last point: about THINNED_POINTS at most."
    step = -(-sum(map(len, strokes)) // THINNED_POINTS)
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
