"""Drawings saved as JSON: strokes and the size of the brush."""

import json

from digitvision.preprocess import Strokes, check_strokes

Point = tuple[float, float]  # x and y in pixels of the drawing, y downwards


def to_points(strokes: Strokes) -> list[list[Point]]:
    "Copy strokes to lists of points. Raises ValueError as `check_strokes` does."
    return [[(x, y) for x, y in stroke.tolist()] for stroke in check_strokes(strokes)]


def write_drawing(strokes: list[list[Point]], brush: float) -> str:
    "Return a drawing as JSON; the brush is its diameter in pixels of the drawing."
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
