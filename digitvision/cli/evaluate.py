"""`digitvision evaluate`: measure a network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("checkpoint")
@click.option(
    "--strokes",
    type=FILE,
    help='Pen digits: a JSON object on each line, {"label": "4", "strokes": [[[x, y], …], …]}.',
)
@click.option(
    "--images",
    type=FOLDER,
    help="Pictures of digits, labeled by a folder (7/photo.jpg) or by their name (7-photo.jpg). "
    "The names of all other folders are sources, for example people.",
)
@click.option(
    "--nondigits",
    type=FILE,
    help='Letters and symbols, as --strokes; "lookalike": true marks those a digit resembles.',
)
@click.option("--json", "as_json", is_flag=True, help="Print all measurements as JSON.")
def evaluate(checkpoint, strokes, images, nondigits, as_json):
    """Measure how well CHECKPOINT reads digits.

    CHECKPOINT is the name of a model, or a .onnx or .keras file. It is measured on the MNIST test
    set, on corrupted MNIST digits, on scikit-learn's digits and on scribbles, and on the files
    given as options. This takes a minute or two."""
    from digitvision.evaluation_report import evaluation

    found = evaluation(checkpoint, strokes=strokes, images=images, nondigits=nondigits)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    "Yield the lines of the whole report."
    sets = dict(_sets(found))
    width = max(map(len, sets))
    yield f"{'':{width}}  images  accuracy  95% interval           ECE"
    for name, summary in sets.items():
        low, high = summary["interval_95"]
        yield (
            f"{name:{width}}  {summary['images']:6,}  {summary['accuracy']:8.2%}"
            f"  {low:7.2%} to {high:7.2%}  {summary['ece']:6.2%}"
        )
    if "strokes" in found:
        pen = found["strokes"]
        yield f"Pen digits: mean of the styles {pen['mean']:.2%}, worst style {pen['worst']:.2%}."
    if "images" in found:
        pictures = found["images"]
        yield f"Pictures: mean over sources {pictures['macro_average']:.2%}."
        yield from (f"Counted as wrong, cannot be read: {path}" for path in pictures["unreadable"])
    yield from _digits(found["test"])
    yield from _nondigits(found["not_digits"])
    yield from _corruptions(found["robustness"])


def _sets(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    "Yield the name and the accuracy summary of every labeled set."
    yield "MNIST test", found["test"]
    yield "scikit-learn's digits", found["load_digits"]
    pen = found.get("strokes", {"ways": {}, "slashed_zeros": None})
    for style, summary in pen["ways"].items():
        yield f"pen, {style}", summary
    if pen["slashed_zeros"]:
        yield "pen, slashed zeros", pen["slashed_zeros"]
    for source, summary in found.get("images", {"sources": {}})["sources"].items():
        yield f"pictures, {source}", summary


def _digits(test: dict[str, Any]) -> Iterator[str]:
    "Yield precision and recall of each digit, the commonest confusions, and risk by coverage."
    yield "\nMNIST test\ndigit  precision   recall"
    for row in test["per_digit"]:
        yield f"{row['digit']:5}  {_percent(row['precision']):>9}  {_percent(row['recall']):>7}"
    mixed = [
        (count, f"{label} read as {digit} ({count})")
        for label, counts in enumerate(test["confusion"])
        for digit, count in enumerate(counts)
        if label != digit
    ]
    mixed.sort(key=lambda pair: -pair[0])
    yield f"Confused most often: {', '.join(text for _, text in mixed[:4])}."
    for row in test["answered"][1:]:
        yield f"Of the most confident {row['share']:.0%}, {row['accuracy']:.2%} are correct."


def _percent(share: float | None) -> str:
    "Format a share in percent; – for None: precision of a digit that is never predicted."
    return "–" if share is None else f"{share:.2%}"


def _nondigits(found: dict[str, Any]) -> Iterator[str]:
    "Yield how well the score tells digits from each kind of other pictures."
    yield (
        f"\nRejecting what is not a digit, by the {found['score'].replace('_', ' ')} "
        f"({found['digits_accepted']:.1%} of digits are accepted)"
    )
    yield f"{'':20}    of  AUROC  refused  if 98.5% pass  confidence above 90%"
    for kind, row in found["kinds"].items():
        yield (
            f"{kind:20} {row['images']:5}  {row['auroc']:.3f}  {row['refused']:7.1%}"
            f"  {row['refused_if_985_pass']:13.1%}  {row['confidence_above_90']:20.1%}"
        )


def _corruptions(robustness: dict[str, Any]) -> Iterator[str]:
    "Yield accuracy by strength of each corruption, without and with preprocessing."
    yield "\nCorrupted MNIST test digits, without preprocessing (straight) and with it (framed)"
    for name, curve in robustness.items():
        strengths = "".join(f"{strength:8g}" for strength in curve["strengths"])
        yield f"{name:12}{strengths}  {curve['unit']}"
        for path in ("straight", "framed"):
            yield f"  {path:10}{''.join(f'{accuracy:8.1%}' for accuracy in curve[path])}"
