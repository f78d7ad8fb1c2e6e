"""The wheel, installed where the repository is not: what a user gets from `pip install`."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest
from support.helpers import serve

from digitvision.preprocess import rasterize

ROOT = Path(__file__).parents[2]
PIP = ["-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    "The wheel, built from a copy: setuptools would take over what is left in a folder build."
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("app", "digitvision"):
        shutil.copytree(ROOT / name, folder / "source" / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    command = [sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, folder / "source"], check=True)
    return next(folder.glob("digitvision-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    "The folder of the programs of a fresh environment with the wheel and its dependencies."
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    lock = ["--constraint", ROOT / "requirements.lock"]
    subprocess.run([programs / "python", *PIP, "install", *lock, wheel], check=True)
    return programs


def test_the_wheel_has_one_package_with_the_page_and_the_models(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"digitvision"}
    for name in ("app/static/index.html", "app/static/js/app.js", "checkpoints/digitvision.onnx"):
        assert f"digitvision/{name}" in names


def test_what_the_app_needs_takes_less_than_400_megabytes(installed):
    (packages,) = [path for path in installed.parent.rglob("site-packages") if path.is_dir()]
    own = [path for path in packages.iterdir() if not path.name.startswith(("pip", "setuptools"))]
    files = [file for path in own for file in [path, *path.rglob("*")] if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 400e6


def test_the_installed_command_predicts(installed, tmp_path):
    rasterize([[(60, 60), (200, 60), (110, 220)]]).save(tmp_path / "seven.png")
    command = [installed / "digitvision", "predict", "--json", "seven.png"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)[0]["digit"] == 7


def test_the_installed_app_serves_the_page(installed, tmp_path):
    (tmp_path / "app").mkdir()  # a folder of the user's own, which must not be taken for ours
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('the wrong app')")
    with serve(command=(str(installed / "digitvision"), "app"), cwd=tmp_path) as (address, _):
        assert json.load(urlopen(f"{address}/api/health"))["status"] == "ok"
        with urlopen(f"{address}/static/js/app.js") as script:
            assert script.headers.get_content_type() == "text/javascript"
