"""`python -m digitvision.app` under attack and under load: slow, idle and too many clients, and the end."""

import http.client
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.digits import DIGITS
from support.helpers import data_url, family, serve

from digitvision.preprocess import rasterize

BODY = json.dumps({"image": data_url(rasterize(DIGITS[4]))}).encode()
HEADERS = {"Content-Type": "application/json"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")


def connect(address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)


def ask(connection: http.client.HTTPConnection, body: bytes = BODY) -> tuple[int, dict]:
    connection.request("POST", "/api/predict", body, HEADERS)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def ask_once(address: str) -> tuple[int, str | None, str | None]:
    "Status, code of the error and when to come back, over a connection of its own."
    connection = connect(address)
    connection.request("POST", "/api/predict", BODY, HEADERS)
    response = connection.getresponse()
    code = json.loads(response.read()).get("error", {}).get("code")
    connection.close()
    return response.status, code, response.headers["Retry-After"]


def dial(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


@pytest.mark.parametrize(
    "sent", [b"", b"POST /api/pre", b"slow body"], ids=["idle", "head", "body"]
)
def test_slow_clients_do_not_hold_the_server(server, sent):
    if sent == b"slow body":
        head = f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODY)}\r\n"
        sent = head.encode() + b"Content-Type: application/json\r\n\r\n" + BODY[:100]
    clients = [dial(server) for _ in range(100)]
    try:
        for client in clients:
            client.sendall(sent)
        connection = connect(server)
        start = time.perf_counter()
        assert [ask(connection)[1]["digit"] for _ in range(5)] == [4] * 5
        assert time.perf_counter() - start < 2
        connection.close()
        clients[0].sendall(BODY[100:] if b"Content-Length" in sent else b"")
        if b"Content-Length" in sent:
            assert clients[0].recv(12) == b"HTTP/1.1 200"
    finally:
        for client in clients:
            client.close()


