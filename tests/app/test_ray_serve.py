"""`python -m digitvision.app --engine ray`: replicas that come with the load, die under it, and are refused in
the shape of every other error. (Its contract is that of test_http.py.)"""

import http.client
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.helpers import pgrep, serve
from test_server import post_chunked, run
from test_server_stress import BODY, ask, ask_once, connect

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pgrep")


def replicas() -> list[int]:
    return pgrep("-f", "^ray::ServeReplica")


class Clients:
    "Who asks, and asks again if nothing came of it: at most so many times."

    def __init__(self, address: str, count: int, tries: int = 20):
        self.address, self.tries = address, tries
        self.answered, self.refused, self.cut_off, self.lost = [], [], 0, 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.client) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def client(self) -> None:
        connection = connect(self.address)
        while not self.stop.is_set():
            self.lost += not any(self.attempt(connection) for _ in range(self.tries))
        connection.close()

    def attempt(self, connection: http.client.HTTPConnection) -> bool:
        try:
            status, reply = ask(connection)
        except (OSError, http.client.HTTPException):  # half an answer, or none
            self.cut_off += 1
            connection.close()
            return False
        if status == 200:
            self.answered.append(reply["digit"])
            return True
        self.refused.append((status, reply["error"]["code"]))
        time.sleep(0.2)
        return False

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


def test_replicas_come_with_the_load_and_one_that_is_killed_loses_nothing_that_a_retry_brings():
    with serve("--engine", "ray", "--workers", "2") as (address, process):
        assert len(replicas()) == 1
        clients = Clients(address, 12)
        end = time.monotonic() + 60
        while len(replicas()) < 2 and time.monotonic() < end:
            time.sleep(0.2)
        first, *more = replicas()
        assert more, "no replica came with the load"
        time.sleep(2)
        before = len(clients.answered)
        os.kill(first, signal.SIGKILL)
        time.sleep(4)
        clients.end()
        assert clients.lost == 0
        assert len(clients.answered) > before + 50 and set(clients.answered) == {4}
        assert set(clients.refused) <= {(503, "overloaded")}
        assert len(clients.refused) + clients.cut_off > 0
        print(f"{len(clients.refused)} refused, {clients.cut_off} cut off, all answered in the end")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_full_queue_says_when_to_come_back():
    script = "import digitvision.app.cluster as c; c.QUEUE = c.ONGOING = 1\nfrom digitvision.app.__main__ import main; main()"

    options = ["--engine", "ray", "--workers", "1"]
    with serve(*options, command=[sys.executable, "-c", script]) as (address, _):  # noqa: SIM117
        with ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(ask_once, [address] * 48))
    assert set(answers) == {(200, None, None), (503, "overloaded", "1")}


def test_it_joins_a_cluster_that_is_there_and_leaves_it_there(nodes):
    options = ["--engine", "ray", "--address", nodes.add(), "--workers", "2"]
    for sent in (signal.SIGKILL, signal.SIGTERM):  # who is killed leaves it to the next one
        with serve(*options) as (address, process):
            assert post_chunked(address, BODY)[1]["digit"] == 4
            process.send_signal(sent)
            assert process.wait(30) in (0, -sent)
    assert replicas() == []


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--address", "auto"], 2, "--address is for --engine ray."),
        (["--engine", "ray", "--log-requests"], 2, "Ray keeps a log of its own."),
        (["--engine", "ray", "--address", "127.0.0.1:1"], 1, "no Ray cluster at 127.0.0.1:1 "),
        (["--engine", "ray", "--address", "nonsense"], 1, "no Ray cluster at nonsense "),
        (["--engine", "ray", "--model", "nothing"], 1, "There is no model 'nothing'; there is"),
    ],
)
def test_what_cannot_be_is_a_sentence(options, code, message):
    refused = run(*options)
    assert refused.returncode == code
    assert message in refused.stderr and "Traceback" not in refused.stderr
