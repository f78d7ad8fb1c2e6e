"""Ours at 80% of what it can do, for a while: every request answered, every digit right.

`PYTHONPATH=tests python -m benchmarks.soak MINUTES` measures the capacity, then soaks. It also
says how much memory the server took before and after, and asks it to stop under load."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.load import Load
from helpers import serve


def memory(pid: int) -> float:
    "Resident, in MiB."
    line = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1]
    return int(line.split()[0]) / 1024


def main() -> None:
    minutes = float(sys.argv[1])
    with serve() as (server, process):
        address = f"{server}/api/predict"
        idle = memory(process.pid)
        capacity = Load(address, 8, 10).rate
        warm = memory(process.pid)
        load = Load(address, 8, 60 * minutes, 0.8 * capacity)
        soaked = memory(process.pid)
        command = [sys.executable, "-m", "benchmarks.load", address, "8", "4"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as last:
            time.sleep(2)
            process.send_signal(signal.SIGTERM)
            stopped = process.wait(20)
            end = json.loads(last.stdout.read())
    print(f"capacity {capacity:.0f} requests/s; soaked at 80% of it for {minutes:g} minutes")
    print(json.dumps({key: round(value, 2) for key, value in load.summary().items()}))
    print(f"memory: idle {idle:.0f} MiB, after the first load {warm:.0f}, at the end {soaked:.0f}")
    print(f"SIGTERM under load: exit code {stopped}, {end['answered']} answered before the end")
    print(f"load of the machine: {os.getloadavg()}")


if __name__ == "__main__":
    main()
