"""Strokes: what is a drawing, and the picture that is made of it."""

import pytest

from digitvision.strokes import MAX_POINTS, check_strokes, rasterize


def test_a_dot_is_as_large_as_the_brush_and_no_strokes_are_a_black_picture():
    assert rasterize([[(140, 140)]], brush=20).getbbox() == (130, 130, 150, 150)
    assert rasterize([]).getbbox() is None and rasterize([]).size == (280, 280)


@pytest.mark.parametrize("options", [{"brush": 0}, {"size": 0}, {"size": 5000}])
def test_a_brush_or_a_size_out_of_range_is_refused(options):
    with pytest.raises(ValueError, match="must be above 0"):
        rasterize([[(1, 1)]], **options)


def test_strokes_are_finite_points_and_not_too_many():
    for strokes, words in [
        ([[(1, float("nan"))]], "finite"),
        ([[(0, 0)] * (MAX_POINTS + 1)], "more than 100,000 points"),
        ([[(1, 2, 3)]], "lists of points"),
    ]:
        with pytest.raises(ValueError, match=words):
            check_strokes(strokes)
