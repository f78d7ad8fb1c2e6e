"""What many people who draw at once would need, on paper: the last tables of docs/scaling.md.

`PYTHONPATH=tests python -m benchmarks.paper` draws in a real browser to see what a pen asks for and
multiplies that with the processor times that `benchmarks.scaling` measured."""

import re
import time
from collections.abc import Iterator

import numpy as np
from benchmarks.report import DOCS, put
from playwright.sync_api import sync_playwright
from support.browser import QUIET, find_browser
from support.digits import DIGITS
from support.helpers import serve
from support.sheet import Sheet

PAGE = "scaling.md"
STROKE = 1.5  # seconds that the pen is down for a digit
RATE = 60  # events a second that a browser tells of a pen
FELT = 10  # answers a second that are felt to be immediate (0.1 s: Nielsen 1993, chapter 5)
HALF = 0.5  # of its processors that a server should need, so that another one may fail
AUDIENCES = {  # pens that are down at the same moment
    "a class of 30, all pens down": 30,
    # in the busiest hour one in 20 is there, for six minutes, and draws for a tenth of these
    "a MOOC of 100,000, its busiest hour": 100_000 / 20 * 6 / 60 / 10,
    # at three times the rate of the mean of the day
    "10 million drawings a day, at its peak": 10_000_000 / 86_400 * 3 * STROKE,
}


def steps(strokes: list) -> list:
    "The same strokes at even speed, with as many points as a pen of STROKE seconds has."
    lengths = [np.hypot(*np.diff(np.array(stroke, float), axis=0).T) for stroke in strokes]
    total = sum(map(sum, lengths))
    even = []
    for stroke, length in zip(strokes, lengths, strict=True):
        places = np.r_[0, np.cumsum(length)]
        at = np.linspace(0, places[-1], max(2, round(STROKE * RATE * places[-1] / total)))
        even.append(np.stack([np.interp(at, places, axis) for axis in np.array(stroke).T], axis=1))
    return even


def draw(sheet: Sheet, strokes: list) -> None:
    "At the speed of a pen."
    start, moved = time.monotonic(), 0
    for stroke in sheet.places(steps(strokes)):
        for number, place in enumerate(stroke):
            sheet.page.mouse.move(*place)
            if number == 0:
                sheet.page.mouse.down()
            moved += 1
            sheet.page.wait_for_timeout(max(0, 1000 * (start + moved / RATE - time.monotonic())))
        sheet.page.mouse.up()
    sheet.page.wait_for_timeout(300)


def drawing() -> Iterator[str]:
    "What a digit asks for, with each engine."
    yield "| engine | requests for a digit | kilobytes sent with each | received |"
    yield "|---|---|---|---|"
    for engine in ("local", "ray"):
        with serve("--engine", engine) as (address, _), sync_playwright() as playwright:
            options = {"executable_path": find_browser(), "args": QUIET}
            sheet = Sheet(playwright.chromium.launch(**options).new_page(), address)
            counts, answers = [], []
            sheet.page.on("response", lambda one, answers=answers: answers.append(one))
            for strokes in DIGITS.values():
                sheet.button("Clear").click()
                answers.clear()
                draw(sheet, strokes)
                counts.append(len(answers))
            sizes = [answer.request.sizes() for answer in answers]
            sent, received = (
                np.median([size[f"{of}HeadersSize"] + size[f"{of}BodySize"] for size in sizes])
                for of in ("request", "response")
            )
            median, low, high = np.median(counts), min(counts), max(counts)
            row = f"{median:.0f} ({low} to {high}) | {sent / 1000:.1f} | {received / 1000:.1f}"
            yield f"| {engine} | {row} |"


def paper(page: str) -> Iterator[str]:
    "The table that follows from those on the page."
    cost = {
        engine: float(re.search(rf"\| {engine} \| 2 \|[^|]*\| ([\d.]+) ms", page)[1]) / 1000
        for engine in ("local", "ray")
    }
    sent = float(re.search(r"\| local \| [^|]* \| ([\d.]+) \| [\d.]+ \|", page)[1])
    yield (
        "| who draws | pens down | answers a second and pen | requests/s | cores at work, local "
        "| to have, local | to have, Ray | sent to us |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for who, pens in AUDIENCES.items():
        for answers in (RATE, FELT):
            requests = pens * answers
            local, ray = (requests * cost[engine] for engine in ("local", "ray"))
            yield (
                f"| {who} | {pens:.0f} | {answers} | {requests:,.0f} | {local:.1f} "
                f"| {np.ceil(local / HALF):.0f} | {np.ceil(ray / HALF):.0f} "
                f"| {8 * sent * requests / 1000:,.0f} Mbit/s |"
            )


if __name__ == "__main__":
    put("drawing", list(drawing()), PAGE)
    put("paper", list(paper((DOCS / PAGE).read_text(encoding="utf-8"))), PAGE)
