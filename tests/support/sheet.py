"""The web page as a visitor uses it: draw on the canvas, press buttons, read the result."""

from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Route, expect

from digitvision.preprocess import Strokes

SIDE = 280
PREDICT = "**/api/predict*"


def drag(page: Page, strokes: Strokes, lift: bool = True) -> None:
    "Draw with the mouse; points are pixels of the window."
    for first, *others in strokes:
        page.mouse.move(*first)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place)
        if lift:
            page.mouse.up()


def touch(page: Page, strokes: Strokes, palm: Sequence = ()) -> None:
    "Draw with a finger, as a touch screen reports it; a palm may rest on the screen as well."
    session = page.context.new_cdp_session(page)

    def send(kind: str, *touches: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(touches)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for first, *others in strokes:
        send("touchStart", first)
        if palm:
            send("touchStart", first, *palm)
        for place in others:
            send("touchMove", place, *palm)
        send("touchEnd")


class Sheet:
    "One open page. `complaints` lists the errors and warnings of its console."

    def __init__(self, page: Page, address: str):
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        with page.expect_response("**/api/model*"):  # its modules have run
            page.goto(address)
        self.canvas, self.input = page.locator("#canvas"), page.locator("#input")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def button(self, name: str) -> Locator:
        "Return the button of this name."
        return self.page.get_by_role("button", name=name, exact=True)

    def places(self, strokes: Strokes) -> Strokes:
        "Return the whole pixels of the window that are nearest to points of the drawing."
        box = self.canvas.bounding_box()
        scale = box["width"] / SIDE
        return [
            [(round(box["x"] + x * scale), round(box["y"] + y * scale)) for x, y in stroke]
            for stroke in strokes
        ]

    def draw(self, strokes: Strokes, lift: bool = True) -> None:
        "Draw with the mouse."
        drag(self.page, self.places(strokes), lift)

    def touch(self, strokes: Strokes, palm: Sequence = ()) -> None:
        "Draw with a finger; `palm` is the point where a palm rests, if it does, in a list."
        touch(self.page, self.places(strokes), *self.places([palm]))

    def sent(self) -> str:
        "Press Predict; return the data URL in its request."
        with self.page.expect_request(PREDICT) as request:
            self.button("Predict").click()
        return request.value.post_data_json["image"]

    def reads(self, digit: int | str) -> None:
        "Wait until this digit is shown."
        expect(self.page.locator("#digit")).to_have_text(str(digit))

    def says(self, words) -> None:
        "Wait until this message, a string or a pattern, is shown."
        expect(self.page.locator("#message")).to_have_text(words)

    def pause_clock(self) -> None:
        "Stop the timers of the page. `page.clock.run_for` runs them for some milliseconds."
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1000)

    def intercept(self, respond: Callable[[Route, int], Any]) -> list[Route]:
        "Call `respond` with each request for a prediction and its number; return the requests."
        routes = []

        def receive(route: Route) -> None:
            routes.append(route)
            respond(route, len(routes))

        self.page.route(PREDICT, receive)
        return routes

    def alter_answers(self, **changes) -> None:
        "Let the server answer as it does, with changes."

        def respond(route: Route, _: int) -> None:
            response = route.fetch()
            route.fulfill(response=response, json=response.json() | changes)

        self.intercept(respond)
