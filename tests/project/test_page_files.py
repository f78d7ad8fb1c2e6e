"""The JS law (docs/architecture.md): each file of the page does one thing, and none calls home."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "app" / "static"
MODULES = sorted((STATIC / "js").glob("*.js"))
FILES = [path for path in sorted(STATIC.rglob("*")) if path.is_file()]


def code(path: Path) -> str:
    "The file without its comments."
    return re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))


def using(word: str) -> set[str]:
    return {path.name for path in MODULES if re.search(rf"\b{word}\b", code(path))}


def test_each_file_does_one_thing():
    assert using(r"(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon)") == {"predict.js"}
    assert using("document") == {"ui.js", "inside.js", "docs.js"}
    assert using(r"(getContext|toDataURL)") == {"canvas.js"}


def test_nothing_is_kept_and_nothing_is_left_in():
    assert not using(r"(localStorage|sessionStorage|indexedDB|cookie|console|debugger|eval)")
    assert not using(r"(innerHTML|outerHTML|insertAdjacentHTML)")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 125


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//\w+\.\w", re.sub(r"^\s*//.*", "", text, flags=re.M))
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)
