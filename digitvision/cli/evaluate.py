"""`digitvision evaluate`: measure a network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from digitvision.cli.common import NONDIGITS, STROKES, table


@click.command()
@click.argument("checkpoint")
@STROKES
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Pictures of digits, labeled by a folder (7/photo.jpg) or by their name (7-photo.jpg). "
    "Other folder names, such as people/anna, are reported as the source of the pictures.",
)
@NONDIGITS
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
    from digitvision.drawings import HALVES

    yield from _accuracies(found)
    if "strokes" in found:
        pen = found["strokes"]
        yield f"Pen digits: mean of the styles {pen['mean']:.2%}, worst style {pen['worst']:.2%}."
        for half in [name for name in HALVES if name in pen]:
            mean, (low, high) = pen[half]["mean"], pen[half]["interval_95"]
            yield (
                f"{pen[half]['writers']} writers for {half}: mean {mean:.2%}, 95% interval over "
                f"writers {low:.2%} to {high:.2%}."
            )
    if "images" in found:
        pictures = found["images"]
        yield f"Pictures: mean over sources {pictures['macro_average']:.2%}."
        yield from (f"Counted as wrong, cannot be read: {path}" for path in pictures["unreadable"])
    yield from _digits(found["test"])
    yield from _nondigits(found["not_digits"])
    yield from _corruptions(found["robustness"])


def _accuracies(found: dict[str, Any]) -> Iterator[str]:
    "Yield the accuracy of every labeled set."
    from digitvision.accuracy import format_accuracy

    pen, pictures = found.get("strokes", {"ways": {}}), found.get("images", {"sources": {}})
    sets = {"MNIST test": found["test"], "scikit-learn's digits": found["load_digits"]}
    sets |= {f"pen, {style}": summary for style, summary in pen["ways"].items()}
    sets |= {"pen, slashed zeros": pen.get("slashed_zeros")}
    sets |= {f"pictures, {source}": summary for source, summary in pictures["sources"].items()}
    rows = [("", "images", "accuracy (95% interval)", "ECE")]
    for name, summary in sets.items():
        if summary:
            accuracy = format_accuracy(summary["images"], summary["accuracy"])
            rows.append((name, f"{summary['images']:,}", accuracy, f"{summary['ece']:.2%}"))
    yield from table(*rows)


def _digits(test: dict[str, Any]) -> Iterator[str]:
    "Yield precision and recall of each digit, the commonest confusions, and risk by coverage."
    yield "\nMNIST test"
    rows = [
        (str(row["digit"]), _percent(row["precision"]), _percent(row["recall"]))
        for row in test["per_digit"]
    ]
    yield from table(("digit", "precision", "recall"), *rows)
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
    rows = [("", "images", "AUROC", "refused", "if 98.5% pass", "confidence above 90%")]
    for kind, row in found["kinds"].items():
        shares = ("refused", "refused_if_985_pass", "confidence_above_90")
        cells = (f"{row[share]:.1%}" for share in shares)
        rows.append((kind, str(row["images"]), f"{row['auroc']:.3f}", *cells))
    yield from table(*rows)


def _corruptions(robustness: dict[str, Any]) -> Iterator[str]:
    "Yield accuracy by strength of each corruption, without and with preprocessing."
    yield "\nCorrupted MNIST test digits, without preprocessing (straight) and with it (framed)"
    for name, curve in robustness.items():
        accuracies = (
            (f"  {path}", *(f"{accuracy:.1%}" for accuracy in curve[path]))
            for path in ("straight", "framed")
        )
        yield from table((f"{name} ({curve['unit']})", *map(str, curve["strengths"])), *accuracies)
