"""Ours, a naive server and a serving framework, with the same model and the same drawings.

Run it with `make bench`: all three are up at once and loaded in turns, so that a noisy machine is
noisy for each. It writes the table of docs/benchmarks.md, ratios first, and its plot."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
NAMES = {"ours": "DigitVision", "framework": "LitServe", "naive": "Flask + Keras"}


def framework_python(folder: str) -> str:
    "The Python of an environment of its own for the framework: it is no dependency of ours."
    if "FRAMEWORK_PYTHON" in os.environ:
        return os.environ["FRAMEWORK_PYTHON"]
    venv.create(folder, with_pip=True)
    python = str(Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python")
    packages = ["litserve", "onnxruntime", "pillow", "numpy", "scipy"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


@contextmanager
def serving(*command: str) -> Iterator[tuple[str, float]]:
    "A server in a process of its own: its address, and the seconds until it answered."
    port = free_port()
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)],
        env=os.environ | paths,
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
        os.killpg(process.pid, signal.SIGTERM)  # LitServe leaves its workers behind
        process.wait()


def load(address: str, clients: int, seconds: float) -> dict[str, float]:
    "What the load generator, in a process of its own, measured."
    command = [sys.executable, "-m", "benchmarks.load", address, str(clients), str(seconds)]
    run = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def measure(addresses: dict[str, str]) -> dict[tuple[str, int], dict[str, float]]:
    "Medians over the rounds, of each server at each number of clients."
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
    "Markdown, line by line."
    rivals = [name for name in NAMES if name != "ours"]
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
    "Requests a second over clients, on a scale of ratios."
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for name, label in NAMES.items():
        rates = [results[name, clients]["rate"] for clients in CLIENTS]
        axes.plot(CLIENTS, rates, "o-", label=label)
    axes.set(xscale="log", yscale="log", xlabel="clients at once", ylabel="requests a second")
    axes.set_xticks(CLIENTS, CLIENTS)
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ours, *others = [
            (sys.executable, "-m", "digitvision.app", "--port"),
            (framework_python(folder), "-m", "benchmarks.framework_server"),
            (sys.executable, "-m", "benchmarks.naive_server"),
        ]
        commands = dict(zip(NAMES, [ours, *others], strict=True))
        up = {name: stack.enter_context(serving(*command)) for name, command in commands.items()}
        results = measure({name: address for name, (address, _) in up.items()})
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    about = (
        f"Load of the machine at the end (with the benchmark's own, over 1, 5, 15 minutes): {load}."
    )
    ready = {name: seconds for name, (_, seconds) in up.items()}
    put("serving", [*table(results, ready), "", about])
    draw(results)


if __name__ == "__main__":
    main()
