"""A JupyterLab in a process of its own, and the pad on its pages."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect
from support.helpers import free_port
from support.sheet import drag

from digitvision.preprocess import Strokes

TIMEOUT = 90_000  # milliseconds; JupyterLab is slow to start
IDLE = "Python 3 (ipykernel) | Idle"
FOLDERS = {  # settings of this JupyterLab instead of the user's
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
    "DIGITVISION_HOME": "home",  # where notebook 07 looks for the model of its reader
}
SETTINGS = {  # no news, no search for updates, no check whether JupyterLab should be rebuilt
    "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "config/labconfig/page_config.json": {"buildCheck": False},
}


def write_notebook(path: Path, *sources: str) -> None:
    "Write a notebook of code cells."
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@contextmanager
def serve_lab(folder: Path) -> Iterator[str]:
    "Serve a folder in JupyterLab; yield the address to which the path of a notebook is added."
    for path, settings in SETTINGS.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(settings))
    env = os.environ | {name: str(folder / path) for name, path in FOLDERS.items()}
    port = free_port()
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    options += ["--ServerApp.port_retries=0", "--IdentityProvider.token="]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as lab:
        try:
            ready = any("is running at" in line for line in lab.stderr)
            assert ready, "JupyterLab does not start"
            threading.Thread(target=lab.stderr.read, daemon=True).start()  # else it fills up
            yield f"http://127.0.0.1:{port}/lab/tree"
        finally:
            lab.terminate()


def run_notebook(browser: Browser, address: str, **options) -> Page:
    "Open a notebook, run all its cells and wait until they are done."
    options = {"viewport": {"width": 1200, "height": 1000}} | options
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(f"{address}?reset")
    page.get_by_text(IDLE).wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".digit-pad").first.wait_for()
    wait_for_cells(page)
    return page


def wait_for_cells(page: Page) -> None:
    "Wait until all cells have run; before that the page may move while a test draws."
    expect(page.locator(".jp-InputPrompt", has_text="[*]")).to_have_count(0, timeout=TIMEOUT)
    page.get_by_text(IDLE).wait_for()


def places(pad: Locator, strokes: Strokes) -> Strokes:
    "Return points of the drawing in pixels of the window."
    pad.locator("canvas").scroll_into_view_if_needed()
    box = pad.locator("canvas").bounding_box()
    return [[(box["x"] + x, box["y"] + y) for x, y in stroke] for stroke in strokes]


def draw(pad: Locator, strokes: Strokes) -> None:
    "Draw with the mouse."
    drag(pad.page, places(pad, strokes))
