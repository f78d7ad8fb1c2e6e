"""Compare the app with a naive server: the same model and drawings, in one run.

Run it with `make bench`: both are up at once and loaded in turns, so that a noisy machine is noisy
for each. It writes the first table of docs/benchmarks.md, ratios first, and its plot. A third
server is compared if BEFORE is set to the folder of another checkout and BEFORE_PYTHON to its
Python."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import matplotlib.pyplot as plt
import numpy as np
from benchmarks.report import DOCS, put
from support.helpers import free_port

ROUNDS, SECONDS, CLIENTS = 3, 3, (1, 8, 32)
ROOT = Path(__file__).parent.parent.parent
PLOT = DOCS / "benchmarks.svg"
NAMES = {"ours": "DigitVision", "naive": "Flask + Keras", "before": "DigitVision before"}


@contextmanager
def serving(*command: str, folder: Path = ROOT) -> Iterator[tuple[str, float]]:
    "Start a server; yield its address and the seconds until it answered."
    port = free_port()
    paths = {"PYTHONPATH": os.pathsep.join([str(folder), str(folder / "tests")])}
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)],
        env=os.environ | paths,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}/api"
    try:
        while True:
            try:
                urlopen(f"{address}/health", timeout=1).close()
                break
            except (URLError, OSError):
                if process.poll() is not None or time.perf_counter() - start > 120:
                    raise RuntimeError(f"{' '.join(command)} did not start.") from None
                time.sleep(0.02)
        yield f"{address}/predict", time.perf_counter() - start
    finally:
        with suppress(ProcessLookupError):  # it was stopped before
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


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
    rivals = [name for name in ready if name != "ours"]
    yield (
        "| clients | "
        + " | ".join(
            f"requests/s, ours ÷ {NAMES[name]} | p50, {NAMES[name]} ÷ ours" for name in rivals
        )
        + " | p99 ÷ p50, ours |"
    )
    yield "|---|" + "---|" * (2 * len(rivals) + 1)
    for clients in CLIENTS:
        ours = results["ours", clients]
        ratios = []
        for name in rivals:
            one = results[name, clients]
            ratios += [f"{ours['rate'] / one['rate']:.1f}×", f"{one['p50'] / ours['p50']:.1f}×"]
        yield f"| {clients} | {' | '.join(ratios)} | {ours['p99'] / ours['p50']:.1f}× |"
    yield ""
    yield "| server | clients | requests/s | p50 ms | p95 ms | p99 ms | wrong | lost | ready s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for (name, clients), one in results.items():
        yield (
            f"| {NAMES[name]} | {clients} | {one['rate']:.0f} | {one['p50']:.1f} "
            f"| {one['p95']:.1f} | {one['p99']:.1f} | {one['wrong']:.0f} | {one['lost']:.0f} "
            f"| {ready[name]:.1f} |"
        )


def draw(results: dict) -> None:
    "Draw requests a second over clients, both on a logarithmic scale."
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for name in ("ours", "naive"):
        rates = [results[name, clients]["rate"] for clients in CLIENTS]
        axes.plot(CLIENTS, rates, "o-", label=NAMES[name])
    axes.set(xscale="log", yscale="log", xlabel="clients at once", ylabel="requests a second")
    axes.set_xticks(CLIENTS, CLIENTS)
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    "Measure and write the results."
    before = os.environ.get("BEFORE")
    with ExitStack() as stack:
        ours = serving(sys.executable, "-m", "digitvision.app", "--port")
        naive = serving(sys.executable, "-m", "benchmarks.naive_server")
        up = {"ours": stack.enter_context(ours), "naive": stack.enter_context(naive)}
        if before:
            python = os.environ["BEFORE_PYTHON"]
            old = serving(python, "-m", "app", "--port", folder=Path(before))
            up["before"] = stack.enter_context(old)
        results = measure({name: address for name, (address, _) in up.items()})
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    about = f"Load of the machine at the end, over 1, 5 and 15 minutes: {load}."
    ready = {name: seconds for name, (_, seconds) in up.items()}
    put("serving", [*table(results, ready), "", about])
    draw(results)


if __name__ == "__main__":
    main()
