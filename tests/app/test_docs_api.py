"""The examples of docs/api.md do what it says, on a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from digitvision.app.errors import ERRORS
from digitvision.app.schemas import ROUTES

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="bash and curl")
def test_the_examples_run(server, tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    blocks = re.findall(r"^```bash\n(.+?)^```", API, re.M | re.S)
    script = "set -eo pipefail\n" + "".join(blocks).replace("http://127.0.0.1:8000", server)
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    one, tiny, python, batch, inside, cell, card, health = map(json.loads, run.stdout.splitlines())
    assert one["digit"] == tiny["digit"] == batch["predictions"][0]["digit"] == 7
    assert python == one
    assert batch["predictions"][1]["error"]["code"] == "invalid_image"
    assert inside["digit"] == 7 and len(inside["timeline"]["points"]) == 4
    assert cell["layer"] == "conv2" and len(cell["terms"]) == 3
    assert card["name"] == one["model"] == health["model"]


def test_every_route_and_every_error_is_documented():
    names = [f"{method.upper()} {path}" for method, path, *_ in ROUTES]
    names += [code for _, code, _ in ERRORS.values()]
    assert [name for name in names if f"`{name}`" not in API] == []
