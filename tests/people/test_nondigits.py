"""Pictures that are not a digit: every kind has ink, and one seed gives one set."""

import numpy as np
import pytest

from digitvision.data import load_mnist
from digitvision.people import nondigits as module
from digitvision.people.nondigits import (
    DIGITS,
    FONTS,
    KINDS,
    LETTERS,
    SYMBOLS,
    glyph,
    handwrite,
    nondigits,
    printed_digits,
)
from digitvision.people.shapes import FORMS, SHAPES


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_mnist().train.images[:50]


@pytest.mark.parametrize("font", FONTS)
def test_every_font_has_every_character(font):
    assert all(glyph(font, character) for character in DIGITS + LETTERS + SYMBOLS)


def test_handwriting_varies_a_drawing_and_stays_in_the_unit_square():
    square = [[(0, 0), (3, 0), (3, 3), (0, 3), (0, 0)]]
    for strength in (0, 1, 3):
        points = np.concatenate(handwrite(square, np.random.default_rng(1), strength))
        assert points.min() == pytest.approx(0) and points.max() == pytest.approx(1)
        on_edge = (np.abs(points * (1 - points)) < 1e-9).any(axis=1)
        assert on_edge.all() == (strength == 0)  # 0 changes nothing


@pytest.mark.parametrize("name", [*SHAPES, *FORMS])
def test_shapes_and_forms_are_strokes_in_or_near_the_unit_square(name):
    for strokes in [SHAPES[name]] if name in SHAPES else FORMS[name]:
        points = np.concatenate(strokes)
        assert points.shape[1] == 2 and points.min() >= -0.1 and points.max() <= 1.1


@pytest.mark.parametrize("kind", ["draw_scribble", "draw_shape", "draw_smudge"])
def test_drawings_differ_from_seed_to_seed_and_have_ink(kind):
    make = getattr(module, kind)
    pictures = [np.asarray(make(np.random.default_rng(seed))) for seed in (0, 1, 1)]
    assert all(picture.any() for picture in pictures)
    assert not np.array_equal(*pictures[:2])
    np.testing.assert_array_equal(*pictures[1:])


def test_a_set_has_all_kinds_in_their_shares(digits):
    found = nondigits(300, digits, seed=1)
    assert (found.images.shape, found.images.dtype) == ((300, 28, 28), np.uint8)
    assert found.images.any(axis=(1, 2)).all()
    for kind, share in KINDS.items():
        assert (found.names == kind).mean() == pytest.approx(share, abs=0.1)


def test_another_seed_gives_another_set(digits):  # the same seed, the same set: notebook 32
    for make in (lambda seed: nondigits(10, digits, seed), lambda seed: printed_digits(10, seed)):
        assert not np.array_equal(make(1).images, make(2).images)


def test_printed_digits_are_labeled_and_the_same_every_time():
    found = printed_digits(60)
    assert set(found.names) == set(DIGITS) and len(found.images) == 60
    np.testing.assert_array_equal(found.images, printed_digits(60).images)
    assert printed_digits(0).images.shape == (0, 28, 28)
