"""The pad of notebook 07 in a real JupyterLab, drawn on with a mouse and a finger."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from support.digits import DIGITS
from support.lab import (
    TIMEOUT,
    draw,
    places,
    run_notebook,
    serve_lab,
    wait_for_cells,
    write_notebook,
)
from support.sheet import touch

from digitvision.model_files import CHECKPOINTS

TWO_PADS = [
    "from digitvision.widget import DigitPad\nfrom ipywidgets import Label",
    "pad = DigitPad()\npad",
    "other = DigitPad()\nother",
    # How many points the newest answer has seen
    'points = Label()\npoints.add_class("points")\n'
    'show = lambda _: setattr(points, "value", str(sum(map(len, pad.strokes))))\n'
    "pad.on_predict(show)\npoints",
]
COUNT_EVENTS = """canvas => {
  window.drawn = 0;
  for (const type of ["mousedown", "mousemove"])
    canvas.addEventListener(type, (event) => { drawn += event.buttons && 1; });
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    "A JupyterLab with notebook 07, a model of its reader, and a notebook of two pads."
    folder = tmp_path_factory.mktemp("lab")
    (folder / "home/models").mkdir(parents=True)
    for suffix in ("onnx", "json"):
        shutil.copy(CHECKPOINTS / f"baseline.{suffix}", folder / f"home/models/mine.{suffix}")
    shutil.copy(Path(__file__).parents[2] / "notebooks" / "07_widget.ipynb", folder)
    write_notebook(folder / "pads.ipynb", *TWO_PADS)
    with serve_lab(folder) as address:
        yield address


@pytest.fixture
def open_notebook(chromium, lab):
    "Open and run a notebook; at the end no cell and no widget may have failed."
    pages = []

    def run(name: str, **options) -> Page:
        pages.append(run_notebook(chromium, f"{lab}/{name}", **options))
        return pages[-1]

    yield run
    for page in pages:
        text = page.locator(".jp-Notebook").inner_text()
        failed = page.locator(".jp-OutputArea-output[data-mime-type*=error]").count()
        page.context.close()
        assert not failed and "Error displaying widget" not in text and "Traceback" not in text


def reads(pad: Locator, digit: int | str) -> None:
    expect(pad.locator(".digit")).to_have_text(str(digit), timeout=TIMEOUT)


def press(pad: Locator, name: str) -> None:
    pad.get_by_role("button", name=name, exact=True).click()


def test_the_notebook_runs_and_its_pad_reads_mouse_and_finger(open_notebook):
    page = open_notebook("07_widget.ipynb", has_touch=True)
    pad = page.locator(".digit-pad").first
    reads(pad, 2)  # drawn by the notebook
    expect(pad.get_by_role("meter")).to_have_count(10)
    press(pad, "Clear")
    reads(pad, "–")
    for digit in (3, 5, 8):
        draw(pad, DIGITS[digit])
        reads(pad, digit)
        press(pad, "Clear")
        reads(pad, "–")
    expect(pad.locator(".words")).to_have_text("Draw a digit, 0 to 9.")
    touch(page, places(pad, DIGITS[4]))
    reads(pad, 4)
    before = pad.locator(".pixels img").get_attribute("src")
    press(pad, "Undo")
    expect(pad.locator(".pixels img")).not_to_have_attribute("src", before)
    press(pad, "Undo")
    reads(pad, "–")


def test_two_pads_on_one_page_and_a_cell_that_is_run_twice(open_notebook):
    page = open_notebook("pads.ipynb")
    pad, other = page.locator(".digit-pad").first, page.locator(".digit-pad").nth(1)
    draw(other, DIGITS[8])
    reads(other, 8)
    reads(pad, "–")
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    pad.evaluate("pad => pad.classList.add('first-run')")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".first-run")).to_have_count(0, timeout=TIMEOUT)
    wait_for_cells(page)
    draw(pad, DIGITS[3])
    reads(pad, 3)
    reads(other, 8)
    press(pad, "Clear")
    page.locator(".jp-CodeCell").nth(3).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")  # the callback is now on the new pad
    wait_for_cells(page)
    pad.locator("canvas").evaluate(COUNT_EVENTS)
    turns = np.linspace(0, 4 * np.pi, 200)
    draw(pad, [[(140 + 90 * np.cos(t), 140 + 90 * np.sin(t)) for t in turns]])
    drawn = page.evaluate("drawn")
    assert drawn > 100
    expect(page.locator(".points")).to_have_text(str(drawn), timeout=TIMEOUT)
