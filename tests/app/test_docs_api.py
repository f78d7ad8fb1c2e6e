"""The examples of docs/api.md do what it says, on a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from digitvision.app import create_app
from digitvision.app.errors import ERRORS

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
CODES = {code for _, code, _ in ERRORS.values()}


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="bash and curl")
def test_the_examples_run(server, tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    replies = []
    for block in re.findall(r"^```bash\n(.+?)^```", API, re.M | re.S):
        command = "set -eo pipefail\n" + block.replace("http://127.0.0.1:8000", server)
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        replies += [json.loads(line) for line in run.stdout.splitlines()]
    one, tiny, python, batch, inside, card, health = replies
    assert one["digit"] == tiny["digit"] == batch["predictions"][0]["digit"] == 7
    assert python == one
    assert batch["predictions"][1]["error"]["code"] == "invalid_image"
    assert inside["digit"] == 7 and len(inside["timeline"]["points"]) == 4
    assert card["name"] == one["model"] == health["model"]


def test_every_route_is_documented():
    rules = [rule for rule in create_app().url_map.iter_rules() if rule.endpoint != "static"]
    for rule in rules:
        (method,) = rule.methods - {"HEAD", "OPTIONS"}
        assert rule.rule == "/" or f"`{method} {rule.rule}`" in API, rule


def test_every_error_is_documented():
    assert [code for code in CODES if f"`{code}`" not in API] == []
