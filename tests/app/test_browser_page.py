"""The page around the drawing in a real browser: pictures, messages, keyboard and failures."""

import base64
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops, ImageOps
from playwright.sync_api import expect
from support.digits import DIGITS, placed
from support.picture_files import saved
from support.sheet import PREDICT

from digitvision.inference import DEFAULT_MODEL, decode_data_url
from digitvision.preprocess import rasterize

GIVE = """([type, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt());
  const transfer = new DataTransfer();
  if (data) transfer.items.add(new File([bytes], "digit.png", { type: "image/png" }));
  const event = type === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def upload(sheet, content: bytes) -> None:
    file = {"name": "digit.png", "mimeType": "image/png", "buffer": content}
    sheet.page.locator("#file").set_input_files(file)


# Pictures


def test_an_uploaded_picture_is_shown_and_read(sheet):
    sheet.draw(DIGITS[1])
    sheet.reads(1)
    upload(sheet, saved(ImageOps.invert(rasterize(DIGITS[5])), "PNG"))
    sheet.reads(5)
    assert decode_data_url(sheet.sent()).getpixel((0, 0))[:3] == (255, 255, 255)
    pixel = "canvas => [...canvas.getContext('2d').getImageData(9, 9, 1, 1).data]"
    assert sheet.canvas.evaluate(pixel) == [255, 255, 255, 255]
    sheet.draw(DIGITS[7])
    sheet.reads(7)
    assert decode_data_url(sheet.sent()).size == (280, 280)
    upload(sheet, saved(rasterize(DIGITS[5]), "PNG"))
    sheet.reads(5)
    sheet.button("Undo").click()
    sheet.reads("–")


def test_a_large_photo_is_shrunk_below_the_server_s_limit(sheet):
    ink = rasterize(placed(DIGITS[9], 5, 100, 50), 1500, 75).crop((0, 0, 2000, 1500))
    photo = saved(ImageChops.subtract(Image.effect_noise(ink.size, 40), ink), "JPEG", quality=95)
    assert len(base64.b64encode(photo)) > 2**21  # the server would refuse it
    upload(sheet, photo)
    sheet.reads(9)
    image = sheet.sent()
    assert decode_data_url(image).size == (1024, 768) and len(image) < 2**21


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_picture_can_be_pasted_or_dropped(sheet, event):
    content = base64.b64encode(saved(rasterize(DIGITS[6]), "PNG")).decode()
    sheet.page.evaluate(GIVE, [event, content])
    sheet.reads(6)
    sheet.page.evaluate(GIVE, [event, ""])
    sheet.says(re.compile("There is no picture"))


def test_a_file_that_is_no_picture_and_a_blank_picture_are_reported(sheet):
    upload(sheet, b"not a picture")
    sheet.says("This file is not a picture that can be read.")
    upload(sheet, saved(Image.new("L", (50, 50), 255), "PNG"))
    sheet.says("There is nothing drawn in the picture.")
    sheet.reads("–")
    assert "422" in sheet.complaints.pop()  # the browser logs the status


# Messages


def test_ten_meters_carry_the_probabilities(sheet):
    sheet.draw(DIGITS[2])
    sheet.reads(2)
    meters = sheet.page.locator("#probabilities").get_by_role("meter")
    expect(meters).to_have_count(10)
    for digit in range(10):
        expect(meters.nth(digit)).to_have_accessible_name(str(digit))
    values = [float(one.get_attribute("aria-valuenow")) for one in meters.all()]
    assert values[2] == max(values) and sum(values) == pytest.approx(100, abs=1)
    expect(meters.nth(2)).to_have_attribute("aria-valuetext", re.compile(r"^\d+\.\d%$"))
    expect(sheet.page.locator("#confidence")).to_have_text(re.compile(r"^\d+\.\d%$"))


def test_a_scribble_is_no_digit_and_its_answer_is_dimmed(sheet):
    sheet.draw([[(60 + 20 * i, 60 + 150 * (i % 2)) for i in range(9)]])
    sheet.says("This does not look like one digit.")
    expect(sheet.page.locator("body")).to_have_class("doubtful")
    bars = sheet.page.locator("#probabilities")
    expect(bars).to_have_css("opacity", "0.75")
    sheet.button("Clear").click()
    expect(bars).to_have_css("opacity", "1")


def test_a_doubtful_answer_names_two_digits(sheet):
    shares = [0.1, 0.3, 0, 0, 0, 0, 0, 0, 0.6, 0]
    sheet.alter_answers(digit=8, confidence=0.6, probabilities=shares)
    sheet.draw(DIGITS[3])
    sheet.says("Probably an 8, perhaps a 1.")


def test_the_preprocessing_is_a_choice(sheet):
    sheet.draw(DIGITS[7])
    sheet.reads(7)
    before = sheet.input.get_attribute("src")
    with sheet.page.expect_request(lambda one: '"preprocess":"resize"' in (one.post_data or "")):
        sheet.page.get_by_text("Resize only").click()
    expect(sheet.input).not_to_have_attribute("src", before)
    expect(sheet.page.get_by_text("Shrink the whole picture as it is.")).to_be_visible()


# Keyboard


def press(sheet, *keys: str, times: int = 1) -> None:
    for key in keys * times:
        sheet.page.keyboard.press(key)


def test_everything_can_be_done_from_the_keyboard(sheet):
    press(sheet, "Tab")
    expect(sheet.canvas).to_be_focused()
    expect(sheet.canvas).to_have_accessible_name("Drawing area")
    expect(sheet.canvas).to_have_accessible_description(re.compile("arrow keys move the pen"))
    press(sheet, "ArrowUp", times=8)
    column = "c => [...c.getContext('2d').getImageData(c.width / 2, 0, 1, c.height).data]"
    marked = np.reshape(sheet.canvas.evaluate(column), (-1, 4))
    assert [255, 180, 84, 255] in marked.tolist()  # a ring shows where the pen is
    press(sheet, "Space")
    expect(sheet.page.locator("#pen")).to_have_text("Pen down.")
    press(sheet, "ArrowDown", times=16)
    press(sheet, "Enter")
    expect(sheet.page.locator("#pen")).to_have_text("Pen up.")
    press(sheet, "ArrowRight", times=5)  # with the pen up nothing is drawn
    sheet.reads(1)
    assert sheet.page.evaluate("scrollY") == 0
    for name in ("Undo", "Clear", "Predict"):
        press(sheet, "Tab")
        expect(sheet.button(name)).to_be_focused()
    press(sheet, "Enter")
    sheet.says("This is a 1.")
    press(sheet, "Tab", "ArrowRight")
    expect(sheet.page.get_by_label("Brush size")).to_have_value("19")
    press(sheet, "Tab", "ArrowRight")
    expect(sheet.page.get_by_label("Resize only")).to_be_checked()
    press(sheet, "Tab")
    expect(sheet.page.get_by_label("Model", exact=True)).to_be_focused()
    press(sheet, "Tab")
    expect(sheet.page.locator("#file")).to_be_focused()
    press(sheet, "Control+z")
    sheet.reads("–")


def test_the_keyboard_s_pen_still_draws_after_clear(sheet):
    press(sheet, "Tab", "Space", "PageDown")
    sheet.page.evaluate("document.querySelector('#clear').click()")
    sheet.says(re.compile("^Nothing is drawn"))
    press(sheet, "Shift+ArrowUp", times=40)
    sheet.reads(1)


# The page as a whole


@pytest.mark.parametrize("width", [390, 1200])
def test_axe_finds_nothing(open_page, width):
    sheet = open_page(viewport={"width": width, "height": 844}, reduced_motion="reduce")
    for is_digit in (None, True, False):
        if is_digit is not None:
            sheet.alter_answers(is_digit=is_digit)
            sheet.button("Clear").click()
            sheet.draw(DIGITS[0])
            sheet.reads(0)
        results = Axe().run(sheet.page, options={"resultTypes": ["violations"]})
        assert results.violations_count == 0, results.generate_report()


def contrast(sheet, selector: str, name: str, ground: str, opacity: float = 1) -> float:
    "Contrast (WCAG) of a CSS property of one element and the background of another, on a card."
    script = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
    parts = [(selector, name), (ground, "backgroundColor"), (".card", "backgroundColor")]
    styles = [sheet.page.evaluate(script, part) for part in parts]
    colors = np.array([re.findall(r"\d+", style)[:3] for style in styles], float) / 255
    shares = colors[:2] * opacity + colors[2] * (1 - opacity)
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])  # relative luminance
    return (high + 0.05) / (low + 0.05)


def test_bars_and_controls_stand_out_and_do_not_move_if_that_is_asked_for(open_page):
    "WCAG 1.4.11: a contrast of 3 for all that is needed to understand or use the page."
    sheet = open_page(reduced_motion="reduce")
    expect(sheet.page.locator(".fill").first).to_have_css("transition-duration", "0s")
    assert contrast(sheet, ".fill", "backgroundColor", ".track") >= 3
    sheet.page.evaluate("document.body.classList.add('doubtful')")
    assert contrast(sheet, ".fill", "backgroundColor", ".track", opacity=0.75) >= 3
    assert contrast(sheet, "#undo", "borderTopColor", ".card") >= 3
    for control in ("#canvas", "#models", ".switch"):
        assert contrast(sheet, control, "boxShadow", ".card") >= 3


def test_the_model_of_the_address_is_passed_on(open_page):
    sheet = open_page(query="?model=baseline")
    with sheet.page.expect_request(PREDICT) as request:
        sheet.draw(DIGITS[1])
    assert request.value.url.endswith("?model=baseline")
    sheet.reads(1)
    unknown = open_page(query="?model=no%26thing")
    unknown.says(re.compile("There is no model 'no&thing'"))
    unknown.complaints.clear()


def test_another_model_reads_the_same_drawing(sheet):
    sheet.draw(DIGITS[1])
    sheet.reads(1)
    menu = sheet.page.get_by_label("Model", exact=True)
    expect(menu).to_have_value(DEFAULT_MODEL)
    expect(sheet.page.locator("#model")).to_contain_text(f"Model {DEFAULT_MODEL},")
    with sheet.page.expect_request("**/api/predict?model=baseline"):
        menu.select_option("baseline")
    expect(sheet.page.locator("#model")).to_contain_text("Model baseline")
    sheet.reads(1)


def test_nothing_is_stored(sheet):
    sheet.draw(DIGITS[7])
    sheet.reads(7)
    assert sheet.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert sheet.page.context.cookies() == []
    sheet.page.reload()
    sheet.reads("–")
