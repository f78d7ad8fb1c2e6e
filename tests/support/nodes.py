"""A Ray cluster of two nodes in a process of its own, because Ray emits warnings."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

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
QUIET = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}


class Nodes:
    "A cluster: a head node with one CPU, and a second node that can be added and killed."

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.address = process.stdout.readline().strip()
        assert self.address, "the head node did not start"

    def add(self) -> str:
        "Add the second node; return the address of the cluster."
        return self._send("add")

    def kill(self) -> None:
        "Kill the second node."
        self._send("kill")

    def tasks(self, name: str) -> list[int]:
        "Return the ids of the processes that are running a task of this name."
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                found += [process.pid] if process.cmdline()[:1] == [f"ray::{name}"] else []
            except psutil.NoSuchProcess:
                continue
        return found

    def _send(self, word: str) -> str:
        "Send a command to the process; return its answer, the address of the cluster."
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def start_nodes() -> Iterator[Nodes]:
    "Start the head node; stop the cluster at the end."
    command = [sys.executable, "-c", NODES]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=QUIET, text=True, **pipes) as process:
        yield Nodes(process)
        process.stdin.close()
