"""Find a Chromium to test with; run as a script, it makes sure there is one."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

QUIET = [  # no window, and no calls home
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


def find_browser() -> str | None:  # a path, or None: Playwright's own
    "The Chromium on PATH, if there is one."
    return next(filter(None, map(shutil.which, NAMES)), None)


def ensure_browser() -> None:
    "Debian's chromium where apt and root allow, else Playwright's own download."
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
