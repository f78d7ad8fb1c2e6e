"""Tables of the experiment log: secondary outcomes, controls, and all numbers."""

from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from digitvision.experiment_claims import (
    LAST_OLD_SEED,
    SECONDARY,
    difference,
    hypothesis,
    secondary,
)
from digitvision.experiment_plan import CONTROLS, SIX
from digitvision.experiment_plots import label
from digitvision.experiment_runs import RECORD, read_outcomes
from digitvision.experiment_stats import bootstrap_difference
from digitvision.experiment_text import accuracy_text, p_text, points
from digitvision.experiments import Experiment, by_seed, sign_flip_test
from digitvision.markdown import markdown_table
from digitvision.records import Row

ACCURACIES = {  # column: heading
    "test_accuracy": "test accuracy",
    "canvas_accuracy": "redrawn digits",
    "strokes_accuracy": "pen digits",
}
MEANS = (("test_loss", 4), ("best_epoch", 1))  # other columns, and their digits


ABOUT_CONTROLS = """\
Two of the six experiments change several things at once. Each control changes one of them. The
differences from the baseline are in points. Their 99% intervals are not corrected for the number
of comparisons."""
ABOUT_SECONDARY = """\
The table has differences from the baseline with 99% intervals. Differences of accuracy are in
points. A lower loss is better. The p-values are corrected for all 15 comparisons (Holm). Where runs
scatter by more than 5 points, they come from an exact sign-flip test."""
ABOUT_NUMBERS = """\
The table has means ± standard deviation over seeds. *Resampled* is a 99% interval of the difference
in test accuracy when seeds *and* test images are drawn again (bootstrap). It uses the seeds with a
recorded result for every image. *Sign-flip p* is an exact paired test that assumes no normal
distribution. *Later seeds alone* is the mean difference over the seeds that were run after the
outcomes were declared, with their number."""


def secondary_table(rows: list[Row]) -> str:
    "Return the differences of the secondary outcomes with adjusted p-values."
    found, lines = secondary(rows), []
    for e in SIX[1:]:
        cells = [label(e)]
        for column in SECONDARY:
            s = found.get((e.name, column))
            unit, digits = (1, 4) if column.endswith("loss") else (0.01, 2)
            text = f"{points(s.comparison, unit, digits)}; {p_text(s.p_value)}: " if s else ""
            certain = s and s.verdict != "not shown"
            text = text.replace("–", "off the scale", 1) if s else text
            cells.append(text + (f"**{s.verdict}**" if certain else "not shown" if s else "–"))
        lines.append(cells)
    return markdown_table(["experiment", *SECONDARY.values()], lines)


def controls_table(rows: list[Row]) -> str:
    "Return the controls: differences on three sets of digits, and their hypotheses."
    lines = []
    for e in CONTROLS:
        differences = [difference(rows, e.name, column) for column in ACCURACIES]
        held = hypothesis(rows, e)
        lines.append(
            [
                *(label(e), str(len(by_seed(rows, e.name))), *map(points, differences)),
                differences[0].verdict if differences[0] else "–",
                f"{e.hypothesis} → **{held.verdict}**",
            ]
        )
    headings = ["control", "seeds", *ACCURACIES.values(), "verdict on test accuracy", "hypothesis"]
    return markdown_table(headings, lines)


def table(
    rows: list[Row], experiments: Iterable[Experiment], record: str | Path = RECORD
) -> str:  # Markdown
    "Return all numbers: means ± sd, the best epoch, and the difference by three other methods."
    lines, baseline = [], by_seed(rows, "baseline")
    for e in experiments:
        ours = by_seed(rows, e.name)
        shared = sorted(ours.keys() & baseline.keys()) if e.name != "baseline" else []
        differences = {seed: ours[seed] - baseline[seed] for seed in shared}
        fresh = [value for seed, value in differences.items() if seed > LAST_OLD_SEED]
        runs = [row for row in rows if row["experiment"] == e.name]
        lines.append(
            [label(e), str(len(ours))]
            + [accuracy_text(by_seed(rows, e.name, column).values()) for column in ACCURACIES]
            + [
                f"{mean(r[name] for r in runs):.{digits}f}" if runs else "–"
                for name, digits in MEANS
            ]
            + [_resampled(record, e.name, shared)]
            + [f"{sign_flip_test(differences.values()):.4f}" if len(shared) > 2 else "–"]
            + [f"{100 * mean(fresh):+.2f} ({len(fresh)})" if fresh else "–"]
        )
    headings = ["experiment", "seeds", *ACCURACIES.values(), "test loss", "best epoch"]
    headings += ["difference, seeds and images resampled", "sign-flip p", "later seeds alone"]
    return markdown_table(headings, lines)


def _resampled(record: str | Path, name: str, seeds: Iterable[int]) -> str:
    "Return the bootstrap interval of the difference over the seeds whose outcomes are recorded."
    ours, theirs = {}, {}
    for seed in seeds:
        pair = [read_outcomes(record, each, seed) for each in (name, "baseline")]
        if None not in pair:
            ours[seed], theirs[seed] = (outcomes["test"] for outcomes in pair)
    if len(ours) < 5:  # of fewer seeds, a bootstrap makes too narrow an interval
        return "–"
    low, high = bootstrap_difference(ours, theirs)
    return f"{100 * low:+.2f} to {100 * high:+.2f} ({len(ours)} seeds)"
