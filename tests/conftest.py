"""What the HTTP and browser tests share: the API, a real server and a real browser."""

import sys
from collections.abc import Callable, Iterator

import pytest
from digitvision.app import create_app
from flask.testing import FlaskClient
from playwright.sync_api import Browser, sync_playwright
from support.browser import QUIET, find_browser
from support.contract import Api, Wire
from support.helpers import serve
from support.nodes import Nodes, start_nodes
from support.sheet import Sheet

ENGINES = ["local", "ray"]  # whose contract is tested: names of fixtures that give a client
if sys.platform == "win32":  # where Ray is not at home
    ENGINES.remove("ray")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with serve() as (address, _):
        yield address


@pytest.fixture(scope="session")
def local() -> FlaskClient:
    "The app in this process."
    return create_app().test_client()


@pytest.fixture(scope="module")  # its processes take time from others as long as it is up
def ray() -> Iterator[Wire]:
    "The app on a Ray cluster of this machine."
    with serve("--engine", "ray") as (address, _):
        yield Wire(address)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with start_nodes() as nodes:
        yield nodes


@pytest.fixture(scope="module", params=ENGINES)
def api(request) -> Api:
    "The API of each engine: what is sent and what is answered is the same."
    return Api(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")  # while it is open, an event loop runs that others would see
def chromium() -> Iterator[Browser]:
    "A real browser: the Chromium on PATH, else Playwright's own."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, server) -> Iterator[Callable[..., Sheet]]:
    "Open the page in a browser of its own; at the end nothing may have complained in its console."
    sheets = []

    def open_one(address: str = server, query: str = "", **options) -> Sheet:
        options = {"viewport": {"width": 1200, "height": 800}} | options
        sheets.append(Sheet(chromium.new_context(**options).new_page(), address + "/" + query))
        return sheets[-1]

    yield open_one
    for sheet in sheets:
        sheet.page.unroute_all(behavior="ignoreErrors")  # answers that nobody waits for
        sheet.page.context.close()
    assert [complaint for sheet in sheets for complaint in sheet.complaints] == []


@pytest.fixture
def sheet(open_page) -> Sheet:
    return open_page()
