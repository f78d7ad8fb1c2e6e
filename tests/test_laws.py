"""The laws of the house (docs/architecture.md): who may import whom, and what stays light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHAINS = [
    [
        *("data", "paper", "preprocess", "degrade", "nondigits", "model", "train", "record"),
        *("verdict", "experiments", "harder", "evaluate", "reader", "model_card", "speed"),
        "cluster",
    ],
    ["paper", "preprocess", "inference", "explain", "widget"],
]
LIGHT = [
    "digitvision.paper",
    "digitvision.preprocess",
    "digitvision.degrade",
    "digitvision.inference",
    "digitvision.explain",
    "digitvision.widget",
    "digitvision.cli",
    "app",
    "app.cluster",
]
MODULES = [p for p in sorted((ROOT / "digitvision").glob("*.py")) if p.stem[0] != "_"]


def imports(path: Path) -> set[str]:
    "Full names of all modules a file imports, anywhere in it."
    package = path.parent.name
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [package if node.level else "", node.module or ""]))
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def of_ours(names: set[str]) -> set[str]:
    "Which of our modules are among these names."
    ours = {path.stem for path in MODULES}
    parts = [name.split(".") for name in names]
    return {p[1] for p in parts if p[0] == "digitvision" and len(p) > 1 and p[1] in ours}


@pytest.mark.parametrize(
    "path", [p for p in MODULES if not p.stem.startswith("cli")], ids=lambda p: p.stem
)
def test_a_module_imports_only_modules_to_its_left(path):
    allowed = {
        left for chain in CHAINS if path.stem in chain for left in chain[: chain.index(path.stem)]
    }
    assert any(path.stem in chain for chain in CHAINS), f"{path.stem} has no place in the flow"
    assert of_ours(imports(path)) <= allowed


def test_the_app_imports_only_inference_and_explain():
    for path in (ROOT / "app").rglob("*.py"):
        assert of_ours(imports(path)) <= {"inference", "explain"}, path


def test_nothing_imports_the_app():
    for path in (ROOT / "digitvision").glob("*.py"):
        assert not any(name.split(".")[0] == "app" for name in imports(path)), path


def test_notebooks_never_import_each_other():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert "%run" not in text and "nbimporter" not in text, path


@pytest.mark.parametrize("module", LIGHT)
def test_recognising_never_loads_tensorflow(module):
    code = f"import sys, {module}; print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_recognising_keeps_nothing_on_anybody(tmp_path):
    code = "from digitvision.inference import Recognizer; Recognizer(); import time; time.sleep(1)"
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA")}
    free = {name: value for name, value in os.environ.items() if name[:4] not in ("ORT_", "XDG_")}
    subprocess.run([sys.executable, "-c", code], env=free | home, check=True)
    assert list(tmp_path.iterdir()) == []
