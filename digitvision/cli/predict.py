"""`digitvision predict`: read the digit in picture files."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from digitvision.errors import DigitVisionError
from digitvision.inference import DEFAULT_MODEL, Recognizer


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", default=DEFAULT_MODEL, help="Name of the model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all ten probabilities.")
def predict(files, model, as_json):
    "Read the digit in each picture FILE."
    recognizer = Recognizer(model)
    results = [_read(recognizer, path) for path in files]
    if as_json:
        click.echo(json.dumps(results, indent=2))
    else:
        width = max(len("file"), *(len(result["file"]) for result in results))
        click.echo(f"{'file':{width}}  digit  confidence")
        for result in results:
            click.echo(f"{result['file']:{width}}  {_row(result)}")
    if any("error" in result for result in results):
        sys.exit(1)


def _read(recognizer: Recognizer, path: Path) -> dict:
    "Return the prediction for a picture, or the error, ready for JSON."
    try:
        values = asdict(recognizer.predict(path))
    except DigitVisionError as error:
        return {"file": str(path), "error": str(error)}
    del values["input"]
    return {"file": str(path)} | values | {"probabilities": values["probabilities"].tolist()}


def _row(result: dict) -> str:
    "Format a result as the end of a table row."
    if "error" in result:
        return f"    -  {result['error']}"
    doubt = "" if result["is_digit"] else "  does not look like one digit"
    return f"{result['digit']:5}  {result['confidence']:10.1%}{doubt}"
