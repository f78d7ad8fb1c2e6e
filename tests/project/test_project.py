"""The house is in order: one list of dependencies, notebooks and modules in step, cells small."""

import ast
import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def test_environment_yml_has_no_versions_of_its_own():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.split("dependencies:")[1].splitlines() if line.strip()]
    assert lines == [f"- python{PROJECT['requires-python']}", "- pip", "- pip:", "- -e .[all]"]
    assert EXTRAS["all"] == ["digitvision[dev]"]


def test_the_base_has_no_tensorflow():
    base = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert base == {
        "click", "flask", "granian", "msgspec", "numpy", "onnxruntime", "pillow",
        "platformdirs", "scipy",
    }  # fmt: skip


def test_the_lock_file_satisfies_pyproject():
    locked = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (version,) = requirement.specifier
            locked.setdefault(requirement.name, []).append(version.version)
    for line in PROJECT["dependencies"] + [line for extra in EXTRAS.values() for line in extra]:
        requirement = Requirement(line)
        if requirement.name != "digitvision":
            versions = locked[requirement.name]
            assert all(requirement.specifier.contains(version) for version in versions), line


def test_notebooks_are_clean_and_modules_in_step_with_them(tmp_path):
    for name in ("notebooks", "digitvision"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    for command in ("nbdev-clean", "nbdev-export"):
        subprocess.run([Path(sys.executable).parent / command], cwd=tmp_path, check=True)
    for path in [*(tmp_path / "notebooks").iterdir(), *(tmp_path / "digitvision").rglob("*.py")]:
        here = ROOT / path.relative_to(tmp_path)
        if path.is_file():
            assert path.read_bytes() == here.read_bytes(), f"{here} is not clean or not in step"


def test_shipped_models_have_a_card_that_fits():
    for onnx in (ROOT / "digitvision" / "checkpoints").glob("*.onnx"):
        card = json.loads(onnx.with_suffix(".json").read_text(encoding="utf-8"))
        assert card["sha256"] == hashlib.sha256(onnx.read_bytes()).hexdigest()
        assert onnx.with_suffix(".keras").exists()
        for split in ("validation", "test"):
            low, high = card[split]["interval_95"]
            assert low < card[split]["accuracy"] < high


def test_there_is_one_version():
    import digitvision

    assert digitvision.__version__ == metadata.version("digitvision")
    assert PROJECT["dynamic"] == ["version"]


LONG = {  # files over 300 lines, and why
    "digitvision/_modidx.py": "nbdev's index",
}
SOURCES = [
    path
    for folder in ("app", "digitvision", "tests")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".js", ".css", ".html")
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    if path.relative_to(ROOT).as_posix() not in LONG:
        assert len(text.splitlines()) <= 300
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 50, node.name
