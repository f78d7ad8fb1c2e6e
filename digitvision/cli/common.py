"""Options, checks and texts that several commands share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from digitvision.files import project_path
from digitvision.model_files import CHECKPOINTS, list_models, user_models

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
POINTS = (
    'a JSON object on each line: {"label": "4", "writer": "anna", "strokes": [[[x, y], …], …]}. '
)
STROKES = click.option(
    "--strokes",
    type=FILE,
    help=f"Pen digits to measure on, {POINTS}No network is trained on them.",
)
NONDIGITS = click.option(
    "--nondigits",
    type=FILE,
    help='Letters and symbols, in the format of --strokes; "lookalike": true marks those that '
    "look like a digit, such as O or l.",
)
FOLDER = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write the model.  [default: your own folder of models]",
)
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace a model with the same name.")


def _parse_seeds(ctx, parameter, text: str | None) -> list[int] | None:
    "Return the seeds in a text such as 42,43 or 42-46. Raises BadParameter for any other."
    if text is None:
        return None
    seeds = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        message = f"{text!r} is not a list of seeds: write 42,43 or 42-46."
        raise click.BadParameter(message) from None
    if not seeds:
        raise click.BadParameter(f"{text!r} has no seeds: the first must not be above the last.")
    return seeds


def seeds_option(default: str | None, shown: str | None = None) -> Callable:
    "Return the option --seeds: a list of int, or None; `shown` is the default in its help."
    text = "Seeds: a list (42,43) or a range (42-46)."
    options = {"callback": _parse_seeds, "help": text, "show_default": shown or True}
    return click.option("--seeds", default=default, **options)


def record_option(default: str, text: str = "CSV file of recorded runs.") -> Callable:
    "Return the option --record, a Path; its default is relative to the project."
    return click.option(
        "--record",
        type=click.Path(path_type=Path),
        default=project_path(default),
        show_default=default,
        help=text,
    )


def table(*rows: Sequence[str]) -> Iterator[str]:
    "Yield rows of cells as aligned lines: the first column to the left, the others to the right."
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    for name, *cells in rows:
        aligned = (cell.rjust(width) for cell, width in zip(cells, others, strict=True))
        yield "  ".join([name.ljust(first), *aligned])


def choose_folder(name: str, folder: Path | None, overwrite: bool) -> Path:
    """Create and return the folder for a new model (default: the user's); call before training.

    Raises ClickException if the name is invalid or taken, OSError if the folder cannot be made."""
    if not name.isidentifier():
        raise click.ClickException(f"{name!r} is not valid as a name: use letters, digits and _.")
    if folder is None and name in list_models(CHECKPOINTS):
        raise click.ClickException(f"{name!r} is a model that ships: choose another --name.")
    folder = folder or user_models()
    if name in list_models(folder) and not overwrite:
        advice = "add --overwrite, or choose another --name."
        raise click.ClickException(f"There is a model {name!r} already: {advice}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def announce(card: dict[str, Any], folder: Path) -> None:
    "Print a new model's test accuracy, from its model card, its folder and how to use it."
    from digitvision.accuracy import format_accuracy

    test = card["test"]
    accuracy = format_accuracy(test["images"], test["accuracy"])
    click.echo(f"Test accuracy and 95% interval: {accuracy}.")
    click.echo(f"Model {card['name']!r} is in {folder}")
    if folder in (CHECKPOINTS, user_models()):
        click.echo(f"Use it: digitvision predict --model {card['name']} FILE")
