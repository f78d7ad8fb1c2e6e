"""Ours at 80% of what it can do, for a while: every request answered, every digit right.

`PYTHONPATH=tests python -m benchmarks.soak MINUTES` measures the capacity, then soaks. It also
says how much memory the server took before and after, and asks it to stop under load."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.load import Load
from benchmarks.report import put
from support.helpers import family, serve


def memory(process: subprocess.Popen) -> tuple[int, list[int]]:
    "MiB of the server: in all, what processes share counted once; and resident in each process."
    shared, resident = 0, []
    for number in family(process):
        text = Path(f"/proc/{number}/smaps_rollup").read_text()
        kib = {name: int(re.search(rf"^{name}: *(\d+)", text, re.M)[1]) for name in ("Pss", "Rss")}
        shared += kib["Pss"]
        resident.append(round(kib["Rss"] / 1024))
    return round(shared / 1024), resident


def main() -> None:
    minutes, memories = float(sys.argv[1]), {}
    with serve() as (server, process):
        address = f"{server}/api/predict"
        time.sleep(2)
        memories["idle"] = memory(process)
        capacity = Load(address, 8, 10).rate
        memories["after the first load"] = memory(process)
        load = Load(address, 8, 60 * minutes, 0.8 * capacity)
        memories["at the end"] = memory(process)
        command = [sys.executable, "-m", "benchmarks.load", address, "8", "4"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as last:
            time.sleep(2)
            process.send_signal(signal.SIGTERM)
            stopped = process.wait(20)
            end = json.loads(last.stdout.read())
    seen = {name: round(value, 1) for name, value in load.summary().items()}
    put(
        "soak",
        [
            "```",
            f"capacity {capacity:.0f} requests/s; soaked at 80% of it for {minutes:g} minutes",
            json.dumps(seen),
            *(
                f"memory {when}: {all_} MiB; resident in each process {' + '.join(map(str, each))}"
                for when, (all_, each) in memories.items()
            ),
            f"SIGTERM under load: exit code {stopped}, {end['answered']} answered before the end",
            f"load of the machine: {', '.join(f'{one:.1f}' for one in os.getloadavg())}",
            "```",
        ],
    )


if __name__ == "__main__":
    main()
