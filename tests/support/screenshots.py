"""Write the pictures of README and notebook 07: `python tests/support/screenshots.py`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that it runs as a script

from support.browser import start_browser
from support.digits import DIGITS, smooth
from support.helpers import serve
from support.lab import draw, run_notebook, serve_lab, write_notebook
from support.sheet import Sheet

from digitvision.inference import DEFAULT_MODEL
from digitvision.widget import predict_strokes

DOCS = Path(__file__).parents[2] / "docs"
UNSURE = "Probably a 5, perhaps an 8."  # the answer described in notebook 07


def open_page(browser: Browser, address: str, digit: int, **options) -> Page:
    "Open the page and draw a digit; make sure that the shipped model has read it."
    context = browser.new_context(reduced_motion="reduce", **options)
    sheet = Sheet(context.new_page(), address)
    expect(sheet.page.locator("#model")).to_contain_text(f"Model {DEFAULT_MODEL},")
    sheet.draw(smooth(DIGITS[digit], 2))
    sheet.says(f"This is a {digit}.")
    return sheet.page


def shoot(page: Page, name: str) -> None:
    "Write the whole page, with the mouse and the focus out of the way."
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=DOCS / name, full_page=True)


def shoot_pad(page: Page) -> None:
    "Write widget.png: the pad with an 8 that is not closed yet."
    (stroke,) = smooth(DIGITS[8])
    lengths = range(2, len(stroke))
    end = next(n for n in lengths if predict_strokes([stroke[:n]], 18, DEFAULT_MODEL)[1] == UNSURE)
    pad = page.locator(".digit-pad").first
    draw(pad, [stroke[:end]])
    expect(pad.locator(".words")).to_have_text(UNSURE)
    page.mouse.move(0, 0)
    pad.locator("canvas").evaluate("canvas => canvas.blur()")
    pad.screenshot(path=DOCS / "widget.png")


def main() -> None:
    "Write screenshot.png, the page with a 7; inside.png, with a 9 and the panel open; widget.png."
    with start_browser() as browser, tempfile.TemporaryDirectory() as folder:
        with serve() as (address, _):
            size = {"width": 1120, "height": 800}
            page = open_page(browser, address, 7, viewport=size, device_scale_factor=1.5)
            shoot(page, "screenshot.png")
            page = open_page(browser, address, 9, viewport={"width": 1200, "height": 800})
            page.locator("#inside summary").click()
            expect(page.locator("#layers img").last).to_be_visible()
            shoot(page, "inside.png")
        code = "from digitvision.widget import DigitPad\nDigitPad()"
        write_notebook(Path(folder) / "pad.ipynb", code)
        with serve_lab(Path(folder)) as lab:
            shoot_pad(run_notebook(browser, f"{lab}/pad.ipynb", device_scale_factor=1.5))


if __name__ == "__main__":
    main()
