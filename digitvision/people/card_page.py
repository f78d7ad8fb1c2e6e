"""Render and write docs/model_card.md from the model's card and docs/evaluation.json."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digitvision.accuracy import format_accuracy
from digitvision.errors import InvalidInputError
from digitvision.files import project_path, write_text
from digitvision.markdown import markdown_table
from digitvision.model_files import read_model
from digitvision.people.model_card import limitations, share_correct

MODELS = ("digitvision", "baseline")  # the columns: the shipped model, and the one it must beat
EVALUATIONS = project_path("docs/evaluation.json")
RECORD = project_path("docs/experiments.csv")
HALVES = {"choosing": "writers for choosing", "reporting": "writers for reporting"}
SHOWN = [
    ("rotation", "framed"),
    ("noise", "framed"),
    ("noise", "straight"),
    ("occlusion", "framed"),
]
PATHS = {"framed": "preprocessed", "straight": "not preprocessed"}
_Cells = dict[str, str]  # title of the row → text

PAGE = """# Model card: {card[name]}

Written by `digitvision reader card` from the model's card and [evaluation.json](evaluation.json). \
Brackets: 95% intervals, over images (Wilson), or over writers (bootstrap) where a row says so.

## Training

{training}

One run of this recipe was trained for shipping. The intervals below are about the choice of test
images or of writers; how much another seed would change is not measured. A seed is no guarantee
either: the baseline, trained twice with seed 42 on two machines, reached {seed_42} on
the test set.

## Intended use

For learning how digit recognition works, and for demonstrations in which people draw a single
digit on a screen or show a picture of one. Do not use it to read forms, checks or meters, or for
any decision about a person or money.

## Accuracy

{accuracies}

The MNIST test set was evaluated after all choices were frozen, once per recorded run.

\\* **Selection set.** Recipe and threshold of {card[name]} were chosen with the pen digits, letters
and symbols of all writers, of both halves. Its numbers on them are optimistic. The baseline was not
chosen with them. For models to come, the writers are divided: those whose name has an even CRC-32
choose, the others report.

## Corruption

Share of the first {images} test images that are read correctly after they were corrupted; all other
measurements are in [evaluation.json](evaluation.json).

{robustness}

## Rejecting what is not a digit

The model rejects a picture if its digit score is below a threshold. The threshold,
{card[digit_threshold]:.3f}, was chosen so that 98.5% of {card[threshold_on]} pass
(*selection set**). The baseline has no threshold: it accepts everything. To compare the two, each
gets the threshold that 98.5% of pen digits pass. The digits in this table are drawn 70% as wide as
the canvas.

{rejections}

## Accuracy by digit

Precision / recall on the MNIST test set.

{digits}

## Limitations

{limits}
- The digit score says whether a picture looks like a digit, not whether the prediction is right.
- No photograph of real handwriting is measured on this page.

## Who wrote the data

