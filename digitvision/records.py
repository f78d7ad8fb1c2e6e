"""A record of runs: a CSV file with typed columns, written by one process at a time."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from filelock import FileLock

from digitvision.errors import DigitVisionError
from digitvision.files import write_text

Row = dict[str, Any]  # column → value


class RecordError(DigitVisionError, ValueError):
    "A record cannot be used: the message names the damaged row, or the run that does not fit."


@dataclass(frozen=True)
class Columns:
    "The columns of a record, and the values they may have."

    types: Mapping[str, type]  # column → str, int, float or bool, in the order of the file
    key: tuple[str, str]  # columns that tell runs apart: the name and the seed
    check: Callable[[Row], Any] | None = None  # raises ValueError if the values do not fit together


REPAIR_HINT = "Nothing was written. Delete the row, and its run will be done again."


def read_record(
    path: str | Path,  # a CSV file; one that does not exist has no rows
    columns: Columns,
) -> list[Row]:
    "Return all rows. Raises RecordError, naming the row, if one is damaged or there twice."
    text = Path(path).read_text(encoding="utf-8") if Path(path).exists() else _line(columns.types)
    rows: dict[tuple, Row] = {}
    for number, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
        try:
            if number == 1:
                _check_header(cells, columns)
                continue
            row = _parse(cells, columns)
            if run_key(row, columns) in rows:
                raise ValueError("this run is there twice.")
            rows[run_key(row, columns)] = row
        except ValueError as error:
            start = ", ".join(cells[:2])
            raise RecordError(
                f"{path}, row {number} ({start}) is damaged: {error} {REPAIR_HINT}"
            ) from None
    if not text.endswith("\n"):
        number = text.count("\n") + 1
        raise RecordError(f"{path}, row {number} is cut off at its end. {REPAIR_HINT}")
    return list(rows.values())


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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        key = run_key(row, columns)
        if any(run_key(other, columns) == key for other in read_record(path, columns)):
            return False
        before = path.read_text(encoding="utf-8") if path.exists() else _line(columns.types)
        write_text(path, before + _line(row[name] for name in columns.types))
    return True


def run_key(row: Row, columns: Columns) -> tuple[str, int]:
    "Return the name and the seed of a row."
    name, seed = columns.key
    return row[name], row[seed]


def _check_header(cells: list[str], columns: Columns) -> None:
    "Raise ValueError if the first row does not name the columns."
    if cells != list(columns.types):
        raise ValueError("it does not name the columns.")


def _parse(cells: list[str], columns: Columns) -> Row:
    "Return the typed values of a row, or raise ValueError."
    if len(cells) != len(columns.types):
        raise ValueError(f"it has {len(cells)} values, not {len(columns.types)}.")
    pairs = zip(columns.types, cells, strict=True)
    row = {name: _value(name, cell, columns.types[name]) for name, cell in pairs}
    if columns.check:
        columns.check(row)
    return row


def _value(name: str, text: str, kind: type) -> Any:
    "Return a cell as its type, or raise ValueError. An accuracy is from 0 to 1, or nan."
    try:
        value = {"True": True, "False": False}[text] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise ValueError(f"{name} is {text!r}.") from None
    if name.endswith("accuracy") and not (0 <= value <= 1 or isnan(value)):
        raise ValueError(f"{name} is {text}, not from 0 to 1.")
    return value


def _line(cells: Iterable) -> str:
    "Return cells as a line of a CSV file."
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
