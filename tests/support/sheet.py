"""The web page as a test sees it: a sheet to draw on, and what is said of the drawing."""

from playwright.sync_api import Locator, Page, expect

from digitvision.preprocess import Strokes

SIDE = 280
PREDICT = "**/api/predict*"


class Sheet:
    "One open page. `complaints` are the errors and warnings of its console."

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
        return self.page.get_by_role("button", name=name, exact=True)

    def places(self, strokes: Strokes) -> Strokes:
        "The whole pixels of the window nearest to points of the drawing."
        box = self.canvas.bounding_box()
        scale = box["width"] / SIDE
        return [
            [(round(box["x"] + x * scale), round(box["y"] + y * scale)) for x, y in stroke]
            for stroke in strokes
        ]

    def draw(self, strokes: Strokes, lift: bool = True) -> Strokes:
        "Draw with the mouse; the strokes as they were drawn, to the pixel."
        box = self.canvas.bounding_box()
        scale = SIDE / box["width"]
        for stroke in self.places(strokes):
            self.page.mouse.move(*stroke[0])
            self.page.mouse.down()
            for place in stroke[1:]:
                self.page.mouse.move(*place)
            if lift:
                self.page.mouse.up()
        return [
            [((x - box["x"]) * scale, (y - box["y"]) * scale) for x, y in stroke]
            for stroke in self.places(strokes)
        ]

    def sent(self) -> str:
        "The data URL that Predict sends."
        with self.page.expect_request(PREDICT) as request:
            self.button("Predict").click()
        return request.value.post_data_json["image"]

    def reads(self, digit: int | str) -> None:
        expect(self.digit).to_have_text(str(digit))

    def says(self, words) -> None:
        expect(self.message).to_have_text(words)
