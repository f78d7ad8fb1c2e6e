"""Pen digits that choose recipes and thresholds are those of one half of the writers."""

import json

import pytest
from support.digits import DIGITS

from digitvision.digit_sets import STYLES
from digitvision.people.material import pen_digits_in_all_styles


def test_only_the_half_for_choosing_is_read_and_slashed_zeros_are_left_out(tmp_path):
    lines = [  # bob is for choosing, anna for reporting
        {"label": "4", "writer": "bob", "strokes": DIGITS[4]},
        {"label": "0", "writer": "bob", "strokes": DIGITS[0], "slashed": True},
        {"label": "7", "writer": "anna", "strokes": DIGITS[7]},
    ]
    path = tmp_path / "pen.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert pen_digits_in_all_styles(path).labels.tolist() == [4] * len(STYLES)
    path.write_text(json.dumps(lines[2]), encoding="utf-8")
    with pytest.raises(ValueError, match="no writer belongs to the half for choosing"):
        pen_digits_in_all_styles(path)
