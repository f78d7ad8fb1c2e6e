"""A record of runs: a CSV file with typed columns, written by one process at a time."""

import csv
import io
from collections.abc import Callable, Mapping
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from digitvision.errors import DigitVisionError
from digitvision.files import write_text

REPAIR_HINT = "Nothing was written. Delete the row, and its run will be done again."
Row = dict[str, Any]  # column → value


class RecordError(DigitVisionError, ValueError):
    "A record cannot be used: the message names the damaged row, or the run that does not fit."


class Columns(NamedTuple):
    "The columns of a record; the first two are the name and the seed of a run."

    types: Mapping[str, type]  # column → str, int, float or bool, in the order of the file
    check: Callable[[Row], Any] | None = None  # gets a row; raises ValueError if it is invalid


def run_key(row: Row) -> tuple[str, int]:
    "Return the name and the seed of a run: the first two values of its row."
    name, seed, *_ = row.values()
    return name, seed


def read_record(
    path: str | Path,  # a CSV file; one that does not exist has no rows
    columns: Columns,
) -> list[Row]:
    "Return all rows. Raises RecordError, which names the row, if one is damaged or there twice."
    if not Path(path).exists():
        return []
    text = Path(path).read_text(encoding="utf-8")
    rows: dict[tuple, Row] = {}
    for number, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
        try:
            if number == 1:
                if cells != list(columns.types):
                    raise ValueError("it does not name the columns.")
                continue
            row = _parse(cells, columns)
            if run_key(row) in rows:
                raise ValueError("this run is there twice.")
            rows[run_key(row)] = row
        except ValueError as error:
            row_name = f"{path}, row {number} ({', '.join(cells[:2])})"
            raise RecordError(f"{row_name} is damaged: {error} {REPAIR_HINT}") from None
    if not text.endswith("\n"):
        number = text.count("\n") + 1
        raise RecordError(f"{path}, row {number} is cut off at its end. {REPAIR_HINT}")
    return list(rows.values())


def _parse(cells: list[str], columns: Columns) -> Row:
    "Return the typed row. Raises ValueError, also for accuracies that are not 0 to 1 or nan."
    if len(cells) != len(columns.types):
        raise ValueError(f"it has {len(cells)} values, not {len(columns.types)}.")
    row = {}
    for (name, kind), cell in zip(columns.types.items(), cells, strict=True):
        try:
            value = {"True": True, "False": False}[cell] if kind is bool else kind(cell)
        except (KeyError, ValueError):
            raise ValueError(f"{name} is {cell!r}.") from None
        if name.endswith("accuracy") and not (0 <= value <= 1 or isnan(value)):
            raise ValueError(f"{name} is {cell}, not from 0 to 1.")
        row[name] = value
    if columns.check:
        columns.check(row)
    return row


def append_row(
    path: str | Path,  # a CSV file; a new one begins with the names of the columns
    row: Row,  # a value for each column
    columns: Columns,
) -> bool:  # False: the run was recorded already, and nothing was written
    """Append a row in one atomic write, while no other process writes the file.

    Raises RecordError if the record is damaged, ValueError if the row has other columns."""
    if row.keys() != columns.types.keys():
        wrong = ", ".join(sorted(row.keys() ^ columns.types.keys()))
        raise ValueError(f"The row does not have the columns of {path}: {wrong}.")
    with FileLock(f"{path}.lock"):
        if run_key(row) in map(run_key, read_record(path, columns)):
            return False
        text = io.StringIO()
        writer = csv.DictWriter(text, columns.types, lineterminator="\n")
        if Path(path).exists():
            text.write(Path(path).read_text(encoding="utf-8"))
        else:
            writer.writeheader()
        writer.writerow(row)
        write_text(path, text.getvalue())
    return True
