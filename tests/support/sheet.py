"""The web page as a visitor uses it: draw on the canvas, press buttons, read the result."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, Request, Route, expect

from digitvision.preprocess import Strokes

SIDE = 280
PREDICT = "**/api/predict*"


class Sheet:
    "One open page. `complaints` lists the errors and warnings of its console."

    def __init__(self, page: Page, address: str):
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        with page.expect_response("**/api/model*"):  # its modules have run
            page.goto(address)
        self.canvas = page.locator("#canvas")
        self.digit = page.locator("#digit")
        self.message = page.locator("#message")

    def _hear(self, message) -> None:
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

    def draw(self, strokes: Strokes, lift: bool = True) -> Strokes:
        "Draw with the mouse; return the strokes as drawn, rounded to pixels of the window."
        box = self.canvas.bounding_box()
        scale = SIDE / box["width"]
        places = self.places(strokes)
        for stroke in places:
            self.page.mouse.move(*stroke[0])
            self.page.mouse.down()
            for place in stroke[1:]:
                self.page.mouse.move(*place)
            if lift:
                self.page.mouse.up()
        return [
            [((x - box["x"]) * scale, (y - box["y"]) * scale) for x, y in stroke]
            for stroke in places
        ]

    def touch(self, strokes: Strokes, palm: tuple[float, float] | None = None) -> None:
        "Draw with a finger, as the touch screen would report it; a palm may rest on it, too."
        session = self.page.context.new_cdp_session(self.page)
        others = [self.places([[palm]])[0][0]] if palm else []
        for stroke in self.places(strokes):
            for kind, touches in [
                ("touchStart", stroke[:1]),
                *([("touchStart", stroke[:1] + others)] if palm else []),
                *[("touchMove", [place, *others]) for place in stroke[1:]],
                ("touchEnd", []),
            ]:
                points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(touches)]
                event = {"type": kind, "touchPoints": points}
                session.send("Input.dispatchTouchEvent", event)

    def sent(self) -> str:
        "Press Predict; return the data URL in its request."
        with self.page.expect_request(PREDICT) as request:
            self.button("Predict").click()
        return request.value.post_data_json["image"]

    def reads(self, digit: int | str) -> None:
        "Wait until this digit is shown."
        expect(self.digit).to_have_text(str(digit))

    def says(self, words) -> None:
        "Wait until this message, a string or a pattern, is shown."
        expect(self.message).to_have_text(words)

    def pause_clock(self) -> None:
        "Stop the timers of the page. `page.clock.run_for` runs them for some milliseconds."
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1000)

    def intercept(self, respond: Callable[[Route, int], Any]) -> list[Request]:
        "Call `respond` with each request for a prediction and its number; return the requests."
        requests = []

        def receive(route: Route) -> None:
            requests.append(route.request)
            respond(route, len(requests))

        self.page.route(PREDICT, receive)
        return requests

    def alter_answers(self, **changes) -> None:
        "Let the server answer as it does, with changes."

        def respond(route: Route, _: int) -> None:
            response = route.fetch()
            route.fulfill(response=response, json=response.json() | changes)

        self.intercept(respond)
