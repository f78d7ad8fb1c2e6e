"""Readers of labeled drawings: strokes as JSON lines."""

import json
from pathlib import Path
from typing import Any

from digitvision.preprocess import check_strokes


def read_drawings(
    path: str | Path,  # JSON lines with label and strokes, perhaps slashed, kind, lookalike
) -> list[dict[str, Any]]:  # label: str, strokes: list of float arrays (points, 2), and the rest
    "Read labeled drawings. Raises ValueError, naming the line, if one is damaged or there is none."
    drawings = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        try:
            drawing = json.loads(line)
            strokes = check_strokes(drawing["strokes"])
            if not sum(map(len, strokes)):
                raise ValueError("nothing is drawn.")
            drawings.append(drawing | {"label": str(drawing["label"]), "strokes": strokes})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number} is no drawing: {error}") from None
    if not drawings:
        raise ValueError(f"There are no drawings in {path}.")
    return drawings
