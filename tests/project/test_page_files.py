"""The rules of the page's files (docs/architecture.md)."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "app" / "static"
MODULES = sorted((STATIC / "js").glob("*.js"))
FILES = [path for path in sorted(STATIC.rglob("*")) if path.is_file()]


def code(path: Path) -> str:
    "The file without its comments."
    return re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))


def using(pattern: str) -> set[str]:
    "Names of the modules with a word that matches a pattern."
    return {path.name for path in MODULES if re.search(rf"\b{pattern}\b", code(path))}


def test_each_module_does_one_thing():
    assert using(r"(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon)") == {"predict.js"}
    assert using("document") == {"ui.js", "inside.js", "cell.js"}
    assert using(r"(getContext|toDataURL)") == {"canvas.js"}


def test_nothing_is_stored_logged_or_run_from_text():
    assert not using(r"(localStorage|sessionStorage|indexedDB|cookie|console|debugger|eval)")
    assert not using(r"(innerHTML|outerHTML|insertAdjacentHTML)")


def test_colors_are_variables():
    for path in (STATIC / "css").glob("*.css"):
        css = code(path)
        variables = css.index("}") if path.name == "style.css" else 0
        assert not re.search(r"#[0-9a-f]{3,8}\b", css[variables:])
    assert not using(r"['\"]#[0-9a-f]{3,8}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_short_and_uses_no_other_server(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert len(text.splitlines()) <= 300
    assert not re.search(r"(https?:)?//\w+\.\w", re.sub(r"^\s*//.*", "", text, flags=re.M))
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)
