"""The rules of the structure (docs/architecture.md): who may import whom, and what stays light."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIGHT = ["preprocess", "photos", "inference", "explain", "widget", "cli", "app"]
PLUMBING = {"errors", "files", "model_files", "pictures", "replies"}  # what the app may use besides


def modules() -> dict[str, Path]:
    "Full name of each of our modules → its file."
    files = [*ROOT.glob("digitvision/**/*.py"), *ROOT.glob("app/**/*.py")]
    names = {}
    for path in files:
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts if parts[0] == "digitvision" else ("digitvision", *parts)
        names[".".join(part for part in parts if part != "__init__")] = path
    return names


MODULES = modules()


def imports(name: str) -> set[str]:
    "Our modules that a module imports, anywhere in its code."
    path = MODULES[name]
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return {module for module in found & MODULES.keys() if module != "digitvision"} - {name}


def part(name: str) -> str:
    "The part of the package that a module belongs to: a subpackage, or core."
    first = [*name.split("."), ""][1]
    return first if first in ("people", "scale", "cli", "app") else "core"


def test_no_module_imports_itself_through_others():
    TopologicalSorter({name: imports(name) for name in MODULES}).prepare()


@pytest.mark.parametrize("name", MODULES)
def test_the_core_stands_alone_and_nothing_imports_the_app(name):
    allowed = {
        "core": {"core"},
        "people": {"core", "people"},
        "scale": {"core", "people", "scale"},
        "cli": {"core", "people", "scale", "cli"},
        "app": {"core", "app"},
    }[part(name)]
    assert {part(module) for module in imports(name)} <= allowed


@pytest.mark.parametrize("name", [name for name in MODULES if part(name) == "app"])
def test_the_app_imports_only_inference_explain_and_plumbing(name):
    core = {module.split(".")[1] for module in imports(name) if part(module) == "core"}
    assert core <= {"inference", "explain"} | PLUMBING


def test_notebooks_never_import_each_other():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert "%run" not in text and "nbimporter" not in text, path


@pytest.mark.parametrize("module", LIGHT)
def test_recognising_never_loads_tensorflow(module):
    code = (
        f"import sys, digitvision.{module};"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_recognising_keeps_nothing_on_anybody(tmp_path):
    code = "from digitvision.inference import Recognizer; Recognizer(); import time; time.sleep(1)"
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA")}
    free = {name: value for name, value in os.environ.items() if name[:4] not in ("ORT_", "XDG_")}
    subprocess.run([sys.executable, "-c", code], env=free | home, check=True)
    assert list(tmp_path.iterdir()) == []
