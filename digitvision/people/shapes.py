"""Shapes, and digits as some people write them, as strokes in the unit square (y downward)."""

import numpy as np


def ring(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    "Return 24 points (x, y) of a circle; the last is the first again."
    angles = np.linspace(0, 2 * np.pi, 24)
    return [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles]


def paths(text: str) -> list[list[tuple[float, float]]]:
    """Parse strokes, separated by slashes, of points of two characters each: x and y.

    A character is a number of tenths, 0 to 9 or X (ten); spaces are ignored. Raises ValueError."""
    strokes = []
    for stroke in text.split("/"):
        tenths = ["0123456789X".index(character) / 10 for character in stroke.replace(" ", "")]
        strokes.append(list(zip(tenths[::2], tenths[1::2], strict=True)))
    return strokes


SHAPES = {
    "house": paths("04 50 X4 / 14 1X 9X 94 / 4X 47 67 6X"),
    "smiley": [ring(0.5, 0.5, 0.5), *paths("33 34 / 63 64 / 36 48 68 76")],
    "star": paths("50 8X 04 X4 2X 50"),
    "heart": paths("5X 03 10 30 53 70 90 X3 5X"),
    "arrow": paths("05 X5 / 72 X5 78"),
    "grid": paths("30 3X / 70 7X / 03 X3 / 07 X7"),
    "letter": paths("00 X0 X7 07 00 / 00 54 X0"),
    "triangle": paths("0X 50 XX 0X"),
    "square": paths("00 X0 XX 0X 00"),
    "person": [ring(0.5, 0.15, 0.15), *paths("53 57 / 24 84 / 2X 57 8X")],
    "tick": paths("06 3X X0"),
    "cross": paths("00 XX / 0X X0"),
    "tree": paths("5X 56 / 06 50 X6 06"),
    "flash": paths("60 15 55 3X"),
    "fish": [ring(0.35, 0.5, 0.35), *paths("75 X2 X8 75 / 24 25")],
}
_PETALS = [ring(0.5 + x, 0.25 + y, 0.13) for x, y in ((0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2))]
SHAPES["flower"] = _PETALS + paths("56 5X")

FORMS = {  # digit → its forms; corners are rounded when they are drawn
    "0": [[[(0.5 + 0.35 * x, y) for x, y in ring(0, 0.5, 0.5)], *paths("90 1X")]],
    "1": [paths(form) for form in ("24 50 5X / 2X 8X", "25 60 6X", "05 60 6X")],
    "2": [paths("12 30 60 83 1X 9X")],
    "3": [paths("10 80 44 74 87 79 4X 19")],
    "4": [paths("20 16 86 / 63 6X"), paths("70 7X / 70 06 X6")],
    "5": [paths("X0 40 24 64 86 78 5X 1X"), paths("30 24 64 86 78 5X 1X / 30 X0")],
    "6": [paths("70 34 17 3X 6X 87 65 36")],
    "7": [paths("10 90 4X / 35 75"), paths("02 10 90 4X / 25 85")]
    + [paths(form) for form in ("11 70 4X", "22 80 4X", "23 21 80 3X")],
    "9": [paths("71 41 22 24 45 73 71 6X"), paths("83 64 34 23 31 60 82 77 5X 2X")],
}
