"""Compare the app with a naive server: the same model and drawings, in one run.

Run it with `make bench`: both are up at once and loaded in turns, so that a noisy machine is noisy
for each. It writes the first table of docs/benchmarks.md, ratios first, and its plot. A third
server is compared if BEFORE is set to the folder of another checkout and BEFORE_PYTHON to its
Python."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import matplotlib.pyplot as plt
import numpy as np
import psutil
from benchmarks.report import DOCS, put
from support.helpers import free_port

ROUNDS, SECONDS, CLIENTS = 3, 3, (1, 8, 32)
ROOT = Path(__file__).parent.parent.parent
PLOT = DOCS / "benchmarks.svg"
OURS, NAIVE = "DigitVision", "Flask + Keras"


@contextmanager
def serving(*command: str, folder: Path = ROOT) -> Iterator[tuple[str, psutil.Process, float]]:
    "Start a server; yield its address, its process and the seconds until it answered."
    port, start = free_port(), time.perf_counter()
    paths = {"PYTHONPATH": os.pathsep.join([str(folder), str(folder / "tests")])}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = psutil.Popen([*command, str(port)], env=os.environ | paths, cwd=folder, **silent)
    address = f"http://127.0.0.1:{port}/api"
    try:
        while True:
            with suppress(OSError):
                urlopen(f"{address}/health", timeout=1).close()
                break
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} did not start.")
            time.sleep(0.02)
        yield f"{address}/predict", process, time.perf_counter() - start
    finally:
        with suppress(psutil.NoSuchProcess):  # it was stopped before
            process.terminate()
        process.wait()


def apps() -> dict[str, AbstractContextManager]:
    "Return the app and, if BEFORE is set, that of another checkout; none is started yet."
    servers = {"DigitVision": serving(sys.executable, "-m", "digitvision.app", "--port")}
    if before := os.environ.get("BEFORE"):
        command = [os.environ["BEFORE_PYTHON"], "-m", "app", "--port"]
        servers["DigitVision before"] = serving(*command, folder=Path(before))
    return servers


def load(address: str, clients: int, seconds: float) -> dict[str, float]:
    "Load a server from a process of its own; return what it measured."
    command = [sys.executable, "-m", "benchmarks.load", address, str(clients), str(seconds)]
    run = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def measure(addresses: dict[str, str]) -> dict[tuple[str, int], dict[str, float]]:
    "Return the medians over the rounds, for each server and number of clients."
    seen = {(name, clients): [] for clients in CLIENTS for name in addresses}
    for address in addresses.values():  # warm up: Keras compiles at its first call
        load(address, 2, 2)
    for done in range(ROUNDS):
        for name, clients in seen:
            seen[name, clients].append(load(addresses[name], clients, SECONDS))
        print(f"\rround {done + 1} of {ROUNDS}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {
        key: {what: float(np.median([one[what] for one in runs])) for what in runs[0]}
        for key, runs in seen.items()
    }


def table(results: dict, ready: dict[str, float]) -> Iterator[str]:
    "Yield the lines of two Markdown tables: ratios, then numbers."
    rivals = [name for name in ready if name != OURS]
    heads = [f"requests/s, ours ÷ {name} | p50, {name} ÷ ours" for name in rivals]
    yield f"| clients | {' | '.join(heads)} | p99 ÷ p50, ours |"
    yield "|---" * (2 * len(rivals) + 2) + "|"
    for clients in CLIENTS:
        ours, ratios = results[OURS, clients], []
        for name in rivals:
            one = results[name, clients]
            ratios += [f"{ours['rate'] / one['rate']:.1f}×", f"{one['p50'] / ours['p50']:.1f}×"]
        yield f"| {clients} | {' | '.join(ratios)} | {ours['p99'] / ours['p50']:.1f}× |"
    yield ""
    yield "| server | clients | requests/s | p50 ms | p95 ms | p99 ms | wrong | lost | ready s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for (name, clients), one in results.items():
        yield (
            f"| {name} | {clients} | {one['rate']:.0f} | {one['p50']:.1f} | {one['p95']:.1f} "
            f"| {one['p99']:.1f} | {one['wrong']:.0f} | {one['lost']:.0f} | {ready[name]:.1f} |"
        )


def draw(results: dict) -> None:
    "Draw requests a second over clients, both on a logarithmic scale."
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for name in (OURS, NAIVE):
        rates = [results[name, clients]["rate"] for clients in CLIENTS]
        axes.plot(CLIENTS, rates, "o-", label=name)
    axes.set(xscale="log", yscale="log", xlabel="clients at once", ylabel="requests a second")
    axes.set_xticks(CLIENTS, CLIENTS)
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    "Measure and write the results."
    servers = apps() | {NAIVE: serving(sys.executable, "-m", "benchmarks.naive_server")}
    with ExitStack() as stack:
        up = {name: stack.enter_context(server) for name, server in servers.items()}
        results = measure({name: address for name, (address, *_) in up.items()})
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    about = f"Load of the machine at the end, over 1, 5 and 15 minutes: {load}."
    ready = {name: seconds for name, (*_, seconds) in up.items()}
    put("serving", [*table(results, ready), "", about])
    draw(results)


if __name__ == "__main__":
    main()
