"""The plumbing of sweeps on a Ray cluster: connecting, locking runs, and recording results."""

import logging
import os
import socket
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import ray
from filelock import Timeout
from ray.exceptions import RayError

from digitvision.errors import InvalidInputError, RunsFailedError
from digitvision.experiment_runs import COLUMNS, missing, read_rows, recorded, write_files
from digitvision.experiments import Experiment
from digitvision.records import Row, append_row
from digitvision.sweep import PlannedRun, lock_run, progress_bar


@contextmanager
def connected(
    address: str | None = None,  # HOST:PORT, or "auto": the cluster this machine is part of
) -> Iterator[None]:
    """Connect to a Ray cluster; without an address, start one on this machine until the block ends.

    An existing connection is kept. Raises ConnectionError if there is no cluster."""
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no telemetry
    options = {} if address else {"include_dashboard": False}
    try:
        if address and address != "auto":  # Ray itself would try for twenty minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConnectionError(
            f"There is no Ray cluster at {address or 'this machine'} ({error}). "
            "`ray start --head` starts one."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def lock_missing(
    experiments: Collection[Experiment],
    seeds: Collection[int] | None,
    record: str | Path,
    work: str | Path,
    locks: ExitStack,  # holds the locks until it ends
) -> list[PlannedRun]:
    "Lock and return the runs that are neither recorded nor locked by another process."
    locked = []
    for run in missing(experiments, seeds, read_rows(record)):
        with suppress(Timeout):  # another process is doing it
            locks.enter_context(lock_run(work, run.name, run.seed))
            locked.append(run)
    rows = read_rows(record)  # a run may have been recorded before we locked it
    return [run for run in locked if recorded(rows, run.config, run.seed) is None]


def check_cpus(cpus: float) -> None:
    "Raise InvalidInputError unless a run can have so many CPUs on a machine of the cluster."
    most = max(node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])
    if not 0 < cpus <= most:
        raise InvalidInputError(
            f"A run cannot have {cpus:g} CPUs: the largest machine has {most:g}."
        )


def collect(waiting: dict, progress_actor, record: str | Path, show: bool) -> list[Row]:
    "Record runs (task → PlannedRun) as they end. Raises RunsFailedError at the end if any failed."
    done, failed, total = [], [], sum(run.seconds for run in waiting.values())
    with progress_bar(total, show) as bar:
        while waiting:
            for reference in ray.wait(list(waiting), timeout=1)[0]:
                run = waiting.pop(reference)
                try:
                    result = ray.get(reference)
                except RayError as error:
                    failed.append(f"{run.name}, seed {run.seed}: {error}")
                else:
                    write_files(record, result)
                    append_row(record, result.row, COLUMNS)
                    done.append(result.row)
            shares = ray.get(progress_actor.read.remote())
            left = sum(
                run.seconds * (1 - shares.get((run.name, run.seed), 0)) for run in waiting.values()
            )
            bar.set_description_str(f"{len(done)} of {len(done) + len(waiting)} runs done")
            bar.update(total - left - bar.n)
    if failed:
        summary = f"{len(failed)} runs failed; the rest are done."
        raise RunsFailedError("\n".join([summary, *failed]))
    return done
