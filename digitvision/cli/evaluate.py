"""`digitvision evaluate`: everything that can be measured of a network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("checkpoint")
@click.option("--strokes", type=FILE, help="Pen digits, JSON lines: label, strokes.")
@click.option(
    "--images",
    type=FOLDER,
    help="Pictures in folders 0 to 9, or named 7-….jpg; other folders are sources.",
)
@click.option("--nondigits", type=FILE, help="Letters and symbols, JSON lines like --strokes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with everything measured.")
def evaluate(checkpoint, strokes, images, nondigits, as_json):
    """Measure CHECKPOINT: the name of a model, or a .onnx or .keras file.

    On the MNIST test set, as it is and disturbed, on scikit-learn's digits and on scribbles; and
    on your own pen digits, pictures and letters, if they are given. It takes a minute or two."""
    from digitvision.evaluate import evaluation

    found = evaluation(checkpoint, strokes=strokes, images=images, nondigits=nondigits)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    "The evaluation as a person reads it."
    sets = dict(_sets(found))
    width = max(map(len, sets))
    yield f"{'':{width}}  images  accuracy  95% interval           ECE"
    for name, tally in sets.items():
        low, high = tally["interval_95"]
        yield (
            f"{name:{width}}  {tally['images']:6,}  {tally['accuracy']:8.2%}"
            f"  {low:7.2%} to {high:7.2%}  {tally['ece']:6.2%}"
        )
    if "strokes" in found:
        pen = found["strokes"]
        yield f"Pen digits: mean of the ways {pen['mean']:.2%}, the worst {pen['worst']:.2%}."
    if "images" in found:
        pictures = found["images"]
        yield f"Pictures: mean over sources {pictures['macro_average']:.2%}."
        yield from (f"Counted as wrong, nothing to read: {path}" for path in pictures["unreadable"])
    yield from _digits(found["test"])
    yield from _not_digits(found["not_digits"])
    yield from _disturbed(found["robustness"])


def _sets(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    "Every labelled set that was read, by what to call it."
    yield "MNIST test", found["test"]
    yield "scikit-learn's digits", found["load_digits"]
    pen = found.get("strokes", {"ways": {}, "slashed_zeros": None})
    for way, tally in pen["ways"].items():
        yield f"pen, {way}", tally
    if pen["slashed_zeros"]:
        yield "pen, slashed zeros", pen["slashed_zeros"]
    for source, tally in found.get("images", {"sources": {}})["sources"].items():
        yield f"pictures, {source}", tally


def _digits(test: dict[str, Any]) -> Iterator[str]:
    "Precision and recall of each digit, and what is mixed up most."
    yield "\nMNIST test\ndigit  precision   recall"
    for row in test["per_digit"]:
        yield f"{row['digit']:5}  {row['precision']:9.2%}  {row['recall']:7.2%}"
    mixed = [
        (count, f"{label} read as {digit} ({count})")
        for label, counts in enumerate(test["confusion"])
        for digit, count in enumerate(counts)
        if label != digit
    ]
    mixed.sort(key=lambda pair: -pair[0])
    yield f"Mixed up most: {', '.join(text for _, text in mixed[:4])}."
    for row in test["answered"][1:]:
        yield f"If the surest {row['share']:.0%} are answered: {row['accuracy']:.2%} right."


def _not_digits(found: dict[str, Any]) -> Iterator[str]:
    "How well the network tells digits from other things."
    yield f"\nNot a digit, by its {found['score']} ({found['digits_accepted']:.1%} of digits pass)"
    yield f"{'':20}    of  AUROC  refused  if 98.5% pass  confidence above 90%"
    for kind, row in found["kinds"].items():
        yield (
            f"{kind:20} {row['images']:5}  {row['auroc']:.3f}  {row['refused']:7.1%}"
            f"  {row['refused_if_985_pass']:13.1%}  {row['confidence_above_90']:20.1%}"
        )


def _disturbed(robustness: dict[str, Any]) -> Iterator[str]:
    "Accuracy by strength of each disturbance, on both roads to the network."
    yield "\nDisturbed MNIST test digits: taken straight, and framed as the page frames drawings"
    for name, curve in robustness.items():
        strengths = "".join(f"{strength:8g}" for strength in curve["strengths"])
        yield f"{name:12}{strengths}  {curve['unit']}"
        for road in ("straight", "framed"):
            yield f"  {road:10}{''.join(f'{accuracy:8.1%}' for accuracy in curve[road])}"
