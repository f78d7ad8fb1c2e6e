"""Live prediction in a real browser: when the page asks the server, and what happens on failure."""

import pytest
from playwright.sync_api import Route, expect
from support.digits import DIGITS
from support.helpers import serve
from support.sheet import PREDICT


def answer(digit: int) -> dict:
    "Return what the page uses of a prediction."
    return {
        "digit": digit,
        "confidence": 1,
        "probabilities": [float(one == digit) for one in range(10)],
        "is_digit": True,
        "input": "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    }


def hold_first(route: Route, number: int) -> None:
    "Let all requests but the first one pass."
    if number > 1:
        route.continue_()


def test_the_answer_comes_while_the_pen_is_down(sheet):
    sheet.draw(DIGITS[7], lift=False)
    sheet.reads(7)
    sheet.says("This is a 7.")
    sheet.page.mouse.up()


def test_at_most_ten_requests_a_second_and_the_last_one_sends_the_whole_drawing(open_page):
    path = [(60 + 3 * step, 60 + 3 * step) for step in range(50)] + [(210, 60)]
    other, sheet = open_page(), open_page()
    other.draw([path])
    whole = other.sent()
    asked = sheet.intercept(lambda route, _: route.continue_())
    sheet.pause_clock()
    first, *middle, last = sheet.places([path])[0]
    sheet.page.mouse.move(*first)
    sheet.page.mouse.down()
    for place in middle:  # one second
        sheet.page.mouse.move(*place)
        sheet.page.clock.run_for(20)
    assert 1 <= len(asked) <= 11
    with sheet.page.expect_request(lambda one: whole in (one.post_data or "")):
        sheet.page.mouse.move(*last)
        sheet.page.clock.run_for(1000)
    sheet.page.mouse.up()


def test_one_request_is_in_flight_and_the_newest_drawing_wins(sheet):
    sheet.pause_clock()
    asked = sheet.intercept(hold_first)
    sheet.draw(DIGITS[7])
    sheet.page.clock.run_for(1000)
    assert len(asked) == 1
    asked[0].fulfill(json=answer(3))
    sheet.reads(7)
    assert len(asked) == 2


@pytest.mark.parametrize("then", [7, "–"])
def test_an_answer_to_a_drawing_that_was_cleared_is_never_shown(sheet, then):
    sheet.page.add_init_script("AbortController.prototype.abort = () => {}")  # as if it came late
    sheet.page.reload()
    asked = sheet.intercept(hold_first)
    sheet.draw(DIGITS[1])
    sheet.button("Clear").click()
    sheet.draw(DIGITS.get(then, []))
    sheet.reads(then)
    with sheet.page.expect_event("requestfinished", lambda one: one == asked[0].request):
        asked[0].fulfill(json=answer(3))
    sheet.page.evaluate("new Promise((resolve) => setTimeout(resolve))")  # the page has it
    sheet.reads(then)


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_busy_server_is_asked_again_once_and_the_result_is_kept(sheet, refusals):
    error = {"error": {"code": "overloaded", "message": "The server is busy."}}
    busy = {"status": 503, "json": error, "headers": {"Retry-After": "1"}}
    sheet.pause_clock()
    sheet.draw(DIGITS[7])
    sheet.page.clock.run_for(1000)
    sheet.reads(7)
    asked = sheet.intercept(
        lambda route, n: route.fulfill(**(busy if n <= refusals else {"json": answer(3)}))
    )
    with sheet.page.expect_response(PREDICT):
        sheet.button("Predict").click()
        sheet.page.clock.run_for(100)
    sheet.page.clock.run_for(800)
    sheet.reads(7)
    sheet.says("This is a 7.")
    assert len(asked) == 1
    with sheet.page.expect_response(PREDICT):
        sheet.page.clock.run_for(1000)
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


def test_a_server_that_has_stopped_is_reported(open_page):
    with serve() as (address, process):
        sheet = open_page(address)
        sheet.draw([[(140, 140)]])  # one change, one request
        expect(sheet.page.locator("#digit")).not_to_have_text("–")
        process.terminate()
        process.wait(10)
        sheet.button("Predict").click()
        sheet.says("The server cannot be reached. Is it still running?")
        sheet.reads("–")
        assert "ERR_CONNECTION" in sheet.complaints.pop()


def test_a_server_that_does_not_answer_is_reported(sheet):
    timeout = 'AbortSignal.abort(new DOMException("", "TimeoutError"))'
    sheet.page.add_init_script(f"AbortSignal.timeout = () => {timeout}")
    sheet.page.reload()
    sheet.says("The server did not answer within 15 seconds.")
