"""Pictures from cameras, scanners and paint programs: their ink is found, or they are blank."""

import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageOps
from support.digits import placed
from support.picture_files import saved

from digitvision.inference import Recognizer
from digitvision.people.synth import degrade
from digitvision.pictures import BlankImageError, to_plain
from digitvision.preprocess import (
    fit_mnist,
    rasterize,
    resize_only,
    stages,
    to_gray,
    to_image,
    to_ink,
)

SEVEN = [[(60, 60), (200, 60), (110, 220)]]
DRAWING = rasterize(SEVEN)
PAPER = ImageOps.invert(DRAWING)
EMPTY = Image.new("L", (280, 280))


def reopened(image: Image.Image, file_format: str, **options) -> Image.Image:
    return Image.open(io.BytesIO(saved(image, file_format, **options)))


def transparent(color: int, mode: str = "RGBA") -> Image.Image:
    image = Image.new("L", DRAWING.size, color).convert(mode)
    image.putalpha(DRAWING)
    return image


PICTURES = {
    "L": DRAWING,
    "L inverted": PAPER,
    "RGBA black": transparent(0),
    "RGBA white": transparent(255),
    "LA black": transparent(0, "LA"),
    "LA white": transparent(255, "LA"),
    "1": DRAWING.convert("1", dither=Image.Dither.NONE),
    "CMYK": PAPER.convert("CMYK"),
    "I;16": Image.fromarray(np.asarray(DRAWING).astype(np.uint16) * 257),
    "pencil": PAPER.point(lambda value: 150 + value // 4),
    "La": transparent(0, "LA").convert("La"),
    "P": PAPER.convert("RGB").quantize(8),
    "P transparent": reopened(transparent(0), "GIF"),
    "PA": transparent(0, "PA"),
    "RGB": PAPER.convert("RGB"),
    "RGB blue ink": ImageOps.colorize(DRAWING, "white", "navy"),
    "RGB chalk": ImageOps.colorize(DRAWING, "#225533", "#eeeedd"),
    "RGBX": PAPER.convert("RGB").convert("RGBX"),
    "RGBa": transparent(0).convert("RGBa"),
    "YCbCr": PAPER.convert("RGB").convert("YCbCr"),
    "HSV": PAPER.convert("RGB").convert("HSV"),
    "LAB": Image.merge("LAB", [PAPER, *[Image.new("L", PAPER.size, 128)] * 2]),
    "I": PAPER.convert("I"),
    "F": PAPER.convert("F"),
    "16-bit PNG": reopened(Image.fromarray(np.asarray(PAPER).astype(np.uint16) * 257), "PNG"),
    "animated": reopened(PAPER, "GIF", save_all=True, append_images=[DRAWING] * 2),
    "JPEG": reopened(PAPER, "JPEG", quality=50),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_kind_of_picture_has_the_same_ink_and_the_same_digit(name):
    picture = PICTURES[name]
    ink = to_ink(picture)
    assert (ink.mode, ink.size) == ("L", (280, 280))
    assert np.abs(np.asarray(ink, int) - np.asarray(DRAWING)).mean() < 3
    assert to_plain(picture).mode in ("L", "LA", "RGB", "RGBA")
    assert Recognizer.shared().predict(picture).digit == 7


@pytest.mark.parametrize("color", ["yellow", "orange", "hotpink", "skyblue", "limegreen", "navy"])
def test_a_pen_of_any_color_has_contrast(color):
    gray = to_gray(ImageOps.colorize(DRAWING, "white", color))
    assert np.ptp(np.asarray(gray)) >= 120


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "LA", "P", "I", "F", "CMYK", "I;16"])
@pytest.mark.parametrize("size, words", [((64, 48), "nothing drawn"), ((0, 5), "no pixels")])
def test_an_empty_page_of_any_mode_is_blank(mode, size, words):
    with pytest.raises(BlankImageError, match=words):
        to_ink(Image.new(mode, size))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_page_of_one_gray_level_is_blank(level):
    with pytest.raises(BlankImageError, match="nothing drawn"):
        to_ink(Image.new("L", (280, 280), level))


@pytest.mark.parametrize("function", [fit_mnist, resize_only, stages])
def test_blank_is_an_error_for_every_function(function):
    with pytest.raises(BlankImageError):
        function(EMPTY)


def test_specks_that_vanish_at_20_pixels_are_blank():
    specks = Image.new("L", (1000, 1000))
    for corner in ((0, 0), (999, 999)):
        specks.putpixel(corner, 255)
    with pytest.raises(BlankImageError):
        fit_mnist(specks)


@settings(deadline=None, max_examples=150)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_picture_is_framed_or_blank(pixels):
    try:
        framed = fit_mnist(to_ink(Image.fromarray(pixels)))
    except BlankImageError:
        return
    assert framed.shape == (28, 28) and framed.dtype == np.float32
    assert framed.min() >= 0 and framed.max() == 1
    rows, columns = np.nonzero(framed)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20


