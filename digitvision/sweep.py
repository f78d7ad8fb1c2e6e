"""Run what is not recorded yet: each run is locked, so that several processes share the work."""

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from filelock import AcquireReturnProxy, FileLock, Timeout
from tqdm.auto import tqdm

from digitvision.records import Columns, Row, append_row, read_record, run_key


class PlannedRun(NamedTuple):
    "A run that is not recorded yet."

    name: str
    config: Any  # what the name stands for, such as an Experiment
    seed: int
    seconds: float  # expected duration


OnEpoch = Callable[[int, int], None]  # called with epochs done, largest number of epochs


def plan_runs(
    configs: Mapping[str, Any],  # by name
    seeds: Iterable[int],
    rows: list[Row],  # recorded runs
    seconds: Mapping[str, float],  # expected, by name; their mean is used for other names
) -> list[PlannedRun]:
    """Return what is not recorded: all configurations with the first seed, then all with the next.

    So all configurations have almost as many seeds if the sweep is stopped early."""
    done = set(map(run_key, rows))
    usual = mean(seconds.values()) if seconds else 1.0
    return [
        PlannedRun(name, config, seed, seconds.get(name, usual))
        for seed in dict.fromkeys(seeds)
        for name, config in configs.items()
        if (name, seed) not in done
    ]


def mean_seconds(rows: list[Row], column: str = "seconds") -> dict[str, float]:
    "Return name → mean of a column of times over the recorded runs of that name."
    taken: dict[str, list[float]] = {}
    for row in rows:
        taken.setdefault(run_key(row)[0], []).append(row[column])
    return {name: mean(values) for name, values in taken.items()}


def run_folder(work: str | Path, name: str, seed: int) -> Path:
    "Return the path of the folder for an unfinished run; it may not exist."
    safe = re.sub(r"[^\w.-]+", "_", name)  # names of recipes have spaces and colons
    return Path(work) / f"{safe}-{seed}"


def lock_run(work: str | Path, name: str, seed: int) -> AcquireReturnProxy:
    """Lock a run until the end of a `with` block, or until this process dies.

    Raises filelock.Timeout at once if another process holds the lock."""
    return FileLock(f"{run_folder(work, name, seed)}.lock", timeout=0).acquire()


def progress_bar(seconds: float, show: bool) -> tqdm:
    "Return a progress bar with a total of so many seconds; it is hidden unless `show`."
    form = "{desc} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
    return tqdm(total=seconds, bar_format=form, disable=not show)


def run_missing(
    plan: list[PlannedRun],
    train: Callable[[PlannedRun, Path, OnEpoch], Row],  # gets a folder to resume from
    record: str | Path,  # CSV file
    columns: Columns,  # of the record
    work: str | Path,  # folder for locks and unfinished runs
    progress: bool = True,  # show a bar over all runs, with the time left
) -> list[Row]:  # of the runs done by this process
    """Train the planned runs and record each as it ends.

    A run that another process has recorded or is running is skipped, so several processes share
    the work. The folder of a run is removed once the run is recorded."""
    for row in read_record(record, columns):  # a process may have died before it removed a folder
        shutil.rmtree(run_folder(work, *run_key(row)), ignore_errors=True)
    done = []
    with progress_bar(sum(run.seconds for run in plan), progress) as bar:
        for number, run in enumerate(plan, start=1):
            title, start = f"run {number} of {len(plan)}: {run.name}, seed {run.seed}", bar.n
            bar.set_description_str(title)

            def on_epoch(epoch: int, epochs: int, run=run, title=title, start=start) -> None:
                bar.set_description_str(f"{title}, epoch {epoch}")
                bar.update(start + run.seconds * epoch / epochs - bar.n)

            # skip it if another process is running it, or has recorded it since it was planned
            with suppress(Timeout), lock_run(work, run.name, run.seed):
                if (run.name, run.seed) not in map(run_key, read_record(record, columns)):
                    folder = run_folder(work, run.name, run.seed)
                    done.append(train(run, folder, on_epoch))
                    append_row(record, done[-1], columns)
                    shutil.rmtree(folder, ignore_errors=True)
            bar.update(start + run.seconds - bar.n)  # it may have stopped early
    return done


def cpu_name() -> str:
    "Return the name of the processor and its number of cores."
    info = Path("/proc/cpuinfo")  # on Linux
    found = re.search(r"model name\s*: (.+)", info.read_text("utf-8") if info.exists() else "")
    name = found[1] if found else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"
