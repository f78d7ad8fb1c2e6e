"""Drawing in a real browser: strokes and pixels."""

import numpy as np
import pytest
from playwright.sync_api import expect
from support.digits import DIGITS, placed
from support.sheet import PREDICT, SIDE

from digitvision.inference import decode_data_url, prepare
from digitvision.preprocess import rasterize

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PARITY = 0.004  # mean absolute difference of pixels in 0..1; at most 0.0018 measured
EMPTY = "Nothing is drawn. Draw a digit, 0 to 9."


def sent_picture(sheet):
    return decode_data_url(sheet.sent()).convert("L")


def test_each_digit_is_read_small_in_a_corner(sheet):
    for digit, strokes in DIGITS.items():
        corner = [(0, 0), (165, 0), (0, 165), (165, 165)][digit % 4]
        sheet.draw(placed(strokes, 0.4, *corner))
        sheet.reads(digit)
        sheet.button("Clear").click()
        sheet.reads("–")


def test_the_browser_and_python_make_the_same_picture(sheet):
    box = sheet.canvas.bounding_box()
    scale = box["width"] / SIDE
    for digit, strokes in DIGITS.items():
        brush = 10 + 2 * digit
        sheet.page.get_by_label("Brush size").fill(str(brush))
        sheet.draw(strokes)
        drawn = [  # the mouse moves by whole pixels of the window
            [((x - box["x"]) / scale, (y - box["y"]) / scale) for x, y in stroke]
            for stroke in sheet.places(strokes)
        ]
        here, there = sent_picture(sheet), rasterize(drawn, brush=brush)
        sheet.reads(digit)
        assert np.abs(np.asarray(here, float) - np.asarray(there, float)).mean() / 255 < PARITY
        sheet.button("Clear").click()


def test_the_picture_shown_is_the_one_the_network_saw(sheet):
    sheet.draw(DIGITS[3])
    with sheet.page.expect_request(PREDICT) as request:
        sheet.button("Predict").click()
    picture = request.value.response().json()["input"]
    expect(sheet.input).to_have_attribute("src", picture)
    expect(sheet.input).to_be_visible()
    expected = prepare(decode_data_url(request.value.post_data_json["image"]))
    assert np.allclose(np.asarray(decode_data_url(picture)) / 255, expected, atol=0.003)


def test_the_picture_sent_does_not_depend_on_the_screen_s_resolution(open_page):
    images = set()
    for scale in (1, 1.5, 2):
        sheet = open_page(device_scale_factor=scale, viewport={"width": 390, "height": 500})
        sheet.draw(DIGITS[5])
        images.add(sheet.sent())
        width, shown = sheet.canvas.evaluate("canvas => [canvas.width, canvas.clientWidth]")
        assert width == round(shown * scale)
    assert len(images) == 1


def test_a_stroke_may_leave_the_canvas_and_ends_where_the_pen_is_lifted(sheet):
    path = [(140, 60), (140, 140), (420, 140), (420, 200), (140, 200), (140, 240)]
    sheet.draw([path], lift=False)
    outside, inside = sheet.places([[(-40, 240), (40, 60)]])[0]
    sheet.page.mouse.move(*outside)
    sheet.page.mouse.up()
    sheet.page.mouse.move(*inside)
    image = sent_picture(sheet)
    assert image.getpixel((270, 140)) == image.getpixel((270, 200)) == 255
    assert image.getpixel((10, 240)) == 255 and image.getpixel((40, 60)) == 0


def test_a_click_is_a_dot_and_the_brush_changes_what_is_drawn_next(sheet):
    sheet.draw([[(60, 140)]])
    assert sent_picture(sheet).getbbox() == pytest.approx((51, 131, 69, 149), abs=1)
    sheet.page.get_by_label("Brush size").fill("36")
    sheet.draw([[(200, 40), (200, 240)]])
    middle = np.asarray(sent_picture(sheet))[140] > 127
    assert middle[:140].sum() == pytest.approx(18, abs=1)
    assert middle[140:].sum() == pytest.approx(36, abs=1)


def test_undo_removes_one_stroke(sheet):
    sheet.draw(DIGITS[1])
    before = sheet.sent()
    sheet.draw([[(60, 60), (220, 220)], [(220, 60), (60, 220)]])
    sheet.button("Undo").click()
    sheet.page.keyboard.press("Control+z")
    assert sheet.sent() == before
    sheet.draw([[(60, 60), (100, 100)]], lift=False)
    sheet.page.keyboard.press("Control+z")  # while the pen is down
    sheet.page.mouse.move(*sheet.places([[(220, 220)]])[0][0])
    sheet.page.mouse.up()
    assert sheet.sent() == before
    sheet.reads(1)
    sheet.button("Undo").click()
    sheet.says(EMPTY)
    sheet.reads("–")
    sheet.button("Undo").click()
    sheet.says("There is nothing to undo.")


def test_clear_leaves_nothing(sheet):
    sheet.draw(DIGITS[8])
    sheet.reads(8)
    sheet.button("Clear").click()
    sheet.says(EMPTY)
    sheet.reads("–")
    expect(sheet.page.locator("#confidence")).to_have_text("")
    expect(sheet.input).to_be_hidden()
    expect(sheet.page.locator("#probabilities [aria-valuenow='0.0']")).to_have_count(10)
    sheet.button("Clear").click()
    sheet.says("There is nothing to clear.")
    sheet.button("Predict").click()
    sheet.says("Nothing is drawn yet. Draw a digit first.")


def test_a_finger_draws_and_the_page_stays_where_it_is(open_page):
    sheet = open_page(**PHONE)
    sheet.touch(DIGITS[4])
    sheet.reads(4)
    sheet.button("Clear").click()
    sheet.touch([DIGITS[1][0][::-1]])  # upwards, which scrolls elsewhere
    sheet.reads(1)
    assert sheet.page.evaluate("[scrollX, scrollY]") == [0, 0]
    sheet.touch([[(140, 560 - 15 * step) for step in range(15)]])  # below the canvas
    sheet.page.wait_for_function("scrollY > 100")


def test_a_palm_does_not_draw(open_page):
    sheet = open_page(**PHONE)
    sheet.touch(DIGITS[1], palm=[(40, 240)])
    sheet.reads(1)
    left, _, right, _ = sent_picture(sheet).getbbox()
    assert left > 120 and right < 160


def test_nothing_is_wider_than_a_phone(sheet):
    for width in (320, 390, 767, 768):
        sheet.page.set_viewport_size({"width": width, "height": 700})
        assert sheet.page.evaluate("document.documentElement.scrollWidth") == width