| data | written by | used for |
|---|---|---|
| MNIST train, 54,000 of 60,000 | employees of the US Census Bureau, high-school students \
| training |
| MNIST validation, the other 6,000 | the same groups | choosing recipe and temperature |
| MNIST test, 10,000 | other writers of these groups | evaluation after all choices were frozen |
| rendered digits, letters, scribbles, shapes | nobody: fonts of A. V. Hershey, varied at random \
| training |
| pen digits, letters and symbols of UNIPEN train_r01_v07 (Guyon et al., 1994; \
Zenodo 10.5281/zenodo.1195803, CC BY 4.0) | {writers} people (digits) with a pen on a tablet \
| choosing recipe and threshold, evaluation on this selection set; not training, not part of this \
project |
| scikit-learn's `load_digits`, 1,797 of 8×8 pixels | 13 people (Alpaydin and Kaynak, 1998) \
| evaluation only |
"""


def _accuracy(summary: dict[str, Any] | None) -> str:
    "Format an `accuracy_summary` as accuracy and 95% interval, or – for None."
    return format_accuracy(summary["images"], summary["accuracy"]) if summary else "–"


def _accuracies(found: dict[str, Any]) -> _Cells:
    "Return the table cells with a model's accuracy on each set; pen digits by style if measured."
    cells = {
        "MNIST test": _accuracy(found["test"]),
        "Calibration error (ECE), MNIST test": f"{found['test']['ece']:.2%}",
        "scikit-learn's digits": _accuracy(found["load_digits"]),
    }
    if pen := found.get("strokes"):
        for half, name in {"all": "all writers", **HALVES}.items():
            if group := pen.get(half):
                low, high = group["interval_95"]
                title = f"Pen digits*, mean of six styles, {group['writers']} {name} (over writers)"
                cells[title.replace("all writers", "writers")] = (
                    f"{group['mean']:.2%} ({low:.2%} to {high:.2%})"
                )
        cells["Pen digits*, worst of the six styles"] = f"{pen['worst']:.2%}"
        cells |= {f"Pen digits*, {name}": _accuracy(style) for name, style in pen["ways"].items()}
        cells["Slashed zeros (not in the rows above)"] = _accuracy(pen["slashed_zeros"])
        cells["Calibration error (ECE), pen digits*"] = f"{pen['ece']:.2%}"
    return cells


def _robustness(found: dict[str, Any]) -> _Cells:
    "Return the table cells with a model's accuracy under the corruptions SHOWN."
    return {
        f"{name} {strength} ({curve['unit']}), {PATHS[path]}": (
            f"{share_correct(found, name, path, strength):.1%}"
        )
        for name, path in SHOWN
        for curve in [found["robustness"][name]]
        for strength in curve["strengths"][1:]
    }


def _rejections(found: dict[str, Any]) -> _Cells:
    "Return the table cells on how well a model's score separates digits from other pictures."
    found = found["not_digits"]
    kinds = found["kinds"]
    cells = {"Score used": found["score"].replace("_", " ")}
    cells |= {f"AUROC, digits against {name}": f"{k['auroc']:.3f}" for name, k in kinds.items()}
    for name, kind in kinds.items():
        title = f"{name.capitalize()}, rejected if 98.5% of pen digits pass"
        cells[title] = f"{kind['refused_if_985_pass']:.1%}"
    if found["threshold"]:
        cells["Pen digits* accepted at the shipped threshold"] = f"{found['digits_accepted']:.1%}"
        for name, kind in kinds.items():
            cells[f"{name}, rejected at the shipped threshold".capitalize()] = (
                f"{kind['refused']:.1%}"
            )
    if half := found.get("chosen_on_half"):
        title = "Threshold from the writers for choosing: {} of the writers for reporting"
        cells[title.format("digits accepted")] = f"{half['digits_accepted']:.1%}"
        for name in ("letters and symbols", "lookalikes"):
            if kind := half["kinds"].get(name):
                cells[title.format(f"{name} rejected")] = f"{kind['refused']:.1%}"
    return cells


def _digits(found: dict[str, Any]) -> _Cells:
    "Return the table cells with a model's precision and recall for each digit of the test set."
    digits = found["test"]["per_digit"]
    return {str(d["digit"]): f"{d['precision']:.2%} / {d['recall']:.2%}" for d in digits}


def _training(card: dict[str, Any]) -> _Cells:
    "Return the table cells on how the model was trained."
    versions, recipe = card["libraries"], card["hyperparameters"]
    return {
        "Parameters": f"{card['parameters']:,} (in training, before batch normalization was folded "
        f"into the convolutions: {card['parameters_trained']:,})",
        "Layers": ", ".join(card["architecture"]),
        "Training data": card["trained_on"],
        "Optimizer": f"AdamW, weight decay {recipe['weight_decay']}, gradient norm at most "
        f"{recipe['clip_norm']}, batch size {recipe['batch_size']}",
        "Learning rate": f"one cycle, at most {recipe['learning_rate']}",
        "Loss": f"which digit: cross-entropy, label smoothing {recipe['label_smoothing']}, a "
        f"non-digit has weight {recipe['outlier_weight']}; plus {recipe['score_weight']} times "
        "the binary cross-entropy of the digit score",
        "Regularization": f"distortion of strength {recipe['distortion']}, dropout "
        f"{recipe['dropout']}, batch normalization; the weights are a moving average, momentum "
        f"{recipe['averaging']}",
        "Epochs, seed": f"{card['epochs']}, {card['seed']}",
        "Temperature": f"{card['temperature']} (below 1: label smoothing leaves a network not sure "
        "enough)",
        "Date": f"{card['date']}, Keras {versions['keras']}, TensorFlow {versions['tensorflow']}",
        "SHA-256 of the .onnx": f"`{card['sha256']}`",
    }


def _table(first: str, columns: Mapping[str, _Cells]) -> str:
    "Return a Markdown table: row titles headed `first`, then the columns; – for a missing cell."
    titles = next(iter(columns.values()))
    rows = [[title, *(cells.get(title, "–") for cells in columns.values())] for title in titles]
    return markdown_table((first, *columns), rows)


def render_model_card(
    card: dict[str, Any],  # of the shipped model
    evaluations: dict[str, dict[str, Any]],  # of all MODELS, from `evaluation_report.evaluation`
    recorded: float,  # test accuracy of the recorded run of the baseline with seed 42
) -> str:  # Markdown
    "Render the model card. Raises InvalidInputError if the evaluation is of another model."
    if evaluations[MODELS[0]]["sha256"] != card["sha256"]:
        raise InvalidInputError(
            "docs/evaluation.json is about another model. Measure this one: digitvision reader card"
        )
    ours = {name: evaluations[name] for name in MODELS}
    first = ours[MODELS[0]]
    return PAGE.format(
        card=card,
        seed_42=f"{ours['baseline']['test']['accuracy']:.2%} and {recorded:.2%}",
        images=first["robustness"]["noise"]["images"],
        writers=first.get("strokes", {}).get("all", {}).get("writers", "over 100"),
        training=_table("", {"": _training(card)}),
        accuracies=_table("", {name: _accuracies(found) for name, found in ours.items()}),
        robustness=_table("", {name: _robustness(found) for name, found in ours.items()}),
        rejections=_table("", {name: _rejections(found) for name, found in ours.items()}),
        digits=_table("digit", {name: _digits(found) for name, found in ours.items()}),
        limits="\n".join(f"- {line}" for line in limitations(*ours.values())),
    )


def recorded_accuracy(path: str | Path = RECORD) -> float:
    "Return the test accuracy of the recorded run of the baseline with seed 42."
    with open(path, encoding="utf-8", newline="") as file:
        rows = [
            r for r in csv.DictReader(file) if (r["experiment"], r["seed"]) == ("baseline", "42")
        ]
    return float(rows[0]["test_accuracy"])


def write_model_card(
    evaluations: dict[str, dict[str, Any]],  # as for `render_model_card`
) -> Path:  # of docs/model_card.md
    "Write docs/evaluation.json and the model card. Raises InvalidInputError for another model."
    page = render_model_card(read_model(MODELS[0])[0], evaluations, recorded_accuracy())
    write_text(EVALUATIONS, json.dumps(evaluations, indent=1) + "\n")
    path = EVALUATIONS.with_name("model_card.md")
    write_text(path, page)
    return path
