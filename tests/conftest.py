"""What the HTTP and browser tests share: the API, a real server and a real browser."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from digitvision.app import create_app
from playwright.sync_api import Browser
from support.browser import start_browser
from support.contract import Api
from support.helpers import serve
from support.sheet import Sheet


def pytest_configure() -> None:
    "Hide the models of the user who runs the tests: this folder does not exist."
    os.environ["DIGITVISION_HOME"] = str(Path(__file__).with_name("no_home"))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    "Return the address of a server."
    with serve() as (address, _):
        yield address


@pytest.fixture(scope="session")
def api() -> Api:
    "Return the API of the app in this process."
    return Api(create_app().test_client())


@pytest.fixture(scope="module")  # while it is open, an event loop runs that others would see
def chromium() -> Iterator[Browser]:
    "Start a real browser."
    with start_browser() as browser:
        yield browser


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
    "Open the page."
    return open_page()
