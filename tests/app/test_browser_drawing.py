"""Drawing in a real browser: strokes, pixels and when predictions are requested."""

import numpy as np
import pytest
from playwright.sync_api import expect
from support.digits import DIGITS, placed
from support.sheet import PREDICT

from digitvision.inference import Recognizer, decode_data_url, prepare
from digitvision.preprocess import rasterize

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# Mean absolute differences of pixels in 0..1; at most 0.0018 and 0.0057 in 30 drawings measured
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
    """Mean absolute difference of two pictures, at the best of the nine shifts by one pixel.

    Centering rounds to whole pixels, so a tiny difference of the ink can move a picture by one."""
    shifted = [np.roll(here, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(float(np.abs(one - there).mean()) for one in shifted)


def test_the_browser_and_python_make_the_same_picture(sheet):
    recognizer = Recognizer()
    for digit, strokes in DIGITS.items():
        brush = 10 + 2 * digit
        sheet.page.get_by_label("Brush size").fill(str(brush))
        drawn = sheet.draw(strokes)
        here, there = decode_data_url(sheet.sent()).convert("L"), rasterize(drawn, brush=brush)
        assert recognizer.predict(here).digit == recognizer.predict(there).digit == digit
        difference = np.abs(np.asarray(here, float) - np.asarray(there, float)) / 255
        assert difference.mean() < RAW_PARITY
        assert nearest(prepare(here), prepare(there)) < PARITY
        sheet.button("Clear").click()


def test_the_picture_shown_is_the_one_the_network_saw(sheet):
    sheet.draw(DIGITS[3])
    sheet.reads(3)
    with sheet.page.expect_request(PREDICT) as request:
        sheet.button("Predict").click()
    picture = request.value.response().json()["input"]
    expect(sheet.page.locator("#input")).to_have_attribute("src", picture)
    expect(sheet.page.locator("#input")).to_be_visible()
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


def test_at_most_ten_requests_a_second_and_the_last_one_sends_the_whole_drawing(sheet):
    sent = []
    sheet.page.on("request", lambda request: PREDICT[3:-1] in request.url and sent.append(request))
    sheet.pause_clock()
    x, y = sheet.places([[(60, 60)]])[0][0]
    sheet.page.mouse.move(x, y)
    sheet.page.mouse.down()
    for step in range(50):  # one second
        sheet.page.mouse.move(x + 3 * step, y + 3 * step)
        sheet.page.clock.run_for(20)
    assert 1 <= len(sent) <= 11
    sheet.page.mouse.move(x + 150, y)
    with sheet.page.expect_request(PREDICT):
        sheet.page.clock.run_for(100)
    before = len(sent)
    sheet.page.clock.run_for(1000)
    sheet.page.mouse.up()
    assert len(sent) == before  # nothing has changed since
    assert sent[-1].post_data_json["image"] == sheet.sent()


def answer(digit: int) -> dict:
    "A prediction as the server would send it."
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
    "Keep the first request of the page unanswered; return a list that grows with each request."
    held = []

    def receive(route):
        held.append(route)
        if len(held) > 1:
            route.continue_()

    sheet.page.route(PREDICT, receive)
    return held


def test_one_request_is_in_flight_and_the_newest_drawing_wins(sheet):
    sheet.pause_clock()
    held = hold_the_first(sheet)
    sheet.draw(DIGITS[7])
    sheet.page.clock.run_for(1000)
    assert len(held) == 1
    held[0].fulfill(json=answer(3))
    sheet.reads(7)
    assert len(held) == 2


@pytest.mark.parametrize("then", [7, None])
def test_an_answer_to_a_drawing_that_was_cleared_is_never_shown(sheet, then):
    sheet.page.add_init_script("AbortController.prototype.abort = () => {}")  # as if it came late
    sheet.page.reload()
    held = hold_the_first(sheet)
    sheet.draw(DIGITS[1])
    sheet.button("Clear").click()
    if then is not None:
        sheet.draw(DIGITS[then])
        sheet.reads(then)
    with sheet.page.expect_event("requestfinished", lambda one: one == held[0].request):
        held[0].fulfill(json=answer(3))
    sheet.page.evaluate("new Promise((resolve) => setTimeout(resolve))")  # the page has it
    sheet.reads("–" if then is None else then)


def busy_server(sheet, refusals: int) -> list:
    "Answer the first requests with a 503, later ones with a 3; return the list of requests."
    asked = []

    def receive(route):
        asked.append(route.request)
        if len(asked) > refusals:
            return route.fulfill(json=answer(3))
        error = {"error": {"code": "overloaded", "message": "The server is busy."}}
        route.fulfill(status=503, json=error, headers={"Retry-After": "1"})

    sheet.page.route(PREDICT, receive)
    return asked


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_busy_server_is_asked_again_once_and_the_result_is_kept(sheet, refusals):
    sheet.pause_clock()
    sheet.draw(DIGITS[7])
    sheet.page.clock.run_for(1000)
    sheet.reads(7)
    asked = busy_server(sheet, refusals)
    with sheet.page.expect_response(PREDICT):
        sheet.button("Predict").click()
    sheet.page.clock.run_for(900)
    sheet.reads(7)
    sheet.says("This is a 7.")
    assert len(asked) == 1
    with sheet.page.expect_response(PREDICT):
        sheet.page.clock.run_for(200)
    sheet.says("This is a 3." if refusals == 1 else "The server is busy.")
    sheet.reads(3 if refusals == 1 else 7)
    sheet.page.clock.run_for(5000)
    assert len(asked) == 2
    assert all("503" in sheet.complaints.pop() for _ in range(refusals))


def test_no_listener_remains_after_a_request(sheet):
    sheet.page.add_init_script("""
        window.listeners = 0;
        const { addEventListener } = AbortSignal.prototype;
        AbortSignal.prototype.addEventListener = function (...parameters) {
            window.listeners++;
            addEventListener.apply(this, parameters);
        };
    """)
    sheet.page.reload()
    sheet.draw(DIGITS[7])
    sheet.reads(7)
    assert sheet.page.evaluate("listeners") == 0


# Fingers


def touch(sheet, strokes) -> None:
    "Draw with a finger, as the touch screen would report it."
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
    touch(sheet, sheet.places([DIGITS[1][0][::-1]]))  # upwards, which scrolls elsewhere
    sheet.reads(1)
    assert sheet.page.evaluate("[scrollX, scrollY]") == [0, 0]
    touch(sheet, [[(195, 800 - step * 20) for step in range(15)]])  # scrolls below the canvas
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
