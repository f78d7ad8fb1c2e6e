"""What every command that makes a model does: see that its name is free, and say how good it is."""

from typing import Any

import click

from digitvision.inference import CHECKPOINTS

OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace a model that has this name.")


def check_name(name: str, overwrite: bool) -> None:
    "Raise, with what to do, for a name that will not do or that another model has."
    if not name.isidentifier():
        raise click.ClickException(f"{name!r} is no name for a model: use letters, digits and _.")
    if (CHECKPOINTS / f"{name}.onnx").exists() and not overwrite:
        raise click.ClickException(
            f"There is a model {name!r} already: add --overwrite, or --name."
        )


def announce(card: dict[str, Any]) -> None:
    "Say how good a new model is, and how to use it."
    low, high = card["test"]["interval_95"]
    click.echo(
        f"Test accuracy {card['test']['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%})."
    )
    name = card["name"]
    click.echo(f"Model {name!r} is ready: digitvision predict --model {name} FILE")