@POSIX
def test_a_thousand_idle_connections_leave_room_for_one_that_asks():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= 2500
    assert enough, f"allow this test 2,500 open files (ulimit -Hn): {hard} are too few"
    resource.setrlimit(resource.RLIMIT_NOFILE, (2500, hard))  # the server inherits it
    clients = []
    try:
        with serve("--workers", "1") as (address, _):
            for _ in range(1100):  # select() ends at 1,024
                clients.append(dial(address))
            connection = connect(address)
            assert ask(connection)[1]["digit"] == 4
            connection.close()
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_takes_too_long_to_arrive_is_hung_up_on():
    script = "import digitvision.app.server as s; s.PATIENCE = 0.5; from digitvision.app.__main__ import main; main()"
    with serve(command=[sys.executable, "-c", script]) as (address, _):
        slow, idle = dial(address), dial(address)
        slow.sendall(b"POST /api/predict HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        deadline = time.monotonic() + 10
        waiting = {slow, idle}
        while waiting and time.monotonic() < deadline:
            if slow in waiting:
                try:
                    slow.sendall(b" ")  # a byte now and then does not help
                except OSError:
                    waiting.discard(slow)
            for client in select.select(list(waiting), [], [], 0.3)[0]:
                try:
                    gone = client.recv(9) == b""
                except OSError:
                    gone = True
                if gone:
                    waiting.discard(client)
        assert not waiting
        slow.close()
        idle.close()


def test_who_does_not_take_the_answer_is_hung_up_on():
    script = "import digitvision.app.server as s; s.PATIENCE = 1; from digitvision.app.__main__ import main; main()"
    with serve(command=[sys.executable, "-c", script]) as (address, _):
        greedy = dial(address)
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        end = time.monotonic() + 10
        with pytest.raises(ConnectionError):
            while time.monotonic() < end:
                greedy.sendall(b"GET /static/js/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        greedy.close()
        connection = connect(address)
        assert ask(connection)[1]["digit"] == 4
        connection.close()


def test_a_full_queue_says_when_to_come_back():
    script = (
        "import digitvision.app.server as s; s.QUEUE = 2; from digitvision import app; import time; real = app.prepare\n"
        "app.prepare = lambda *a: time.sleep(0.5) or real(*a)\n"
        "from digitvision.app.__main__ import main; main()"
    )

    with serve("--workers", "1", command=[sys.executable, "-c", script]) as (address, _):
        with ThreadPoolExecutor(24) as pool:
            start = time.perf_counter()
            answers = list(pool.map(ask_once, [address] * 24))
        assert time.perf_counter() - start < 6
    assert set(answers) == {(200, None, None), (503, "overloaded", "1")}
    assert answers.count((200, None, None)) <= 10


@POSIX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_stop_loses_no_request_that_was_accepted(number):
    answered, lost = [], []
    stopped = threading.Event()

    def client(address: str) -> None:
        connection = connect(address)
        while True:
            try:
                connection.connect()
            except OSError:  # the door is closed: nothing was accepted
                return
            while True:
                try:
                    connection.request("POST", "/api/predict", BODY, HEADERS)
                    response = connection.getresponse()
                    answered.append(json.loads(response.read())["digit"])
                except (OSError, http.client.HTTPException) as error:
                    lost.append(repr(error))
                    break
                if response.headers["Connection"] == "close":
                    break
            connection.close()

    with serve() as (address, process):
        threads = [threading.Thread(target=client, args=[address]) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        process.send_signal(number)
        for thread in threads:
            thread.join(20)
        stopped.set()
        assert process.wait(10) == 0
    assert lost == []
    assert len(answered) > 50 and set(answered) == {4}


@POSIX
def test_a_worker_that_is_killed_comes_back_and_one_try_more_loses_nothing():
    answered, failed, end = [], [], time.monotonic() + 4

    def client(address: str) -> None:
        connection = connect(address)
        while time.monotonic() < end:
            try:
                answered.append(ask(connection)[1]["digit"])
            except (OSError, http.client.HTTPException):
                failed.append(time.monotonic())
                connection.close()
                answered.append(ask(connection)[1]["digit"])
        connection.close()

    with serve("--workers", "2") as (address, process):
        workers = family(process)[1:]
        threads = [threading.Thread(target=client, args=[address]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for victim in workers:  # one after the other: each has some of the clients
            time.sleep(1)
            os.kill(victim, signal.SIGKILL)
        for thread in threads:
            thread.join(20)
        now = family(process)
        assert len(now) == 3 and not set(now) & set(workers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert set(answered) == {4} and len(answered) > 100
    assert 1 <= len(failed) <= 16


@POSIX
def test_the_counts_of_all_workers_add_up():
    with serve("--workers", "3") as (address, process):
        victim = family(process, 3)[1]
        connections = [connect(address) for _ in range(12)]
        for connection in connections * 5:
            assert ask(connection)[0] == 200
        os.kill(victim, signal.SIGKILL)  # its counts stay
        told = set()
        for _ in range(12):
            connection = connect(address)
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            told |= {line for line in text.splitlines() if "predict" in line and "200" in line}
            connection.close()
        for connection in connections:
            connection.close()
    labels = 'method="POST",route="/api/predict",status="200"'
    assert told == {f"digitvision_requests_total{{{labels}}} 60.0"}


@POSIX
def test_workers_end_when_nobody_is_left_to_stop_them():
    with serve("--workers", "2") as (address, process):
        assert len(family(process)) == 3
        process.kill()
        process.wait()
        host, port = address.removeprefix("http://").split(":")
        end = time.monotonic() + 10
        with pytest.raises(OSError):
            while time.monotonic() < end:
                socket.create_connection((host, int(port)), timeout=5).close()
                time.sleep(0.1)


@POSIX
def test_who_stands_at_the_door_when_it_closes_is_let_in():
    with serve("--workers", "1") as (address, process):
        process.send_signal(signal.SIGSTOP)
        waiting = [connect(address) for _ in range(5)]
        for connection in waiting:
            connection.request("POST", "/api/predict", BODY, HEADERS)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        for connection in waiting:
            assert json.loads(connection.getresponse().read())["digit"] == 4
            connection.close()
        assert process.wait(10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_thousand_requests_write_nothing_to_disk(tmp_path):
    def traces(process) -> list[tuple[str, str, set[str]]]:
        "Of each worker: bytes to disk, bytes written to anything but sockets, and open files."
        seen = []
        for proc in (Path(f"/proc/{number}") for number in family(process)):
            counts = dict(line.split(": ") for line in (proc / "io").read_text().splitlines())
            files = {os.readlink(one) for one in (proc / "fd").iterdir()}
            kept = {one for one in files if not one.startswith("socket:")}
            seen.append((counts["write_bytes"], counts["wchar"], kept))
        return seen

    with serve("--workers", "2", cwd=tmp_path) as (address, process):
        connections = [connect(address) for _ in range(8)]  # some to each worker
        for connection in connections:
            ask(connection)
        before = traces(process)
        large = BODY + b" " * 1_900_000
        for number in range(1000):
            sent = large if number % 100 == 0 else BODY
            assert ask(connections[number % 8], sent)[0] == 200
        assert traces(process) == before
        for connection in connections:
            connection.close()
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_a_full_disk_is_no_trouble(tmp_path):
    import resource

    def no_byte_to_any_file():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with serve("--log-requests", preexec_fn=no_byte_to_any_file, stderr=-3) as (address, _):
        connection = connect(address)
        for body in (BODY, BODY + b" " * 1_900_000):
            assert ask(connection, body)[1]["digit"] == 4
        connection.close()


@pytest.mark.parametrize("years", ["3e8", "-3e8"], ids=["ahead", "back"])
def test_a_clock_that_jumps_is_no_trouble(years):
    script = (
        "import time; real, begin = time.time, time.monotonic()\n"
        f"time.time = lambda: real() + (time.monotonic() - begin > 4) * {years}\n"
        "from digitvision.app.__main__ import main; main()"
    )
    with serve(command=[sys.executable, "-c", script]) as (address, _):
        connection = connect(address)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert ask(connection)[1]["digit"] == 4
            time.sleep(0.7)  # idle, while the connections are looked after
        connection.close()
