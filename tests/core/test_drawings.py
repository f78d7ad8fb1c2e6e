"""Files of strokes and folders of pictures: errors name the place."""

import json

import numpy as np
import pytest
from support.digits import DIGITS

from digitvision.drawings import find_pictures, read_drawings, split_by_writer, writer_half
from digitvision.robustness import Style, draw

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "line",
    ["{", "[1]", "é", '{"label": 1}', '{"label": 1, "strokes": []}', '{"strokes": [[[0, 0]]]}'],
)
def test_the_error_for_damaged_strokes_names_the_line(line, tmp_path):
    good = json.dumps({"label": 1, "strokes": DIGITS[1]})
    (tmp_path / "pen.jsonl").write_bytes(f"{good}\n{line}\n".encode("latin-1"))
    with pytest.raises(ValueError, match="line 2 is not a drawing"):
        read_drawings(tmp_path / "pen.jsonl")


def test_pictures_need_labels(tmp_path):
    with pytest.raises(ValueError, match="no pictures"):
        find_pictures(tmp_path)
    draw(DIGITS[4], Style(), RNG).save(tmp_path / "four.png")
    with pytest.raises(ValueError, match="has no label"):
        find_pictures(tmp_path)


def test_a_writer_is_always_in_the_same_half_and_drawings_follow():
    assert [writer_half(name) for name in ("anna", "bob")] == ["reporting", "choosing"]
    drawings = [{"writer": name, "label": str(i)} for i, name in enumerate(("anna", "bob", "anna"))]
    halves = split_by_writer(drawings)
    assert [[d["label"] for d in half] for half in halves.values()] == [["1"], ["0", "2"]]


def test_drawings_without_a_writer_cannot_be_divided():
    with pytest.raises(ValueError, match="names no writer"):
        split_by_writer([{"label": "1"}])
