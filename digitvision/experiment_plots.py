"""Figures of the experiments: paired differences, sweeps and learning curves."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from statistics import mean

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from digitvision.experiment_plan import EXPERIMENTS, SIX, SWEEPS
from digitvision.experiment_runs import read_curves
from digitvision.experiments import SCATTER, Experiment, by_seed, compare
from digitvision.records import Row
from digitvision.train import Hyperparameters

COLORS = {
    "better": "C2",
    "worse": "C3",
    "equivalent": "C1",
    "open": "C0",
}  # first word of a verdict
TITLES = {  # of columns of the record and of the curves
    "test_accuracy": "MNIST test accuracy",
    "canvas_accuracy": "Redrawn digits: accuracy",
    "strokes_accuracy": "Pen digits: accuracy",
    "best_validation_accuracy": "Validation accuracy",
    "loss": "Training loss",
    "validation_loss": "Validation loss",
}
_WORDS = {  # hyperparameter: a value that is not the usual one, in words
    "augmentation": "{} augmentation",
    "batch_norm": "batch norm",
    "learning_rate": "learning rate {:g}",
    "batch_size": "batch size {}",
    "dropout": "dropout {:g}",
}


def changes(experiment: Experiment) -> list[str]:
    "Return what an experiment changes in the baseline's hyperparameters, each in words."
    usual, chosen = Hyperparameters(), experiment.hyperparameters
    values = {name: getattr(chosen, name) for name in _WORDS}
    changed = {name: value for name, value in values.items() if value != getattr(usual, name)}
    texts = [_WORDS[name].format(value) for name, value in changed.items()]
    return ["no dropout" if text == "dropout 0" else text for text in texts]


def label(experiment: Experiment) -> str:
    'Return the changes as a title, such as "Mild augmentation + dropout 0.4", or "Baseline".'
    text = " + ".join(changes(experiment)) or "baseline"
    return text[0].upper() + text[1:]


def scattered(values: Iterable[float]) -> bool:
    "Return True if accuracies (0 to 1) differ by more than 5 points."
    values = list(values)
    return max(values) - min(values) > SCATTER


def _decimal_log(axis: Axes, which: str) -> None:
    "Make the x or y axis logarithmic, with ticks such as 0.02 and 0.05."
    getattr(axis, f"set_{which}scale")("log")
    ticks = getattr(axis, f"{which}axis")
    ticks.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ticks.set_minor_locator(NullLocator())
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def plot_forest(
    rows: list[Row],
    axis: Axes,
    column: str = "test_accuracy",  # an accuracy of the record
    experiments: Iterable[Experiment] = tuple(SIX[1:]),  # from top to bottom
) -> None:
    """Draw paired differences from the baseline in points: means, 99% intervals, a dot per seed.

    Gray band: ±0.1 points. Experiments whose runs scatter by more than 5 points get a note."""
    experiments, baseline = list(experiments), by_seed(rows, "baseline", column)
    axis.axvline(0, color="C5", lw=1)
    axis.axvspan(-0.1, 0.1, color="C5", alpha=0.15, lw=0)
    for y, e in enumerate(experiments):
        ours = by_seed(rows, e.name, column)
        if len(ours.keys() & baseline.keys()) < 2:
            axis.text(0, y, "too few runs", ha="center", va="center", color="C5")
        elif scattered(ours.values()):
            worst, best = (f"{100 * end(ours.values()):.0f}%" for end in (min, max))
            note = f"off the scale: {len(ours)} runs, {worst} to {best}"
            axis.text(0, y, note, ha="center", va="center", color="C3", backgroundcolor="white")
        else:
            c = compare(ours, baseline)
            color = COLORS[c.verdict.split()[0].strip(",")]
            heights = [y + 0.12 + 0.3 * i / c.seeds for i in range(c.seeds)]
            differences = [100 * value for value in c.differences.values()]
            axis.plot(differences, heights, ".", color=color, alpha=0.6)
            axis.plot([100 * c.low, 100 * c.high], [y, y], color=color, lw=2.5)
            axis.plot(100 * c.mean, y, "D", color=color, markersize=6)
    axis.set_yticks(range(len(experiments)), [label(e).replace(" + ", "\n+ ") for e in experiments])
    axis.set(ylim=(len(experiments) - 0.4, -0.6), title=TITLES[column])
    axis.set_xlabel("difference from the baseline (percentage points)")


def draw_curves(
    record: str | Path,  # CSV file; the curves are in "curves" beside it
    name: str,  # of an experiment
    axis: Axes,
    column: str = "validation_loss",  # of the curves: "loss" is the training loss
) -> None:
    """Draw a loss of all runs of an experiment by epoch, and the baseline's in gray.

    Thin: each run, with a dot at its best epoch; thick: mean, as long as all runs go on (not if
    their accuracies scatter by more than 5 points)."""
    for drawn, color in {"baseline": "C5", name: "C5" if name == "baseline" else "C0"}.items():
        runs = read_curves(record, drawn)
        for run in runs:
            values = [epoch[column] for epoch in run]
            best = min(range(len(run)), key=lambda i, run=run: run[i]["validation_loss"])
            axis.plot(range(1, len(run) + 1), values, color, lw=0.6, alpha=0.6)
            axis.plot(best + 1, values[best], ".", color=color)
        axis.plot([], [], color, label=label(EXPERIMENTS[drawn]))
        if runs and not scattered(run[-1]["validation_accuracy"] for run in runs):
            common = [mean(e[column] for e in same) for same in zip(*runs, strict=False)]
            axis.plot(range(1, len(common) + 1), common, color, lw=2.5)
    where = "center right" if name == "high_lr" else "upper right"  # its losses stay high
    axis.legend(labelcolor="linecolor", handlelength=0, loc=where)
    _decimal_log(axis, "y")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel="epoch", title=TITLES[column])


def sweep_points(name: str) -> list[tuple[str, float | str, Experiment]]:
    """Return the line, the x value and the experiment of each point of a sweep, line by line.

    A sweep of two factors has a line for each value of one of them; the others have one, ""."""
    lines = {
        "batch_norm": lambda h: "with batch norm" if h.batch_norm else "without batch norm",
        "batch_size_and_rate": lambda h: f"batch size {h.batch_size}",
    }
    x_name = "learning_rate" if name in lines else name
    line = lines.get(name, lambda h: "")
    settings = [(e.hyperparameters, e) for e in SWEEPS[name]]
    points = [(line(h), getattr(h, x_name), e) for h, e in settings]
    order = list(dict.fromkeys(text for text, _, _ in points))
    return sorted(points, key=lambda point: order.index(point[0]))


def plot_sweep(
    rows: list[Row],
    name: str,  # of the sweep: a key of SWEEPS
    column: str = "best_validation_accuracy",  # an accuracy of the record
    axis: Axes | None = None,  # default: a new figure, shown
) -> None:
    """Plot a sweep in percent: a thin line for each seed, a thick one for the mean.

    Dotted: the baseline's value. If runs scatter by more than 5 points, the error rate is shown
    on a logarithmic axis."""
    own = axis is None
    axis = plt.subplots(figsize=(6, 3))[1] if own else axis
    points = sweep_points(name)
    found = {e.name: by_seed(rows, e.name, column) for _, _, e in points}
    error = scattered([value for runs in found.values() for value in runs.values()] or [0])
    for number, (line, group) in enumerate(groupby(points, key=lambda point: point[0])):
        color = "C5" if line.startswith("without") else f"C{number}"
        tried = [(x, found[e.name]) for _, x, e in group if found[e.name]]
        for seed in sorted({seed for _, runs in tried for seed in runs}):
            _join(axis, [(x, [r[seed]]) for x, r in tried if seed in r], error, color, lw=0.6)
        _join(axis, [(x, r.values()) for x, r in tried], error, color, lw=2.5, label=line)
    if points[0][0]:
        axis.legend(labelcolor="linecolor", handlelength=0)
    x_name = "learning_rate" if points[0][0] else name
    axis.axvline(getattr(Hyperparameters(), x_name), color="C5", ls=":", lw=1, zorder=0)
    if x_name in ("learning_rate", "batch_size"):
        _decimal_log(axis, "x")
    axis.set_xticks(list(dict.fromkeys(x for _, x, _ in points)))
    if error:
        _decimal_log(axis, "y")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}%" if error else f"{value:.1f}%")
    title = TITLES[column].replace("accuracy", "error rate") if error else TITLES[column]
    axis.set(xlabel=x_name.replace("_", " "), title=title)
    if own:
        plt.show()


def _join(axis: Axes, points: Iterable, error: bool, color: str, **style) -> None:
    "Join the points of x and accuracies by their means in percent, or by their error rates."
    points = [(x, 100 * mean(values)) for x, values in points]
    ys = [100 - y if error else y for _, y in points]
    axis.plot([x for x, _ in points], ys, ".-", color=color, **style)
