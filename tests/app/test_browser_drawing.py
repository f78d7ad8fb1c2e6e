"""Drawing in a real browser: what a hand does there is what the network is asked about."""

import numpy as np
import pytest
from playwright.sync_api import expect
from support.digits import DIGITS, placed
from support.sheet import PREDICT

from digitvision.inference import Recognizer, decode_data_url, prepare
from digitvision.preprocess import rasterize

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# Mean absolute differences, of 1; 0.0018 and 0.0057 at most in 30 drawings when measured.
RAW_PARITY, PARITY = 0.004, 0.01
EMPTY = "Nothing is drawn. Draw a digit, 0 to 9."


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_is_read_in_the_middle_and_small_in_a_corner(sheet, digit):
    sheet.draw(DIGITS[digit])
    sheet.reads(digit)
    sheet.button("Clear").click()
    sheet.reads("–")
    sheet.draw(placed(DIGITS[digit], 0.4, *[(0, 0), (165, 0), (0, 165), (165, 165)][digit % 4]))
    sheet.reads(digit)


def nearest(here: np.ndarray, there: np.ndarray) -> float:
    """Mean absolute difference of two framed pictures, one moved by a pixel where that is nearer.

    Centring rounds to whole pixels: a hair's difference of the ink can tip it to the next one."""
    moved = [np.roll(here, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(float(np.abs(one - there).mean()) for one in moved)


def test_the_browser_and_python_make_the_same_picture(sheet):
    recognizer, raw, framed = Recognizer(), [], []
    for digit, strokes in DIGITS.items():
        brush = 10 + 2 * digit
        sheet.page.get_by_label("Brush size").fill(str(brush))
        drawn = sheet.draw(strokes)
        here, there = decode_data_url(sheet.sent()).convert("L"), rasterize(drawn, brush=brush)
        assert recognizer.predict(here).digit == recognizer.predict(there).digit == digit
        raw.append(np.abs(np.asarray(here, float) - np.asarray(there, float)).mean() / 255)
        framed.append(nearest(prepare(here), prepare(there)))
        sheet.button("Clear").click()
    print(f"largest difference: {max(raw):.4f} of 280 × 280, {max(framed):.4f} of 28 × 28")
    assert max(raw) < RAW_PARITY and max(framed) < PARITY


def test_the_picture_shown_is_the_one_the_network_saw(sheet):
    sheet.draw(DIGITS[3])
    sheet.reads(3)
    image = sheet.sent()
    expect(sheet.page.locator("#input")).to_be_visible()
    sheet.page.wait_for_function("document.querySelector('#input').complete")
    shown = decode_data_url(sheet.page.locator("#input").get_attribute("src"))
    expected = prepare(decode_data_url(image))
    assert np.allclose(np.asarray(shown) / 255, expected, atol=0.003)


def test_the_same_drawing_is_sent_whatever_the_screen_s_sharpness(open_page):
    images = set()
    for sharpness in (1, 1.5, 2):
        sheet = open_page(device_scale_factor=sharpness, viewport={"width": 390, "height": 500})
        sheet.draw(DIGITS[5])
        images.add(sheet.sent())
        width, shown = sheet.canvas.evaluate("canvas => [canvas.width, canvas.clientWidth]")
        assert width == round(shown * sharpness)
    assert len(images) == 1


def test_a_stroke_may_leave_the_canvas_and_ends_where_the_pen_is_lifted(sheet):
    sheet.draw(
        [[(140, 60), (140, 140), (420, 140), (420, 200), (140, 200), (140, 240)]], lift=False
    )
    outside, inside = sheet.places([[(-40, 240), (40, 60)]])[0]
    sheet.page.mouse.move(*outside)
    sheet.page.mouse.up()
    sheet.page.mouse.move(*inside)
    image = decode_data_url(sheet.sent()).convert("L")
    assert image.getpixel((270, 140)) == image.getpixel((270, 200)) == 255
    assert image.getpixel((10, 240)) == 255 and image.getpixel((40, 60)) == 0


def test_a_click_is_a_dot(sheet):
    sheet.draw([[(140, 140)]])
    image = decode_data_url(sheet.sent()).convert("L")
    assert image.getbbox() == pytest.approx((131, 131, 149, 149), abs=1)


def test_the_brush_changes_what_is_drawn_next(sheet):
    sheet.draw([[(60, 40), (60, 240)]])
    sheet.page.get_by_label("Brush size").fill("36")
    sheet.draw([[(200, 40), (200, 240)]])
    middle = np.asarray(decode_data_url(sheet.sent()).convert("L"))[140] > 127
    assert middle[:140].sum() == pytest.approx(18, abs=1)
    assert middle[140:].sum() == pytest.approx(36, abs=1)


def test_undo_takes_back_one_stroke(sheet):
    one = sheet.draw(DIGITS[1])
    before = sheet.sent()
    sheet.draw([[(60, 60), (220, 220)], [(220, 60), (60, 220)]])
    sheet.button("Undo").click()
    sheet.page.keyboard.press("Control+z")
    assert sheet.sent() == before
    assert Recognizer().predict(rasterize(one)).digit == 1
    sheet.reads(1)
    sheet.button("Undo").click()
    sheet.says(EMPTY)
    sheet.reads("–")
    sheet.button("Undo").click()
    sheet.says("There is nothing to undo.")


def test_undo_while_the_pen_is_down_takes_back_only_that_stroke(sheet):
    sheet.draw(DIGITS[1])
    before = sheet.sent()
    sheet.draw([[(60, 60), (100, 100)]], lift=False)
    sheet.page.keyboard.press("Control+z")
    sheet.page.mouse.move(*sheet.places([[(220, 220)]])[0][0])
    sheet.page.mouse.up()
    assert sheet.sent() == before


def test_clear_leaves_nothing(sheet):
    sheet.draw(DIGITS[8])
    sheet.reads(8)
    sheet.button("Clear").click()
    sheet.says(EMPTY)
    sheet.reads("–")
    expect(sheet.page.locator("#confidence")).to_have_text("")
    expect(sheet.page.locator("#input")).to_be_hidden()
    expect(sheet.page.locator("#probabilities [aria-valuenow='0.0']")).to_have_count(10)
    sheet.button("Clear").click()
    sheet.says("There is nothing to clear.")
    sheet.button("Predict").click()
    sheet.says("Nothing is drawn yet. Draw a digit first.")


# Live prediction


def test_the_answer_comes_while_the_pen_is_down(sheet):
    sheet.draw(DIGITS[7], lift=False)
    sheet.reads(7)
    sheet.says("This is a 7.")
    sheet.page.mouse.up()


def answer(digit: int) -> dict:
    "A prediction, as a server that is late might give it."
    return {
        "digit": digit,
        "confidence": 1,
        "probabilities": [float(one == digit) for one in range(10)],
        "is_digit": True,
        "digit_score": 1,
        "input": "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
        "model": "late",
    }


def hold_the_first(sheet) -> list:
    "Keep the first request of the page unanswered; all requests are listed."
    held = []

    def receive(route):
        held.append(route)
        if len(held) > 1:
            route.continue_()

    sheet.page.route(PREDICT, receive)
    return held


def test_one_request_is_in_flight_and_the_newest_drawing_wins(sheet):
    held = hold_the_first(sheet)
    sheet.draw(DIGITS[7])
    sheet.page.wait_for_timeout(200)
    assert len(held) == 1
    held[0].fulfill(json=answer(3))
    sheet.reads(7)
    assert len(held) == 2


@pytest.mark.parametrize("then", [7, None])
def test_an_answer_to_what_was_cleared_is_never_shown(sheet, then):
    sheet.page.add_init_script("AbortController.prototype.abort = () => {}")  # the worst network
    sheet.page.reload()
    held = hold_the_first(sheet)
    sheet.draw(DIGITS[1])
    sheet.button("Clear").click()
    if then is not None:
        sheet.draw(DIGITS[then])
        sheet.reads(then)
    held[0].fulfill(json=answer(3))
    sheet.page.wait_for_timeout(200)
    sheet.reads("–" if then is None else then)


# Fingers


def touch(sheet, strokes) -> None:
    "A finger, as the browser gets it from the screen: it scrolls where it may."
    session = sheet.page.context.new_cdp_session(sheet.page)

    def send(kind: str, *places) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for stroke in strokes:
        send("touchStart", stroke[0])
        for place in stroke[1:]:
            send("touchMove", place)
        send("touchEnd")


def test_a_finger_draws_and_the_page_stays_where_it_is(open_page):
    sheet = open_page(**PHONE)
    touch(sheet, sheet.places(DIGITS[4]))
    sheet.reads(4)
    sheet.button("Clear").click()
    touch(sheet, sheet.places([DIGITS[1][0][::-1]]))  # upwards, which elsewhere scrolls
    sheet.reads(1)
    assert sheet.page.evaluate("[scrollX, scrollY]") == [0, 0]
    touch(sheet, [[(195, 800 - step * 20) for step in range(15)]])  # below the canvas it scrolls
    sheet.page.wait_for_function("scrollY > 100")


def test_a_second_finger_does_not_draw(open_page):
    sheet = open_page(**PHONE)
    (line,) = sheet.places([[(140, 60), (140, 140), (140, 220)]])
    ((palm,),) = sheet.places([[(40, 240)]])
    session = sheet.page.context.new_cdp_session(sheet.page)
    for kind, places in [
        ("touchStart", [line[0]]),
        ("touchStart", [line[0], palm]),
        ("touchMove", [line[1], palm]),
        ("touchMove", [line[2], palm]),
        ("touchEnd", []),
    ]:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    sheet.reads(1)
    left, _, right, _ = decode_data_url(sheet.sent()).convert("L").getbbox()
    assert left > 120 and right < 160


def test_nothing_is_wider_than_a_phone(sheet):
    for width in (320, 390, 767, 768):
        sheet.page.set_viewport_size({"width": width, "height": 700})
        assert sheet.page.evaluate("document.documentElement.scrollWidth") == width
