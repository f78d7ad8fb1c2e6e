"""Options and messages shared by the commands that train a model."""

from pathlib import Path
from typing import Any

import click

from digitvision.model_files import CHECKPOINTS, list_models, user_models

FOLDER = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write the model.  [default: your own folder of models]",
)
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace a model with the same name.")


def choose_folder(
    name: str,  # of the new model
    folder: Path | None,  # None: the user's own
    overwrite: bool,  # whether a model of the user with this name may be replaced
) -> Path:
    """Return the folder to write a model to, and make it, before hours of training are spent.

    Raises ClickException if the name is invalid or taken, OSError if the folder cannot be made."""
    if not name.isidentifier():
        raise click.ClickException(f"{name!r} is not valid as a name: use letters, digits and _.")
    if folder is None and name in list_models(CHECKPOINTS):
        raise click.ClickException(f"{name!r} is a model that ships: choose another --name.")
    folder = folder or user_models()
    if name in list_models(folder) and not overwrite:
        raise click.ClickException(
            f"There is a model {name!r} already: add --overwrite, or choose another --name."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def announce(card: dict[str, Any], folder: Path) -> None:
    "Print how good a new model is, where it is, and how to use it."
    low, high = card["test"]["interval_95"]
    click.echo(
        f"Test accuracy {card['test']['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%})."
    )
    click.echo(f"Model {card['name']!r} is in {folder}")
    if folder in (CHECKPOINTS, user_models()):
        click.echo(f"Use it: digitvision predict --model {card['name']} FILE")
