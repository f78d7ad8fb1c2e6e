"""The app behind Ray Serve predicts as it does alone, and says what is wrong with a cluster."""

import json
import os
import signal
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest
from support.contract import JSON, SEVEN
from support.helpers import data_url, serve

pytestmark = [pytest.mark.ray, pytest.mark.skipif(os.name == "nt", reason="POSIX signals")]


def test_it_predicts_on_a_cluster_and_leaves_the_cluster_there(nodes):
    body = json.dumps({"image": data_url(SEVEN)}).encode()
    with serve("--engine", "ray", "--address", nodes.address) as (address, process):
        request = Request(f"{address}/api/predict", body, {"Content-Type": JSON})
        with urlopen(request, timeout=60) as response:
            assert json.load(response)["digit"] == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert nodes.process.poll() is None


def test_a_cluster_that_is_not_there_is_a_sentence():
    command = [sys.executable, "-m", "digitvision.app", "--engine", "ray"]
    command += ["--address", "127.0.0.1:1"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "There is no Ray cluster at 127.0.0.1:1" in refused.stderr
    assert "Traceback" not in refused.stderr
