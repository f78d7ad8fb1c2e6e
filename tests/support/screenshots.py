"""Write the pictures of README and notebook 07: `python tests/support/screenshots.py`."""

import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that it runs as a script

from support.browser import QUIET, find_browser
from support.digits import DIGITS, smooth
from support.helpers import serve
from support.lab import draw, run_notebook, serve_lab
from support.sheet import Sheet

from digitvision.inference import DEFAULT_MODEL
from digitvision.widget import predict_strokes

ROOT = Path(__file__).parents[2]
UNSURE = "Probably a 5, perhaps an 8."  # the answer described in notebook 07


def open_page(browser: Browser, address: str, digit: int, **options) -> Sheet:
    "Open the page and draw a digit; make sure that the shipped model has read it."
    context = browser.new_context(reduced_motion="reduce", **options)
    sheet = Sheet(context.new_page(), address)
    expect(sheet.page.locator("#model")).to_contain_text(f"Model {DEFAULT_MODEL},")
    sheet.draw(smooth(DIGITS[digit], 2))
    sheet.says(f"This is {'an' if digit == 8 else 'a'} {digit}.")
    sheet.page.mouse.move(0, 0)
    return sheet


def shoot_page(browser: Browser, address: str, folder: Path) -> None:
    "Write screenshot.png: the page with a 7."
    size = {"width": 1120, "height": 800}
    sheet = open_page(browser, address, 7, viewport=size, device_scale_factor=1.5)
    sheet.page.screenshot(path=folder / "screenshot.png", full_page=True)


def shoot_inside(browser: Browser, address: str, folder: Path) -> None:
    "Write inside.png: the page with a 9 and the panel open."
    sheet = open_page(browser, address, 9, viewport={"width": 1200, "height": 800})
    sheet.page.locator("#inside summary").click()
    expect(sheet.page.locator("#layers img").last).to_be_visible()
    sheet.page.mouse.move(0, 0)
    sheet.page.evaluate("document.activeElement.blur()")
    sheet.page.screenshot(path=folder / "inside.png", full_page=True)


def shoot_pad(page: Page, folder: Path) -> None:
    "Write widget.png: the pad with an 8 that is not closed yet."
    (stroke,) = smooth(DIGITS[8])
    lengths = range(2, len(stroke))
    end = next(n for n in lengths if predict_strokes([stroke[:n]], 18, DEFAULT_MODEL)[1] == UNSURE)
    pad = page.locator(".digit-pad").first
    draw(pad, [stroke[:end]])
    expect(pad.locator(".words")).to_have_text(UNSURE)
    page.mouse.move(0, 0)
    pad.locator("canvas").evaluate("canvas => canvas.blur()")
    pad.screenshot(path=folder / "widget.png")


def main(folder: Path = ROOT / "docs") -> None:
    "Write all three pictures to a folder."
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    code = "from digitvision.widget import DigitPad\nDigitPad()"
    notebook.cells = [nbformat.v4.new_code_cell(code)]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        nbformat.write(notebook, Path(temporary) / "pad.ipynb")
        browser = playwright.chromium.launch(executable_path=find_browser(), args=QUIET)
        with serve() as (address, _):
            shoot_page(browser, address, folder)
            shoot_inside(browser, address, folder)
        with serve_lab(Path(temporary)) as lab:
            shoot_pad(run_notebook(browser, f"{lab}/pad.ipynb", device_scale_factor=1.5), folder)
        browser.close()


if __name__ == "__main__":
    main()
