"""The real server on a real port: how it starts, whom it serves under load, how it stops."""

import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from PIL import Image
from support.digits import DIGITS
from support.helpers import data_url, serve

from digitvision.inference import CHECKPOINTS
from digitvision.preprocess import rasterize

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024 * 1024
BODY = json.dumps({"image": data_url(rasterize(DIGITS[4]))}).encode()
HEADERS = {"Content-Type": "application/json"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")
SLOW = (
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)


def connect(address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)


def ask(connection: http.client.HTTPConnection, body=BODY, **options) -> tuple[int, dict]:
    connection.request("POST", "/api/predict", body, HEADERS, **options)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def ask_once(address: str, body=BODY, **options) -> tuple[int, dict]:
    with closing(connect(address)) as connection:
        return ask(connection, body, **options)


def dial(address: str, timeout: float = 20) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=timeout)


@contextmanager
def clients(address: str, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    "Connections that have sent the beginning of a request, or nothing."
    opened = []
    try:
        for _ in range(count):
            opened.append(dial(address))
            opened[-1].sendall(sent)
        yield opened
    finally:
        for client in opened:
            client.close()


def workers(process: subprocess.Popen) -> list[psutil.Process]:
    "The processes that serve; another one tracks what they share."
    children = psutil.Process(process.pid).children()
    return [one for one in children if "resource_tracker" not in " ".join(one.cmdline())]


# Starting


def run(*options: str, **more) -> subprocess.CompletedProcess:
    "Start the app with options that it must refuse."
    command = [sys.executable, "-m", "digitvision.app", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


@pytest.mark.parametrize("command", ["-m digitvision.app", "-m app", "-m digitvision.cli app"])
def test_every_way_to_start_it_says_where_and_stops_quietly(command):
    command = [sys.executable, *command.split()]
    with serve("--workers", "2", command=command, cwd=ROOT, stderr=subprocess.PIPE) as started:
        address, process = started
        with urlopen(f"{address}/api/health") as response:
            assert json.load(response)["status"] == "ok"
        process.terminate()
        output, errors = process.communicate(timeout=20)
        assert (output, errors) == ("", "")
        assert process.returncode == 0 or sys.platform == "win32"


@POSIX
def test_control_c_is_a_quiet_stop():
    with serve(start_new_session=True, stderr=subprocess.PIPE) as (_, process):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0


def test_a_port_in_use_is_a_sentence_and_not_a_traceback(server):
    port = server.rsplit(":", 1)[1]
    refused = run("--port", port)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: Port {port} of 127.0.0.1 is in use. Choose another with --port.\n"
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--model", "nothing"], 1, "There is no model 'nothing'"),
        (["--host", "no.such.host.invalid"], 1, "There is no address no.such.host.invalid"),
        (["--address", "auto"], 2, "--address is for --engine ray"),
        (["--engine", "ray", "--log-requests"], 2, "--log-requests for --engine local"),
    ],
)
def test_options_that_cannot_work_are_a_sentence(options, code, message):
    refused = run(*options)
    assert refused.returncode == code
    assert message in refused.stderr and "Traceback" not in refused.stderr


def test_a_damaged_model_is_refused(tmp_path):
    package = tmp_path / "digitvision"
    shutil.copytree(CHECKPOINTS.parent, package)
    shutil.copytree(ROOT / "app", package / "app")
    with (package / "checkpoints" / "digitvision.onnx").open("ab") as file:
        file.write(b"one byte too many")
    refused = run(cwd=tmp_path)
    assert refused.returncode == 1
    assert "its SHA-256 differs" in refused.stderr and "Traceback" not in refused.stderr


# Answering


def test_it_predicts_over_the_wire(server):
    assert ask_once(server)[1]["digit"] == 4
    chunks = (BODY[start : start + 1000] for start in range(0, len(BODY), 1000))
    assert ask_once(server, chunks, encode_chunked=True)[1]["digit"] == 4


@pytest.mark.parametrize("size", [3, 7])
def test_a_chunked_body_over_the_limit_is_a_413(server, size):
    chunks = (b" " * 65536 for _ in range(size * 16))
    status, reply = ask_once(server, chunks, encode_chunked=True)
    assert (status, reply["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (SLOW.decode().split("Content-Length")[0] + "Content-Length: 1000000000", 413),
        ("POST /api/predict HTTP/1.1\r\nContent-Length: many", 400),
        ("nonsense", 400),
    ],
)
def test_bad_http_is_refused(server, head, status):
    with dial(server) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status
        response.close()


