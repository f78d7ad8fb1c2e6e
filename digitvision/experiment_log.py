"""The experiment log: tables, findings and curves, computed from the recorded runs alone."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from statistics import mean

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from digitvision.experiment_plan import CONTROLS, SIX, SWEEPS
from digitvision.experiment_runs import curve_path, read_rows
from digitvision.experiments import Experiment, by_seed, compare, prediction_interval, summarize
from digitvision.files import write_text
from digitvision.markdown import markdown_table
from digitvision.records import Row

SCORES = {  # heading: column
    "test accuracy": "test_accuracy",
    "redrawn digits": "canvas_accuracy",
    "pen digits": "strokes_accuracy",
}
WIDEST_SD = 0.05  # runs that scatter more are listed one by one: their mean describes none of them

ABOUT = (
    "Written by `digitvision experiments log` from [experiments.csv](experiments.csv), which has "
    "one row for each run and seed. Means ± standard deviation over seeds, with the 95% interval "
    "of the mean; differences to the baseline are paired by seed, with 99% intervals, so that all "
    "five comparisons hold with 95%. Where the standard deviation is above 5 points, or an "
    "interval would leave 0 to 100%, the runs are listed one by one instead. A single test of "
    "10,000 images has an interval of about ±0.17 points by itself. CPU minutes are a rough guide "
    "only: runs shared their machines with other work. What a step costs is measured apart, in "
    "turns (`digitvision experiments time`)."
)
ABOUT_CONTROLS = (
    "Two of the six experiments change several things at once. Each control changes one of "
    "them; everything else is as in the baseline. The differences have 99% intervals, too, but "
    "those hold one by one, not together with the five above."
)
ABOUT_SWEEPS = (
    "One hyperparameter at a time, on a small budget: 10,000 training images, 10 epochs, of "
    "which the best is kept."
)


def _percent(values: Collection[float]) -> str:
    "Return accuracies as text: 99.21% ± 0.05 (99.15 to 99.27), or each if they scatter."
    s = summarize(values)
    if s.seeds < 2 or _scatter(values):
        return ", ".join(f"{value:.2%}" for value in values)
    return f"{s.mean:.2%} ± {100 * s.sd:.2f} ({100 * s.low:.2f} to {100 * s.high:.2f})"


def _scatter(values: Collection[float]) -> bool:
    "Return True if accuracies scatter too much for a mean and an interval to describe them."
    s = summarize(values)
    return s.seeds > 1 and (s.sd > WIDEST_SD or s.low < 0 or s.high > 1)


def finding(
    rows: list[Row], e: Experiment, column: str = "test_accuracy", baseline: str = "baseline"
) -> str:
    """Return a sentence: the difference from the baseline in percentage points, its verdict.

    For the baseline, or if it shares no seed with the experiment: the number of runs."""
    ours, theirs = by_seed(rows, e.name, column), by_seed(rows, baseline, column)
    seeds = sorted(ours.keys() & theirs.keys())
    if e.name == baseline or not seeds:
        return f"{len(ours)} runs." if ours else "No runs yet."
    d = compare(ours, theirs)
    if _scatter(ours.values()):
        points = ", ".join(f"{100 * (ours[seed] - theirs[seed]):+.2f}" for seed in seeds)
    else:
        interval = f" ({100 * d.low:+.2f} to {100 * d.high:+.2f})" if d.seeds > 1 else ""
        points = f"{100 * d.mean:+.2f}{interval}"
    many = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    return f"{points} points against the baseline, over {many}: {d.verdict}."


def _agreement(values: Collection[float], reported: float) -> str:
    """Say whether the reported accuracy lies in the 95% prediction interval of our runs.

    Runs that scatter too much for that (`_scatter`) give their range; fewer than 2 give neither."""
    if len(values) < 2:
        return "Too few runs to compare with what was reported."
    scatter = _scatter(values)
    low, high = (min(values), max(values)) if scatter else prediction_interval(values)
    # the accuracy reported was rounded to a hundredth of a percent
    inside = low - 5e-5 <= reported <= high + 5e-5
    if scatter:
        where = "within" if inside else "outside"
        return f"The reported {reported:.2%} lies {where} the range of our runs."
    return (
        f"One more run of ours would fall between {max(low, 0):.2%} and {min(high, 1):.2%} (95%): "
        f"the reported {reported:.2%} {'agrees' if inside else 'does not agree'} with that."
    )


def table(
    rows: list[Row],
    experiments: Iterable[Experiment],
    columns: Mapping[str, str] = SCORES,  # heading → accuracy column of the record
) -> str:  # Markdown
    "Return a table: for each experiment its change, accuracies, mean epochs and CPU minutes."
    lines = []
    for e in experiments:
        runs = [row for row in rows if row["experiment"] == e.name]
        scores = [by_seed(rows, e.name, column).values() for column in columns.values()]
        costs = [("epochs_run", 1), ("cpu_seconds", 60)]
        lines.append(
            [e.name, e.change, str(len(runs))]
            + [_percent(values) if values else "–" for values in scores]
            + [f"{mean(r[name] for r in runs) / unit:.1f}" if runs else "–" for name, unit in costs]
        )
    headings = ["experiment", "change", "runs", *columns, "epochs", "CPU minutes"]
    return markdown_table(headings, lines)


def report(rows: list[Row], e: Experiment) -> str:  # Markdown
    "Return the findings on one of the six experiments, and whether the reported accuracy agrees."
    lines = [f"**Finding.** {finding(rows, e)}"]
    if e.name != "baseline" and by_seed(rows, e.name, "canvas_accuracy"):
        lines += [f"On redrawn digits: {finding(rows, e, 'canvas_accuracy')}"]
    agreement = _agreement(by_seed(rows, e.name).values(), e.reported)
    reported = f"{e.reported:.2%}, “{e.reported_finding}”"
    return "\n\n".join([*lines, f"**Reported** after one run: {reported}. {agreement}"])


def _section(rows: list[Row], e: Experiment) -> str:
    "Return the section of an experiment: hypothesis, change, result, curves and findings."
    runs = [row for row in rows if row["experiment"] == e.name]
    lines = [f"## {e.name}", f"**Hypothesis.** {e.hypothesis}", f"**Change.** {e.change}."]
    if runs:
        accuracies = _percent([row["test_accuracy"] for row in runs])
        losses = [mean(row[name] for row in runs) for name in ("best_loss", "test_loss")]
        lines += [
            f"**Result.** Test accuracy {accuracies}; mean loss {losses[0]:.4f} in training and "
            f"{losses[1]:.4f} on test, at the best epoch.",
            f"![Learning curves of {e.name}](curves/{e.name}.svg)",
        ]
    return "\n\n".join([*lines, report(rows, e)])


def render_log(rows: list[Row]) -> str:  # Markdown
    "Return the experiment log: the six experiments, the controls that have runs, the sweeps."
    parts = ["# Experiment log", ABOUT, table(rows, SIX), *(_section(rows, e) for e in SIX)]
    names = {row["experiment"] for row in rows}
    if controls := [e for e in CONTROLS if e.name in names]:
        parts += ["# Controls", ABOUT_CONTROLS, table(rows, controls)]
        for e in controls:
            parts.append(f"**{e.name}.** {e.hypothesis} *Finding.* {finding(rows, e)}")
    parts += ["# Sweeps", ABOUT_SWEEPS]
    for name, sweep in SWEEPS.items():
        parts += [f"## Sweep of {name}", table(rows, sweep)]
    return "\n\n".join(parts) + "\n"


def draw_curves(
    record: str | Path,  # CSV file; the curves are in "curves" beside it
    name: str,  # of an experiment
    axis: Axes,
) -> None:
    "Draw the training and validation losses of all runs of an experiment, a thin line for each."
    for path in sorted(curve_path(record, name, 0).parent.glob(f"{name}-*.json")):
        history = json.loads(path.read_text(encoding="utf-8"))
        for column, color in (("loss", "C0"), ("validation_loss", "C1")):
            values = [epoch[column] for epoch in history]
            axis.plot([epoch["epoch"] for epoch in history], values, color, lw=1, alpha=0.7)
    axis.set(xlabel="epoch", ylabel="loss", title=name)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(axis.lines[:2], ["train", "validation"])


def plot_sweep(
    rows: list[Row],
    name: str,  # of the hyperparameter: a key of SWEEPS
    column: str = "test_accuracy",  # of the record
    axis: Axes | None = None,  # default: a new figure, shown
) -> None:
    "Plot a sweep: a dot for each run; for each value tried, the mean with its 95% interval."
    own = axis is None
    axis = plt.subplots(figsize=(6, 3))[1] if own else axis
    for x, e in enumerate(SWEEPS[name]):
        values = list(by_seed(rows, e.name, column).values())
        axis.plot([x] * len(values), values, ".", color="C0", alpha=0.5)
        if len(values) > 1:
            s = summarize(values)
            axis.errorbar(x, s.mean, s.high - s.mean, color="C1", marker="o", capsize=4)
    chosen = [e.hyperparameters for e in SWEEPS[name]]
    labels = [str(getattr(h, name)) for h in chosen]
    if name == "batch_norm":  # its sweep has two learning rates
        labels = [f"{h.batch_norm}\nrate {h.learning_rate}" for h in chosen]
    axis.set_xticks(range(len(labels)), labels)
    axis.set(xlabel=name, ylabel=column.replace("_", " "))
    if own:
        plt.show()


def write_log(record: str | Path) -> Path:
    "Write experiment_log.md and curves/*.svg beside the record (CSV); return the path of the log."
    rows = read_rows(record)
    settings = {"svg.hashsalt": "digitvision", "svg.fonttype": "none"}  # the same bytes each time
    for name in {row["experiment"] for row in rows} & {e.name for e in SIX}:
        with plt.rc_context(settings):
            figure, axis = plt.subplots(figsize=(6, 3))
            draw_curves(record, name, axis)
            path = curve_path(record, name, 0).with_name(f"{name}.svg")
            figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
            plt.close(figure)
    path = Path(record).parent / "experiment_log.md"
    write_text(path, render_log(rows))
    return path
