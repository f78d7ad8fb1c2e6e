"""Files of strokes and folders of pictures: errors name the place."""

import json

import numpy as np
import pytest
from support.digits import DIGITS

from digitvision.drawings import find_pictures, read_drawings
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