@pytest.mark.parametrize("place", [(1, 0, 0), (0.3, 10, 200), (0.5, 180, 5), (1.3, 0, -60)])
def test_a_drawing_anywhere_is_20_pixels_long_with_its_center_of_mass_at_14(place):
    fitted = fit_mnist(rasterize(placed(SEVEN, *place), brush=12))
    assert (fitted.dtype, fitted.shape, fitted.max()) == (np.float32, (28, 28), 1)
    rows, columns = np.nonzero(fitted)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    for side in (fitted.sum(axis=0), fitted.sum(axis=1)):
        assert abs(side @ np.arange(28) / side.sum() - 14) <= 0.5


def test_an_image_of_a_drawing_is_as_mnist_images_are():
    image = to_image(DRAWING)
    assert (image.dtype, image.shape, image.max()) == (np.uint8, (28, 28), 255)


PHOTOS = {
    "bad light": dict(uneven="strong", noise="medium", jpeg="mild"),
    "shadow": dict(shadow="strong", texture="mild"),
    "squared paper": dict(squared="strong", uneven="mild", noise="mild"),
    "ruled, far away": dict(ruled="medium", small="strong", jpeg="mild"),
    "form": dict(border="strong", specks="strong"),
    "table": dict(corner="strong", noise="medium"),
    "board": dict(dark="strong", uneven="mild", texture="mild"),
    "pencil": dict(pencil="medium", uneven="medium", noise="mild"),
    "pale colors": dict(color="strong", blur="medium"),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PHOTOS)
def test_a_bad_photo_has_the_same_digit(name, seed):
    assert Recognizer.shared().predict(degrade(DRAWING, PHOTOS[name], seed)).digit == 7


EMPTY_PAGES = [
    dict(noise="medium"),
    dict(uneven="medium", noise="mild", jpeg="mild"),
    dict(ruled="mild", texture="mild", noise="mild"),
    dict(squared="medium", uneven="medium", noise="mild"),
    dict(specks="mild", noise="mild"),
    dict(border="strong"),
    dict(uneven="strong"),
    dict(texture="medium", shadow="medium", jpeg="medium"),
    dict(corner="medium", uneven="medium", blur="mild"),
]


@pytest.mark.parametrize("effects", EMPTY_PAGES, ids=" ".join)
def test_a_photo_of_an_empty_page_is_blank_on_paper_and_on_a_board(effects):
    for seed in range(3):
        page = degrade(EMPTY, effects, seed)
        for picture in (page, ImageOps.invert(page)):
            with pytest.raises(BlankImageError):
                to_ink(picture)


def test_at_most_one_in_five_hard_shadows_is_taken_for_ink():
    found = 0
    for seed in range(20):
        with suppress(BlankImageError):
            to_ink(degrade(EMPTY, dict(shadow="strong"), seed))
            found += 1
    assert found <= 4  # half of them before a ring around the ink was looked at


def test_a_note_on_a_larger_table_is_read():
    note, rng = degrade(DRAWING, dict(uneven="mild"), 1).convert("L"), np.random.default_rng(0)
    wood = Image.fromarray(rng.normal(70, 8, (30, 30)).clip(0, 255).astype(np.uint8))
    picture = wood.resize((450, 450), Image.Resampling.BICUBIC)
    picture.paste(note.resize((250, 250)), (90, 110))
    assert Recognizer.shared().predict(picture).digit == 7


def test_the_black_bar_of_a_scan_does_not_make_it_a_blackboard():
    one = rasterize([[(330, 250), (290, 550)]], size=800, brush=10).crop((0, 0, 600, 800))
    scan = 255 - np.asarray(one)
    scan[np.random.default_rng(0).random(scan.shape) < 0.0015] = 0
    scan[:, :12] = 0
    left, top, right, bottom = to_ink(Image.fromarray(scan).convert("1")).getbbox()
    assert left > 135 and right < 175 and 140 < bottom - top < 165  # half as large


def test_two_digits_are_both_kept():
    both = Image.new("L", (560, 280))
    for left in (0, 280):
        both.paste(DRAWING, (left, 0))
    left, _, right, _ = to_ink(degrade(both, dict(uneven="medium", noise="mild"), 0)).getbbox()
    assert left < 100 and right > 440


def test_a_photo_of_many_megapixels_is_shrunk_and_read():
    large = degrade(DRAWING, dict(uneven="medium", noise="mild"), 1).resize((3000, 3000))
    assert max(to_ink(large).size) <= 640
    assert Recognizer.shared().predict(large).digit == 7


FIVE = [[(150, 120), (145, 180), (190, 170), (195, 215), (150, 230)], [(170, 85), (279, 75)]]


@pytest.mark.parametrize("strokes", [[[(6, 40), (6, 160)]], [[(274, 40), (274, 160)]], FIVE])
def test_a_drawing_may_lie_at_the_border_or_run_into_it(strokes):
    drawing = rasterize(strokes, brush=12)
    assert to_ink(drawing).tobytes() == drawing.tobytes()
