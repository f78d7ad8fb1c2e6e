"""What serving and sweeping cost, with and without Ray: the tables of docs/scaling.md.

`PYTHONPATH=tests python -m benchmarks.scaling` takes about a quarter of an hour; each thing is
measured in turns with the others, so that a noisy machine is noisy for each."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np
import psutil
from benchmarks.report import put
from benchmarks.serving import load
from support.helpers import serve

PAGE = "scaling.md"
ROUNDS, SECONDS, CLIENTS = 3, 8, 16
SERVERS = [("local", 1), ("local", 2), ("ray", 1), ("ray", 2)]  # engine and workers
SWEEPS = [("local", 1), ("ray", 1), ("ray", 2)]
RUNS = 12
SWEEP = f"""
import sys, time
import ray
from digitvision.scale.cluster import run_all_on_ray
from digitvision.data import load_mnist
from digitvision.experiments import Experiment, run_all
from digitvision.train import Hyperparameters
mnist = load_mnist()
trial = Experiment("trial", "", "", Hyperparameters(epochs=4, patience=4), images=5_000)
engine, workers, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
place = {{"record": f"{{folder}}/trials.csv", "work": f"{{folder}}/runs", "progress": False}}
if engine == "ray":
    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
start = time.perf_counter()
run = run_all_on_ray if engine == "ray" else run_all
assert len(run([trial], range({RUNS}), mnist, **place)) == {RUNS}
print(time.perf_counter() - start)
"""


def tree(process: subprocess.Popen) -> list[psutil.Process]:
    "A server and all that it started."
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def cost(process: subprocess.Popen) -> float:
    "Seconds of processors that a server has taken."
    times = [one.cpu_times() for one in tree(process)]
    return sum(one.user + one.system for one in times)


def replicas(process: subprocess.Popen) -> int:
    return sum("ServeReplica" in " ".join(one.cmdline()) for one in tree(process))


def measure_server(engine: str, workers: int) -> dict[str, float]:
    "Its rate, times, and processor time and memory for what it answered."
    with serve("--engine", engine, "--workers", str(workers)) as (address, process):
        address += "/api/predict"
        end = time.monotonic() + 60
        load(address, CLIENTS, 2)
        while engine == "ray" and replicas(process) < workers and time.monotonic() < end:
            load(address, CLIENTS, 2)  # they come with the load
        before = cost(process)
        seen = load(address, CLIENTS, SECONDS)
        memory = sum(one.memory_full_info().uss for one in tree(process)) / 2**20
        seen |= {"cpu": 1000 * (cost(process) - before) / seen["answered"], "memory": memory}
        assert not seen["wrong"] and not seen["lost"]
        return seen


def serving() -> Iterator[str]:
    seen = {server: [] for server in SERVERS}
    for _ in range(ROUNDS):
        for server in SERVERS:
            seen[server].append(measure_server(*server))
    yield (
        "| engine | workers | requests/s | processor time of one | requests/s and core "
        "| p50 ms | p99 ms | memory |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for (engine, workers), runs in seen.items():
        one = {what: float(np.median([run[what] for run in runs])) for what in runs[0]}
        low, high = (pick(run["rate"] for run in runs) for pick in (min, max))
        yield (
            f"| {engine} | {workers} | {one['rate']:.0f} ({low:.0f} to {high:.0f}) "
            f"| {one['cpu']:.2f} ms | {1000 / one['cpu']:.0f} | {one['p50']:.0f} "
            f"| {one['p99']:.0f} | {one['memory']:.0f} MiB |"
        )


def sweeping() -> Iterator[str]:
    seen = {sweep: [] for sweep in SWEEPS}
    for _ in range(ROUNDS):
        for engine, workers in SWEEPS:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", SWEEP, engine, str(workers), folder]
                run = subprocess.run(command, capture_output=True, text=True, check=True)
            seen[engine, workers].append(float(run.stdout.split()[-1]))
    base = float(np.median(seen["local", 1]))
    yield "| engine | runs at once | seconds | runs a minute | times as fast |"
    yield "|---|---|---|---|---|"
    for (engine, workers), runs in seen.items():
        took = float(np.median(runs))
        yield (
            f"| {engine} | {workers} | {took:.0f} ({min(runs):.0f} to {max(runs):.0f}) "
            f"| {60 * RUNS / took:.1f} | {base / took:.2f} |"
        )


if __name__ == "__main__":
    put("serving", list(serving()), PAGE)
    put("sweeping", list(sweeping()), PAGE)
