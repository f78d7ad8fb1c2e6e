"""The panel "Inside the network" and the timeline, in a real browser."""

import io
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect
from support.digits import DIGITS

MINUS = "\N{MINUS SIGN}"
LAYERS = ["conv1", "conv2", "conv2_pool", "conv3", "conv4", "conv4_pool", "conv5"]


def open_panel(sheet) -> None:
    sheet.page.locator("#inside summary").click()


def ink(sheet) -> int:
    "How many pixels of the canvas are white on the screen."
    screen = Image.open(io.BytesIO(sheet.canvas.screenshot())).convert("L")
    return int((np.asarray(screen) > 128).sum())


def pictures(sheet, part: str) -> list[str]:
    "Names of the pictures in a part of the panel, all of which must have loaded."
    images = sheet.page.locator(f"#{part} img")
    assert all(image.evaluate("image => image.decode().then(() => true)") for image in images.all())
    return [figure.get_attribute("data-name") for figure in images.locator("..").all()]


@pytest.fixture
def explained(sheet):
    "The page with a 9 drawn and the panel open."
    sheet.draw(DIGITS[9])
    sheet.reads(9)
    open_panel(sheet)
    expect(sheet.page.locator("#timeline")).to_be_visible()
    return sheet


def test_no_explanation_is_requested_before_the_panel_is_open(sheet):
    requests = []
    sheet.page.on("request", lambda request: "explain" in request.url and requests.append(request))
    sheet.pause_clock()
    sheet.draw(DIGITS[3])
    sheet.page.clock.run_for(1000)
    sheet.reads(3)
    assert requests == []
    expect(sheet.page.locator("#timeline")).to_be_hidden()
    open_panel(sheet)
    expect(sheet.page.locator("#inside")).to_have_attribute("open", "")
    sheet.page.clock.run_for(1000)
    expect(sheet.page.locator("#layers img")).to_have_count(len(LAYERS))
    assert len(requests) == 1


def test_the_panel_shows_layers_stages_and_saliency(explained):
    assert pictures(explained, "layers") == LAYERS
    assert pictures(explained, "stages") == ["grey", "ink", "crop", "box", "input"]
    expect(explained.page.locator("#inside")).to_contain_text("conv2: 32 maps of 24×24")
    expect(explained.page.locator("#inside")).to_contain_text("Why it says 9")
    expect(explained.page.get_by_alt_text(re.compile("ink that counts for a 9"))).to_be_visible()
    assert Axe().run(explained.page).response["violations"] == []


def test_a_cell_of_a_feature_map_shows_how_it_is_computed(explained):
    page = explained.page
    total = page.locator("#sum")
    expect(page.locator("#cell")).to_be_hidden()
    page.get_by_alt_text(re.compile("^conv2:")).hover(position={"x": 40, "y": 60})
    expect(total).to_contain_text("(the other 29 maps)")
    expect(page.locator("#layer")).to_have_value("conv2")
    expect(page.locator("#terms .map")).to_have_count(3)
    expect(page.locator("#terms .numbers")).to_have_count(9)
    first = page.locator("#terms .term").first
    patch, weights, products = (
        [float(text.replace(MINUS, "-")) for text in grid.locator("span").all_text_contents()]
        for grid in first.locator(".numbers").all()
    )
    assert np.allclose(np.multiply(patch, weights), products, atol=0.05)
    assert Axe().run(page).response["violations"] == []
    before = total.text_content()
    page.locator("#row").fill("3")
    expect(total).not_to_have_text(before)
    page.locator("#layer").select_option("conv2_pool")
    expect(total).to_contain_text("The maximum of the patch")
    expect(page.locator("#terms .numbers span")).to_have_count(4)
    explained.draw(DIGITS[1])  # the same cell of another drawing
    expect(page.locator("#cell")).to_be_visible()
    page.locator("#layer").select_option("conv4")
    expect(page.locator("#terms .map")).to_have_count(3)
    page.get_by_label("Model").select_option("baseline")  # has no such layer
    expect(page.locator("#cell")).to_be_hidden()


def test_the_panel_is_at_most_a_screen_and_a_half_high(explained):
    explained.page.set_viewport_size({"width": 1280, "height": 900})
    explained.page.get_by_alt_text(re.compile("^conv2:")).hover()
    expect(explained.page.locator("#sum")).not_to_be_empty()
    assert explained.page.locator("#inside").bounding_box()["height"] <= 1.5 * 900


def test_the_panel_follows_the_drawing_and_the_preprocessing(explained):
    saliency = explained.page.locator("#saliency")
    before = saliency.get_attribute("src")
    explained.button("Clear").click()
    expect(explained.page.locator("#inside-body")).to_be_hidden()
    explained.draw(DIGITS[4])
    expect(explained.page.locator("#explained")).to_have_text("4")
    expect(saliency).not_to_have_attribute("src", before)
    explained.page.get_by_text("Resize only").click()
    expect(explained.page.locator("#stages img")).to_have_count(3)
    assert pictures(explained, "stages") == ["grey", "ink", "naive"]


def test_the_timeline_replays_the_drawing_and_its_answers(explained):
    page, whole = explained.page, ink(explained)
    moment, points = page.locator("#moment"), page.locator("#points")
    expect(points).to_have_text("12 of 12 points")
    moment.fill(str(int(moment.get_attribute("max")) // 2))
    expect(moment).to_have_attribute("aria-valuetext", re.compile(r"^\d of 12 points$"))
    assert 0 < ink(explained) < whole * 0.8
    values = [float(bar.get_attribute("aria-valuenow")) for bar in page.get_by_role("meter").all()]
    explained.reads(int(np.argmax(values)))
    moment.press("Home")
    expect(points).to_have_text("1 of 12 points")
    assert ink(explained) < whole * 0.2
    explained.says(re.compile("^Up to this point, the drawing is read as an? [0-9]\\.$"))
    moment.press("End")
    explained.reads(9)
    explained.says("This is a 9.")
    assert ink(explained) == whole
    moment.press("Home")
    moment.press("ArrowRight")
    expect(points).to_have_text("2 of 12 points")
    explained.draw([[(20, 250), (60, 250)]])  # the whole drawing is shown again
    expect(points).to_have_text("14 of 14 points")
    assert ink(explained) > whole


def test_a_dot_is_explained_without_a_timeline(sheet):
    open_panel(sheet)
    sheet.draw([[(140, 140)]])
    expect(sheet.page.locator("#layers img")).to_have_count(len(LAYERS))
    expect(sheet.page.locator("#timeline")).to_be_hidden()


def test_a_refusal_is_shown_in_the_panel_only(sheet):
    error = {"error": {"code": "overloaded", "message": "The server is busy: try again."}}
    sheet.page.route("**/api/explain*", lambda route: route.fulfill(status=503, json=error))
    sheet.draw(DIGITS[5])
    open_panel(sheet)
    expect(sheet.page.locator("#inside-message")).to_have_text("The server is busy: try again.")
    sheet.reads(5)
    assert "503" in sheet.complaints.pop()


def test_a_drawing_over_the_limits_of_the_server_is_not_cut_silently(sheet):
    sheet.draw([[(20 + 2 * i, 140)] for i in range(101)])
    open_panel(sheet)
    message = sheet.page.locator("#inside-message")
    expect(message).to_have_class("error")
    expect(message).to_contain_text("100")
    assert "400" in sheet.complaints.pop()
