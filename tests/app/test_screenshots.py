"""The pictures in docs/ show today's page and pad, with the shipped model."""

import pytest
from PIL import Image
from support.digits import DIGITS, smooth
from support.screenshots import DOCS, SAYS, UNSURE, words

from digitvision.inference import DEFAULT_MODEL


@pytest.mark.parametrize("name, digit", [("screenshot.png", 7), ("inside.png", 9), ("demo.gif", 9)])
def test_a_picture_of_the_page_says_what_the_page_says(sheet, name, digit):
    sheet.draw(smooth(DIGITS[digit], 2))
    sheet.says(f"This is a {digit}.")
    with Image.open(DOCS / name) as picture:
        said = picture.info.get("comment", b"").decode() or picture.info[SAYS]
    assert said == words(sheet.page), "run `make screenshots`"


def test_the_picture_of_the_pad_shows_the_shipped_model():
    with Image.open(DOCS / "widget.png") as picture:
        assert picture.info[SAYS] == f"{UNSURE} {DEFAULT_MODEL}"
