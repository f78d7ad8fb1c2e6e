"""Find or start a Chromium for the tests; run as a script, install one if there is none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = [  # options: no window, no connections of the browser's own
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


def find_browser() -> str | None:
    "Return the path of the Chromium on PATH; None stands for Playwright's own."
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def start_browser() -> Iterator[Browser]:
    "Start the Chromium on PATH, else Playwright's own."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=QUIET)
        yield browser
        browser.close()


def ensure_browser() -> None:
    "Install Debian's chromium if there is apt and we are root, else Playwright's Chromium."
    if find_browser():
        return
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium"]
        updated = subprocess.run(["apt-get", "update", "--quiet"]).returncode == 0
        if updated and subprocess.run(install).returncode == 0 and find_browser():
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    ensure_browser()
