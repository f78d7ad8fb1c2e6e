"""`python -m digitvision.app`: the real server on a real port, what it says and what it refuses."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from PIL import Image
from support.digits import DIGITS
from support.helpers import data_url, serve

from digitvision import app
from digitvision.inference import CHECKPOINTS
from digitvision.preprocess import rasterize

MEBIBYTE = 1024 * 1024


def run(*options: str, **more) -> subprocess.CompletedProcess:
    "The app started with options it must refuse."
    command = [sys.executable, "-m", "digitvision.app", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, **more)


def post_chunked(address: str, body: bytes) -> tuple[int, dict]:
    "A body without Content-Length, in chunks, as a stream is sent."
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    chunks = (body[start : start + 65536] for start in range(0, len(body), 65536))
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/api/predict", chunks, headers, encode_chunked=True)
    response = connection.getresponse()
    reply = response.status, json.loads(response.read())
    connection.close()
    return reply


def test_it_is_ready_soon_says_where_and_stops_quietly():
    start = time.perf_counter()
    with serve() as (address, process):
        with urlopen(f"{address}/api/health") as response:
            assert json.load(response)["status"] == "ok"
        seconds = time.perf_counter() - start
        print(f"process start to first answer: {seconds:.2f} s")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert seconds < 5  # 0.8 s on two idle cores


def test_it_predicts_over_the_wire(server):
    body = json.dumps({"image": data_url(rasterize(DIGITS[4]))}).encode()
    request = Request(f"{server}/api/predict", body, {"Content-Type": "application/json"})
    with urlopen(request) as response:
        assert json.load(response)["digit"] == 4
        assert response.headers["Server"] is None
    assert post_chunked(server, body)[1]["digit"] == 4


def test_what_strangers_send_is_no_news_to_the_operator():
    with serve(stderr=subprocess.PIPE) as (address, process):
        body = json.dumps({"image": data_url(Image.new("1", (10_000, 10_000)))}).encode()
        assert post_chunked(address, body)[0] == 413
        process.terminate()
        assert process.stderr.read() == ""


@pytest.mark.parametrize("size", [3, 7])
def test_a_chunked_body_over_the_limit_is_a_413(server, size):
    status, reply = post_chunked(server, b" " * (size * MEBIBYTE))
    assert (status, reply["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("request_head", "status", "code"),
    [
        (f"POST /api/predict HTTP/1.1\r\nContent-Length: {10**9}", 413, "body_too_large"),
        ("POST /api/predict HTTP/1.1\r\nContent-Length: many", 400, "bad_http"),
        ("POST /api/predict HTTP/1.1\r\nTransfer-Encoding: gzip", 501, "bad_http"),
    ],
)
def test_what_never_reaches_the_app_is_an_error_of_the_same_shape(
    server, request_head, status, code
):
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{request_head}\r\n\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        reply = json.loads(response.read())
        response.close()
    assert (response.status, reply["error"]["code"]) == (status, code)
    assert reply["error"]["message"]


def test_a_port_in_use_is_a_sentence_and_not_a_traceback(server):
    port = server.rsplit(":", 1)[1]
    refused = run("--port", port)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: Port {port} of 127.0.0.1 is in use. Choose another with --port.\n"
    )


def test_an_unknown_model_is_a_sentence():
    refused = run("--model", "nothing")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: There is no model 'nothing'; there is")
    assert "Traceback" not in refused.stderr


def test_a_damaged_model_is_refused(tmp_path):
    package = tmp_path / "digitvision"
    shutil.copytree(CHECKPOINTS.parent, package)
    shutil.copytree(Path(app.__file__).parent, tmp_path / "app")
    with (package / "checkpoints" / "digitvision.onnx").open("ab") as file:
        file.write(b"one byte too many")
    refused = run(cwd=tmp_path)
    assert refused.returncode == 1
    assert "its SHA-256 differs" in refused.stderr and "Traceback" not in refused.stderr
