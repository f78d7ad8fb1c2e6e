"""The page of the API in a real browser, and the policy that keeps foreign code out of both."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

REPORT = """() => {
  window.reports = [];
  const note = (event) => window.reports.push(event.violatedDirective);
  document.addEventListener("securitypolicyviolation", note);
}"""


@pytest.fixture
def page(chromium):
    context = chromium.new_context()
    context.add_init_script(f"({REPORT})()")
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_is_small_calls_nobody_else_and_breaks_no_policy(page, server, path):
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(server + path, wait_until="networkidle")
    assert page.evaluate("window.reports") == []
    assert page.complaints == []
    assert all(answer.url.startswith((server, "data:", "blob:")) for answer in answers)
    sizes = [len(one.body()) for one in answers if one.url.startswith(server)]
    assert len(sizes) > 4 and sum(sizes) < 60_000


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_policy_stops_what_a_stranger_would_add(page, server, path):
    page.goto(server + path, wait_until="networkidle")
    page.evaluate("""() => {
      const make = (tag, more) => Object.assign(document.createElement(tag), more);
      const add = (tag, more) => document.body.append(make(tag, more));
      add("script", { textContent: "window.stranger = true" });
      add("style", { textContent: "body { color: red }" });
      add("img", { src: "http://127.0.0.1:9/x.png" });
    }""")
    page.wait_for_function("window.reports.length >= 3")
    assert {one.split("-src")[0] for one in page.evaluate("window.reports")} == {
        "script", "style", "img",
    }  # fmt: skip
    assert page.evaluate("window.stranger") is None


def test_the_page_of_the_api_has_every_route_and_every_field(page, server):
    page.goto(f"{server}/docs")
    expect(page.locator("#routes")).to_have_attribute("aria-busy", "false")
    contract = page.request.get(f"{server}/api/openapi.json").json()
    titles = page.locator("h2").all_text_contents()
    for path, methods in contract["paths"].items():
        assert {f"{method.upper()} {path}" for method in methods} <= set(titles)
    for name, schema in contract["components"]["schemas"].items():
        heads = page.locator(f"#{name} th").all_text_contents()
        assert heads == list(schema.get("properties", {}))
    page.locator("a[href='#Prediction']").first.click()
    expect(page.locator("#Prediction")).to_be_in_viewport()
    assert Axe().run(page).response["violations"] == []
    assert page.complaints == []
