"""A Ray cluster of two nodes in a process of its own, because Ray emits warnings."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
from support.sweeps import QUIET

NODES = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
print(cluster.address, flush=True)
for line in sys.stdin:
    if line == "add\\n":
        node = cluster.add_node(num_cpus=1)
    else:
        cluster.remove_node(node, allow_graceful=False)
    print(cluster.address, flush=True)
cluster.shutdown()
"""


class Nodes:
    "A cluster: a head node with one CPU, and a second node that can be added and killed."

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.address = process.stdout.readline().strip()
        assert self.address, "the head node did not start"

    def add(self) -> None:
        "Add the second node."
        self._send("add")

    def kill(self) -> None:
        "Kill the second node."
        self._send("kill")

    def tasks(self, name: str) -> list[int]:
        "Return the ids of the processes that are running a task of this name."
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it may end any moment
                found += [process.pid] if process.cmdline()[:1] == [f"ray::{name}"] else []
        return found

    def _send(self, word: str) -> None:
        "Send a command to the process, and wait until it is done."
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


@contextmanager
def start_nodes() -> Iterator[Nodes]:
    "Start the head node; stop the cluster at the end."
    command = [sys.executable, "-c", NODES]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=QUIET, text=True, **pipes) as process:
        yield Nodes(process)
        process.stdin.close()