def test_bad_pictures_are_not_logged_and_requests_are_on_demand():
    with serve("--log-requests", "--workers", "1", stderr=subprocess.PIPE) as (address, process):
        body = json.dumps({"image": data_url(Image.new("1", (10_000, 10_000)))}).encode()
        assert ask_once(address, body)[0] == 413
        assert ask_once(address)[0] == 200
        process.terminate()
        output, errors = process.communicate(timeout=20)
    assert errors == ""
    (first, second) = output.splitlines()
    assert "POST /api/predict 413" in first and "POST /api/predict 200" in second
    assert "base64" not in output


# Under load


BEGINNINGS = {"idle": b"", "head": b"POST /api/pre", "body": SLOW + BODY[:100]}


@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
def test_slow_clients_do_not_hold_the_server(server, sent):
    with clients(server, 100, sent) as slow:
        assert [ask_once(server)[1]["digit"] for _ in range(5)] == [4] * 5
        if sent.startswith(SLOW):
            slow[0].sendall(BODY[100:])
            assert slow[0].recv(12) == b"HTTP/1.1 200"


@POSIX
def test_a_thousand_idle_connections_leave_room_for_one_that_asks():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= 2500
    assert enough, f"allow this test 2,500 open files (ulimit -Hn): {hard} are too few"
    resource.setrlimit(resource.RLIMIT_NOFILE, (2500, hard))
    try:
        with serve("--workers", "1") as (address, _), clients(address, 1100, b""):
            assert ask_once(address)[1]["digit"] == 4
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@POSIX
def test_more_connections_than_descriptors_are_no_busy_loop():
    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    with serve("--workers", "1", preexec_fn=limit, stderr=subprocess.PIPE) as (address, process):
        with clients(address, 100, b""):
            (worker,) = workers(process)
            before = sum(worker.cpu_times()[:2])
            assert select.select([process.stderr], [], [], 2) == ([], [], [])  # nothing is logged
            assert sum(worker.cpu_times()[:2]) - before < 0.5  # seconds of processor
        assert ask_once(address)[1]["digit"] == 4
        process.terminate()
        assert process.communicate(timeout=20) == ("", "")


@POSIX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_being_answered_are_finished_when_the_server_stops(number):
    head = SLOW.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with serve("--workers", "2") as (address, process):
        with clients(address, 20, head) as started:
            for client in started:  # the app reads the body
                assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            process.send_signal(number)
            with pytest.raises(OSError):  # until the port is closed
                while True:
                    dial(address, timeout=0.5).close()
                    time.sleep(0.05)
            for client in started:
                client.sendall(BODY)
            answers = [client.recv(12) for client in started]
        assert process.wait(20) == 0
    assert answers == [b"HTTP/1.1 200"] * 20


@POSIX
def test_a_worker_that_is_killed_is_replaced():
    with serve("--workers", "1", stderr=subprocess.DEVNULL) as (address, process):
        (victim,) = workers(process)
        victim.kill()
        victim.wait(20)
        end, digit = time.monotonic() + 30, None
        while digit is None:
            assert time.monotonic() < end
            with suppress(OSError):
                digit = ask_once(address)[1]["digit"]
        assert digit == 4


@POSIX
def test_workers_stop_when_the_server_process_is_killed():
    with serve("--workers", "2") as (_, process):
        started = workers(process)
        process.kill()
        process.wait()
        assert psutil.wait_procs(started, timeout=20)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_requests_write_nothing_to_disk(tmp_path):
    with serve("--workers", "1", cwd=tmp_path) as (address, process):
        (worker,) = workers(process)
        ask_once(address)
        before = worker.io_counters().write_bytes, len(worker.open_files())
        with closing(connect(address)) as connection:
            for body in [BODY, BODY + b" " * 1_900_000] * 20:
                assert ask(connection, body)[0] == 200
        assert (worker.io_counters().write_bytes, len(worker.open_files())) == before
    assert list(tmp_path.iterdir()) == []
