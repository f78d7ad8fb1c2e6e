"""Write the pictures of README and notebook 07 in docs/; `make screenshots` runs it."""

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Locator, Page, expect

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
SAYS = "Says"  # key of a picture's text: the answer and the model that it shows
FRAMES = 14  # of the animation while the pen is down


def words(page: Page) -> str:
    "Return what the page says: its answer and its model."
    parts = (page.locator(part) for part in ("#message", "#model"))
    return " ".join(part.text_content().strip() for part in parts)


def write_png(name: str, shot: bytes, text: str) -> None:
    "Write a screenshot to docs/, with what it says, so that a test can compare it."
    info = PngInfo()
    info.add_text(SAYS, text)
    Image.open(io.BytesIO(shot)).convert("RGB").save(DOCS / name, pnginfo=info, optimize=True)


def open_page(browser: Browser, address: str, digit: int, **options) -> Page:
    "Open the page and draw a digit; make sure that the shipped model has read it."
    context = browser.new_context(reduced_motion="reduce", **options)
    sheet = Sheet(context.new_page(), address)
    expect(sheet.page.locator("#model")).to_contain_text(f"Model {DEFAULT_MODEL},")
    sheet.draw(smooth(DIGITS[digit], 2))
    sheet.says(f"This is a {digit}.")
    return sheet.page


def clear_focus(page: Page) -> None:
    "Put the mouse and the focus out of the way."
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")


def open_inside(page: Page) -> None:
    "Open the panel and choose a cell of a feature map."
    page.locator("#inside summary").click()
    expect(page.locator("#layers img").last).to_be_visible(timeout=30_000)
    page.locator("#layers img").nth(1).hover(position={"x": 15, "y": 112})
    expect(page.locator("#sum")).not_to_be_empty(timeout=30_000)


def film(page: Page) -> Iterator[Image.Image]:
    "Draw a 9 and yield pictures of the page: while it is drawn, its answer, the panel."
    sheet = Sheet(page, page.url)
    (stroke,) = sheet.places(smooth(DIGITS[9], 2))
    page.mouse.move(*stroke[0])
    page.mouse.down()
    for number in range(1, FRAMES + 1):
        for place in stroke[len(stroke) * (number - 1) // FRAMES : len(stroke) * number // FRAMES]:
            page.mouse.move(*place)
        page.wait_for_load_state("networkidle")  # the answer to what is drawn so far
        yield Image.open(io.BytesIO(page.screenshot()))
    page.mouse.up()
    sheet.says("This is a 9.")
    yield Image.open(io.BytesIO(page.screenshot()))
    open_inside(page)
    page.locator("#inside").evaluate("panel => window.scrollTo(0, panel.offsetTop - 12)")
    yield Image.open(io.BytesIO(page.screenshot()))
    page.locator("#cell").evaluate("cell => cell.scrollIntoView(false)")
    yield Image.open(io.BytesIO(page.screenshot()))


def write_film(page: Page) -> None:
    "Write demo.gif: a 9 is drawn, read, and looked at inside the network."
    frames = [frame.convert("RGB").resize((840, 546)) for frame in film(page)]
    frames = [frame.quantize(128, method=Image.Quantize.FASTOCTREE) for frame in frames]
    times = [160] * FRAMES + [1500, 3000, 3500]  # milliseconds
    options = {"save_all": True, "duration": times, "loop": 0, "comment": words(page)}
    frames[0].save(DOCS / "demo.gif", append_images=frames[1:], optimize=True, **options)


def shoot_pad(pad: Locator) -> None:
    "Write widget.png: the pad with an 8 that is not closed yet."
    (stroke,) = smooth(DIGITS[8])
    lengths = range(2, len(stroke))
    end = next(n for n in lengths if predict_strokes([stroke[:n]], 18, DEFAULT_MODEL)[1] == UNSURE)
    draw(pad, [stroke[:end]])
    expect(pad.locator(".words")).to_have_text(UNSURE)
    pad.page.mouse.move(0, 0)
    pad.locator("canvas").evaluate("canvas => canvas.blur()")
    write_png("widget.png", pad.screenshot(), f"{UNSURE} {DEFAULT_MODEL}")


def main() -> None:
    "Write demo.gif; screenshot.png, the page with a 7; inside.png, with a 9; widget.png."
    with start_browser() as browser, tempfile.TemporaryDirectory() as folder:
        with serve() as (address, _):
            size = {"width": 1120, "height": 728}
            context = browser.new_context(viewport=size, reduced_motion="reduce")
            page = context.new_page()
            page.goto(address)
            write_film(page)
            page = open_page(browser, address, 7, viewport=size, device_scale_factor=1.5)
            clear_focus(page)
            write_png("screenshot.png", page.screenshot(full_page=True), words(page))
            page = open_page(browser, address, 9, viewport={"width": 1280, "height": 900})
            open_inside(page)
            write_png("inside.png", page.screenshot(full_page=True), words(page))
        code = "from digitvision.widget import DigitPad\nDigitPad()"
        write_notebook(Path(folder) / "pad.ipynb", code)
        with serve_lab(Path(folder)) as lab:
            page = run_notebook(browser, f"{lab}/pad.ipynb", device_scale_factor=1.5)
            shoot_pad(page.locator(".digit-pad").first)


if __name__ == "__main__":
    main()
