"""Readers of labeled data that people bring: pen strokes in JSON lines, pictures in folders."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from digitvision.data import Split
from digitvision.errors import DigitVisionError
from digitvision.pictures import read_image
from digitvision.preprocess import check_strokes, to_image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
HALVES = ("choosing", "reporting")  # of the writers, see `writer_half`


class DrawingsError(DigitVisionError, ValueError):
    "A file or folder of labeled drawings that cannot be used; the message says where."


def read_drawings(
    path: str | Path,  # UTF-8 JSON lines: label, strokes; optional writer, slashed, lookalike
) -> list[dict[str, Any]]:  # the objects; label is a str, strokes a list of float (points, 2)
    """Read labeled strokes.

    Raises DrawingsError if a line is damaged or there is none, OSError if there is no file."""
    drawings = []
    for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
        try:
            drawing = json.loads(line)
            strokes = check_strokes(drawing["strokes"])
            if not sum(map(len, strokes)):
                raise ValueError("it has no points.")
            drawings.append(drawing | {"label": str(drawing["label"]), "strokes": strokes})
        except (ValueError, KeyError, TypeError) as error:
            raise DrawingsError(f"{path}, line {number} is not a drawing: {error}") from None
    if not drawings:
        raise DrawingsError(f"{path} has no drawings: write one JSON object a line.")
    return drawings


def writer_half(writer: str) -> str:  # one of HALVES
    """Return the half of the writers to which a writer belongs.

    Recipes and thresholds are chosen on the drawings of one half, results reported on the other.
    The rule sees only the name: an even CRC-32 of its UTF-8 bytes is for choosing."""
    return HALVES[crc32(writer.encode()) % 2]


def split_by_writer(
    drawings: list[dict[str, Any]],  # from `read_drawings`
) -> dict[str, list[dict[str, Any]]]:  # by HALVES
    "Divide drawings by `writer_half`. Raises DrawingsError if one does not name its writer."
    halves: dict[str, list[dict[str, Any]]] = {half: [] for half in HALVES}
    for drawing in drawings:
        if not drawing.get("writer"):
            raise DrawingsError('A drawing names no writer: add "writer": "anna" to each line.')
        halves[writer_half(str(drawing["writer"]))].append(drawing)
    return halves


def find_pictures(
    folder: str | Path,  # of DIGIT/NAME.jpg or DIGIT-NAME.jpg, at any depth; types: SUFFIXES
) -> list[tuple[Path, int, str]]:  # path, label, source (other folders, a/b, or ".")
    "List labeled pictures, by path. Raises DrawingsError if there is none, or one has no label."
    found = []
    for path in sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in SUFFIXES):
        *folders, name = path.relative_to(folder).parts
        labels = [part for part in folders if re.fullmatch("[0-9]", part)]
        if not labels and not re.match("[0-9]", name):
            raise DrawingsError(
                f"{path} has no label: move it to a folder named 0 to 9, or start its name with "
                "the digit."
            )
        source = "/".join(part for part in folders if part not in labels)
        found.append((path, int(labels[-1] if labels else name[0]), source or "."))
    if not found:
        raise DrawingsError(f"There are no pictures in {folder} ({', '.join(SUFFIXES)}).")
    return found


def read_pictures(
    folder: str | Path,  # as for `find_pictures`
) -> tuple[Split, list[Path], np.ndarray]:  # uint8 (n, 28, 28), labels; paths; str (n,), sources
    """Read and preprocess the labeled pictures in a folder.

    A picture that is damaged or blank becomes an image of zeros. Raises DrawingsError as
    `find_pictures` does."""
    paths, labels, sources = zip(*find_pictures(folder), strict=True)
    images = np.zeros((len(paths), 28, 28), np.uint8)
    for i, path in enumerate(paths):
        with suppress(DigitVisionError):
            images[i] = to_image(read_image(path))
    return Split(images, np.array(labels)), list(paths), np.array(sources)
