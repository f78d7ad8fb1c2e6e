"""The real server on a real port: how it starts, whom it serves under load, how it stops."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image
from support.contract import BODY, JSON, SEVEN
from support.helpers import connections, data_url, dial, serve

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")
HEAD = f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n"
SLOW = f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode()


def ask(address: str, body=BODY, session=requests) -> tuple[int, dict]:
    "Return the status and the JSON of an answer."
    headers = {"Content-Type": JSON}
    response = session.post(f"{address}/api/predict", body, headers=headers, timeout=20)
    return response.status_code, response.json()


def workers(process: subprocess.Popen) -> list[psutil.Process]:
    "The processes that serve; another one tracks what they share."
    children = psutil.Process(process.pid).children()
    return [one for one in children if "resource_tracker" not in " ".join(one.cmdline())]


# Starting


@pytest.mark.parametrize("command", ["-m digitvision.app", "-m app", "-m digitvision.cli app"])
def test_every_way_to_start_it_says_where_and_stops_quietly(command):
    command = [sys.executable, *command.split()]
    with serve("--workers", "2", command=command, cwd=ROOT, stderr=subprocess.PIPE) as started:
        address, process = started
        assert ask(address)[1]["digit"] == 7
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


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--port", "{port}"], 1, "Error: Port {port} of 127.0.0.1 is in use. Choose another with"),
        (["--model", "nothing"], 1, "There is no model 'nothing'"),
        (["--host", "no.such.host.invalid"], 1, "There is no address no.such.host.invalid"),
        (["--address", "auto"], 2, "--address is for --engine ray"),
        (["--engine", "ray", "--log-requests"], 2, "--log-requests for --engine local"),
    ],
)
def test_options_that_cannot_work_are_a_sentence(server, options, code, message):
    port = server.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "digitvision.app", *options]
    refused = subprocess.run(
        [one.format(port=port) for one in command], capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == code
    assert message.format(port=port) in refused.stderr and "Traceback" not in refused.stderr


# Answering


def test_it_predicts_over_the_wire(server):
    assert ask(server)[1]["digit"] == 7
    in_chunks = (BODY[start : start + 1000] for start in range(0, len(BODY), 1000))
    assert ask(server, in_chunks)[1]["digit"] == 7


@pytest.mark.parametrize("mebibytes", [3, 7])
def test_a_chunked_body_over_the_limit_is_a_413(server, mebibytes):
    status, reply = ask(server, (b" " * 65536 for _ in range(mebibytes * 16)))
    assert (status, reply["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"{HEAD}Content-Length: 1000000000", b"413"),
        ("POST /api/predict HTTP/1.1\r\nContent-Length: many", b"400"),
        ("nonsense", b"400"),
    ],
)
def test_bad_http_is_refused(server, head, status):
    with dial(server) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 " + status


def test_bad_pictures_are_not_logged_and_requests_are_on_demand():
    with serve("--log-requests", "--workers", "1", stderr=subprocess.PIPE) as (address, process):
        for picture, status in ((Image.new("1", (10_000, 10_000)), 413), (SEVEN, 200)):
            assert ask(address, json.dumps({"image": data_url(picture)}))[0] == status
            line = process.stdout.readline()
            assert f"POST /api/predict {status}" in line and "base64" not in line
        process.terminate()
        assert process.communicate(timeout=20) == ("", "")


# Under load


BEGINNINGS = {"idle": b"", "head": SLOW[:13], "body": SLOW + BODY[:100]}


@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
def test_slow_clients_do_not_hold_the_server(server, sent):
    with connections(server, 100, sent) as slow:
        assert [ask(server)[1]["digit"] for _ in range(5)] == [7] * 5
        slow[0].sendall((SLOW + BODY)[len(sent) :])
        assert slow[0].recv(12) == b"HTTP/1.1 200"


@POSIX
def test_a_thousand_idle_connections_leave_room_for_one_that_asks():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= 2500, "ulimit -Hn must be 2,500 at least"
    resource.setrlimit(resource.RLIMIT_NOFILE, (2500, hard))
    try:
        with serve("--workers", "1") as (address, _), connections(address, 1100, b""):
            assert ask(address)[1]["digit"] == 7
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@POSIX
def test_more_connections_than_descriptors_are_no_busy_loop():
    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    with serve("--workers", "1", preexec_fn=limit, stderr=subprocess.PIPE) as (address, process):
        with connections(address, 100, b""):
            (worker,) = workers(process)
            before = sum(worker.cpu_times()[:2])
            assert select.select([process.stderr], [], [], 2) == ([], [], [])  # nothing is logged
            assert sum(worker.cpu_times()[:2]) - before < 0.5  # seconds of processor
        assert ask(address)[1]["digit"] == 7
        process.terminate()
        assert process.communicate(timeout=20) == ("", "")


@POSIX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_being_answered_are_finished_when_the_server_stops(number):
    head = SLOW.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with serve("--workers", "2") as (address, process):
        with connections(address, 20, head) as started:
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
                digit = ask(address)[1]["digit"]
        assert digit == 7


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
        ask(address)
        before = worker.io_counters().write_bytes, len(worker.open_files())
        with requests.Session() as session:
            for body in [BODY, BODY + b" " * 1_900_000] * 20:
                assert ask(address, body, session)[0] == 200
        assert (worker.io_counters().write_bytes, len(worker.open_files())) == before
    assert list(tmp_path.iterdir()) == []
