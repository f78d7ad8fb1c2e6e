"""The house is in order: one list of dependencies, notebooks and modules in step, cells small."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
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
        "click", "flask", "msgspec", "numpy", "onnxruntime", "pillow",
        "prometheus-client", "pyspng", "waitress",
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
    for path in [*(tmp_path / "notebooks").iterdir(), *(tmp_path / "digitvision").glob("*.py")]:
        here = ROOT / path.relative_to(tmp_path)
        if path.is_file():
            assert path.read_bytes() == here.read_bytes(), f"{here} is not clean or not in step"


def test_every_module_but_the_cli_comes_from_a_notebook():
    exported = {
        re.search(r"^#\| default_exp (\w+)", cell.source, re.M)[1]
        for path in NOTEBOOKS
        for cell in nbformat.read(path, 4).cells
        if cell.source.startswith("#| default_exp")
    }
    modules = {path.stem for path in (ROOT / "digitvision").glob("*.py")}
    assert {name for name in modules if not name.startswith(("_", "cli"))} == exported


def test_the_readme_has_every_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(notebooks/(\w+\.ipynb)\)", readme)) == {p.name for p in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_form_of_the_course(path):
    cells = nbformat.read(path, 4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert re.match(r"# \d\d\w? · .+\n\n> .+", text)
    assert "## What we learned" in text and "## Try it" in text
    following = re.search(r"^Next: \[.+\]\((.+)\)$", text, re.M)[1]
    assert (path.parent / following).exists()
    assert len(code) <= 40
    assert any(cell.outputs for cell in code), "store the outputs: readers should see the pictures"
    assert all(cell.execution_count is None for cell in code)


def test_the_numbers_in_the_readme_are_those_measured():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    card = json.loads((ROOT / "digitvision/checkpoints/baseline.json").read_text(encoding="utf-8"))
    for split in ("test", "validation"):
        low, high = card[split]["interval_95"]
        assert re.search(rf"{card[split]['accuracy']:.2%} \(.*{low:.2%} to {high:.2%}\)", readme)
    cells = nbformat.read(ROOT / "notebooks/07_inference.ipynb", 4).cells
    outputs = [output.get("text", "") for cell in cells for output in cell.get("outputs", [])]
    (measured,) = [text for text in outputs if text.startswith("accuracy on")]
    table = readme.split("redrawn on a canvas")[1].split("(Measured")[0]
    accuracies = r"\d+\.\d%"
    assert re.findall(accuracies, table) == re.findall(accuracies, measured)


def test_shipped_models_have_a_card_that_fits():
    for onnx in (ROOT / "digitvision" / "checkpoints").glob("*.onnx"):
        card = json.loads(onnx.with_suffix(".json").read_text(encoding="utf-8"))
        assert card["sha256"] == hashlib.sha256(onnx.read_bytes()).hexdigest()
        assert onnx.with_suffix(".keras").exists()
        for split in ("validation", "test"):
            low, high = card[split]["interval_95"]
            assert low < card[split]["accuracy"] < high
