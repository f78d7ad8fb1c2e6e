"""The sweeps as text: paired differences on validation, and a sentence on each."""

from statistics import mean

from digitvision.experiment_claims import points
from digitvision.experiment_plots import scattered, sweep_points
from digitvision.experiments import Comparison, by_seed, compare
from digitvision.markdown import markdown_table
from digitvision.records import Row
from digitvision.train import Hyperparameters

VALIDATION = "best_validation_accuracy"
PEN = "strokes_accuracy"


def _compare(ours: dict[int, float], theirs: dict[int, float]) -> Comparison | None:
    "Compare with a 95% interval; None if fewer than 2 seeds are shared."
    shared = len(ours.keys() & theirs.keys())
    return compare(ours, theirs, 0.95, None) if shared > 1 else None


def _runs(rows: list[Row], name: str, column: str) -> dict[tuple, dict[int, float]]:
    "Return (line, x) → seed → value for each point of a sweep that has runs."
    found = {(line, x): by_seed(rows, e.name, column) for line, x, e in sweep_points(name)}
    return {point: runs for point, runs in found.items() if runs}


def _accuracy(runs: dict[int, float]) -> str:
    "Return the mean in percent, or the range if the runs scatter."
    if scattered(runs.values()):
        return f"{min(runs.values()):.2%} to {max(runs.values()):.2%}"
    return f"{mean(runs.values()):.2%}"


def _difference(ours: dict[int, float], theirs: dict[int, float]) -> str:
    "Return the paired difference as text."
    c = _compare(ours, theirs)
    if c and scattered(c.differences.values()):
        values = c.differences.values()
        return f"{100 * min(values):+.2f} to {100 * max(values):+.2f}, each run"
    return points(c)


def sweep_table(rows: list[Row], name: str) -> str:  # Markdown
    """Return the points of a sweep: accuracy on validation and paired differences in points.

    Differences are from the baseline's value; in the sweep of batch norm, from the same learning
    rate without batch norm; in that of two factors, from the usual rate at the same batch size."""
    runs, pens = _runs(rows, name, VALIDATION), _runs(rows, name, PEN)
    lines = []
    for (line, x), ours in runs.items():
        other, pen = _reference(name, line, x), pens.get((line, x), {})
        same, accuracy = other == (line, x), _accuracy(ours)
        if name == "batch_norm":
            if same or other not in runs:
                continue
            line, accuracy = "", f"{_accuracy(runs[other])} without, {accuracy} with"
        lines.append(
            [
                *(f"{line}, {x:g}" if line else str(x), str(len(ours)), accuracy),
                "–" if same else _difference(ours, runs.get(other, {})),
                "–" if same else _difference(pen, pens.get(other, {})),
            ]
        )
    names = {"batch_norm": "learning rate", "batch_size_and_rate": "batch size, learning rate"}
    x_name = names.get(name, name.replace("_", " "))
    headings = [x_name, "seeds", "validation accuracy", "difference (95%)"]
    return markdown_table([*headings, "pen digits: difference (95%)"], lines)


def _reference(name: str, line: str, x: float | str) -> tuple[str, float | str]:
    "Return the point that a point of a sweep is compared with."
    if name == "batch_norm":
        return "without batch norm", x
    if name == "batch_size_and_rate":
        return line, Hyperparameters().learning_rate
    return "", getattr(Hyperparameters(), name)


def sweep_sentence(rows: list[Row], name: str) -> str:
    "Return what a sweep shows on validation, in a sentence or two."
    runs = _runs(rows, name, VALIDATION)
    if name == "batch_norm":
        return _interaction(runs)
    if name == "batch_size_and_rate":
        return _best_rates(runs)
    if len(runs) < 2:
        return "No runs yet."
    usual = _reference(name, "", 0)
    best = max(runs, key=lambda point: mean(runs[point].values()))
    groups: dict[str, list[str]] = {"better": [], "worse": [], "open": []}
    for point, ours in runs.items():
        if point != usual and (c := _compare(ours, runs.get(usual, {}))):
            value = f"{point[1]} by {_difference(ours, runs[usual])}"
            certain = c.verdict if c.verdict in groups else "open"
            if certain == "open" and scattered(ours.values()) | (mean(ours.values()) < 0.5):
                certain = "worse"  # too few runs for the sign-flip test, but each is far below
            groups[certain].append(value if certain != "open" else str(point[1]))
    words = {"better": "better than", "worse": "worse than", "open": "not told apart from"}
    texts = [
        f"{words[key]} {usual[1]}: {', '.join(names)}" for key, names in groups.items() if names
    ]
    what = name.replace("_", " ")
    return f"The best {what} on validation is {best[1]}. In points, {'; '.join(texts)}."


def _interaction(runs: dict[tuple, dict[int, float]]) -> str:
    "Return what batch norm changes at each learning rate, and whether these changes differ."
    gains = {}
    for (line, rate), ours in runs.items():
        theirs = runs.get(("without batch norm", rate), {})
        if line == "with batch norm" and len(shared := sorted(ours.keys() & theirs.keys())) > 1:
            gains[rate] = {seed: ours[seed] - theirs[seed] for seed in shared}
    if not gains:
        return "No runs yet."
    texts = [f"{_gain(gain)} at rate {rate:g}" for rate, gain in gains.items()]
    text = f"Batch norm changes validation accuracy, in points, by {'; '.join(texts)}."
    if 0.0005 not in gains or 0.001 not in gains:
        return text
    c = _compare(gains[0.0005], gains[0.001])
    shown = "an interaction" if c.verdict in ("better", "worse") else "too uncertain to tell"
    return f"{text} Between 0.0005 and 0.001 the effect differs by {points(c)}: {shown}."


def _gain(values: dict[int, float]) -> str:
    "Return paired differences as text."
    return _difference(values, dict.fromkeys(values, 0.0))


def _best_rates(runs: dict[tuple, dict[int, float]]) -> str:
    "Return the best learning rate for each batch size."
    best: dict[str, tuple[float, float]] = {}
    for (line, rate), values in runs.items():
        best[line] = max(best.get(line, (0.0, 0.0)), (mean(values.values()), rate))
    if len(runs) < 8:  # fewer than half of the grid
        return "No runs of the grid yet."
    usual, texts = Hyperparameters().learning_rate, []
    for line, (_, rate) in best.items():
        gain = _difference(runs[line, rate], runs.get((line, usual), {}))
        texts.append(f"{rate:g} for {line}" + (f" ({gain})" if rate != usual else ""))
    return (
        f"The best rate on validation is {', '.join(texts)}. In brackets: points against the "
        f"usual {usual:g}; the best of several is always a little too good."
    )
