"""Pictures to measure on: the same ones every time, preprocessed, blank ones all black."""

import json

import numpy as np
from PIL import Image
from support.digits import DIGITS

from digitvision.data import Split
from digitvision.digit_sets import STYLES, draw, frame, pen_digits, redrawn, render, scribbles
from digitvision.drawings import read_drawings, read_pictures

FOUR = [[[0.3, 0.0], [0.0, 0.5], [1.0, 0.5]], [[0.7, 0.1], [0.6, 1.0]]]


def test_a_blank_picture_becomes_black():
    assert not frame(Image.new("L", (9, 9))).any()


def test_redrawn_digits_are_the_same_every_time():
    rng = np.random.default_rng(0)
    images = np.stack([render([{"strokes": DIGITS[4]}], style)[0] for style in STYLES.values()])
    split = Split(images, rng.integers(0, 10, len(images)))
    first, again = redrawn(split, 4), redrawn(split, 4)
    assert (first.images == again.images).all() and (first.labels == again.labels).all()
    assert (first.images.shape, first.images.dtype) == ((4, 28, 28), np.uint8)
    assert first.images.any(axis=(1, 2)).all()


def test_scribbles_are_the_same_every_time_and_never_blank():
    wild = scribbles(20)
    assert (wild[:5] == scribbles(5)).all()
    assert wild.any(axis=(1, 2)).all()


def test_pen_digits_leave_out_slashed_zeros(tmp_path):
    path = tmp_path / "strokes.jsonl"
    lines = [{"label": 4, "strokes": FOUR}, {"label": 0, "strokes": FOUR, "slashed": True}]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    digits = pen_digits(path)
    assert digits.labels.tolist() == [4] and digits.images.shape == (1, 28, 28)
    (style, *_), rng = STYLES.values(), np.random.default_rng(0)
    drawn = draw(FOUR, style, rng)
    assert (render(read_drawings(path)[:1], style)[0] == frame(drawn)).all()


def test_pictures_have_labels_and_sources(tmp_path):
    drawn = draw(FOUR, STYLES["70% of the canvas"], np.random.default_rng(0))
    for source in ("anna/4", "anna/7", "ben"):
        (tmp_path / source).mkdir(parents=True, exist_ok=True)
    drawn.save(tmp_path / "anna/4/first.png")
    drawn.save(tmp_path / "ben/4-on-paper.jpg")
    (tmp_path / "anna/7/damaged.png").write_text("not a picture")
    pictures, _, sources = read_pictures(tmp_path)
    assert pictures.labels.tolist() == [4, 7, 4] and sources.tolist() == ["anna", "anna", "ben"]
    assert pictures.images.any(axis=(1, 2)).tolist() == [True, False, True]  # damaged: all black
