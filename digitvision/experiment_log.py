"""The experiment log: claims, figures and tables, computed from the recorded runs alone."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt

from digitvision.experiment_claims import (
    claim,
    collapsed,
    difference,
)
from digitvision.experiment_plan import CONTROLS, SIX, SWEEPS, planned_seeds
from digitvision.experiment_plots import (
    changes,
    draw_curves,
    label,
    plot_forest,
    plot_sweep,
    scattered,
)
from digitvision.experiment_runs import RECORD, curve_path, read_rows
from digitvision.experiment_sections import protocol, section
from digitvision.experiment_sweeps import sweep_sentence, sweep_table
from digitvision.experiment_tables import (
    ABOUT_CONTROLS,
    ABOUT_NUMBERS,
    ABOUT_SECONDARY,
    controls_table,
    secondary_table,
    table,
)
from digitvision.experiment_text import accuracy_text, points
from digitvision.experiments import Experiment, by_seed, compare
from digitvision.files import write_text
from digitvision.markdown import markdown_table
from digitvision.records import Row

FOREST = """\
Each dot is one seed: the accuracy of its run minus that of the baseline's run with the same seed.
Diamonds are means, bars are their 99% intervals, and the gray band is ±0.1 points. Green means
better, red worse, blue equivalent and orange open, by the rule of the primary outcome."""
CURVES = """\
In each figure the baseline is gray. Thin lines are single runs, with a dot at the best epoch. Thick
lines are means over the epochs that all runs reached. Training losses are measured with dropout
active."""
ABOUT_SWEEPS = """\
These runs have 10,000 training images and 10 epochs, of which the best is kept. The sweeps only
explore: their 95% intervals are not corrected for the number of comparisons. They are judged on
**validation**; the pen digits are shown for comparison."""
HOW_TO_READ = """\
* **Runs.** A run trains one network with one seed. The seed decides the initial weights, the order
  of the images, dropout and augmentation. The split into training, validation and test is fixed.
* **Differences** are paired: each run is compared with the baseline's run of the same seed. They
  are in percentage points, with a 99% interval of the mean (paired t).
* **Primary outcome:** accuracy on the 10,000 MNIST test images. With five comparisons at 1% each,
  the probability of any false claim is at most 5%. The verdict is *better* or *worse* if the
  interval excludes 0. Otherwise it is *equivalent within ±0.1 points* if two one-sided tests at 1%
  show that. Otherwise it is *open*, with the number of seeds that would probably settle it.
* **Secondary outcomes:** *redrawn digits* (2,000 MNIST test digits, drawn again on a canvas: the
  same writers), *pen digits* (1,032 digits by about a hundred other people) and test loss. These
  are 15 comparisons. A verdict needs a p-value below 5% after Holm's correction for all 15.
* **One more run:** a 99.2% prediction interval says where one more run of ours would fall. (Six
  such intervals hold together with 95%.) A report outside it is hard to explain by its seed alone.
* **Hypotheses** of the six were written before the first run. Those of the four controls were
  committed after the first control run had ended. The outcome that a hypothesis names decides
  whether it is *held*, *failed* or *open*. A hypothesis of several parts fails if one part fails.
* **Claims** are judged by the primary outcome: *confirmed*, *refuted* or *open*. A claim is
  *partly* true if only a part of it holds.
* **Intervals** cover the randomness of training, for these test images. The
  [last table](#all-numbers) has intervals that cover the choice of test images, too.
* **The test set** was evaluated after all choices were frozen, once for each recorded run. Epochs
  are chosen on validation, and the sweeps are judged on validation."""


def finding(
    rows: list[Row], e: Experiment, column: str = "test_accuracy", baseline: str = "baseline"
) -> str:
    """Return a sentence: the difference from the baseline in percentage points, its verdict.

    For the baseline, or if it shares no seed with the experiment: the number of runs."""
    ours = by_seed(rows, e.name, column)
    if e.name == baseline or not ours.keys() & by_seed(rows, baseline, column).keys():
        return f"{len(ours)} runs." if ours else "No runs yet."
    c = compare(ours, by_seed(rows, baseline, column))
    text = points(c)
    if scattered(c.differences.values()):
        text = ", ".join(f"{100 * value:+.2f}" for value in c.differences.values())
    many = f"{c.seeds} seed{'s' if c.seeds > 1 else ''}"
    return f"{text} points against the baseline, over {many}: {c.verdict}."


def claims_table(
    rows: list[Row],
    experiments: Iterable[Experiment] = tuple(SIX),
    record: str | Path = RECORD,  # CSV file; the measured times are beside it
) -> str:  # Markdown
    "Return the table of the claims: reported after one run, ours, and the verdicts."
    lines = []
    for e in experiments:
        ours, many = by_seed(rows, e.name), len(changes(e))
        lost = ours and scattered(ours.values())
        result = f"at random: {collapsed(ours)}" if lost else accuracy_text(ours.values())
        verdict, reason = claim(rows, e, record)
        differences = [difference(rows, e.name, c) for c in ("test_accuracy", "strokes_accuracy")]
        lines.append(
            [
                label(e),
                f"**{many}** ⚠" if many > 1 else str(many or "–"),
                f"{e.reported:.2%}, “{e.reported_finding}”",
                result if lost else f"{result} ({len(ours)})",
                *(points(d) if e.name != "baseline" else "–" for d in differences),
                f"**{verdict}**: {reason}",
            ]
        )
    headings = ["experiment", "changes", "claimed after one run", "ours: mean ± sd (seeds)"]
    headings += ["difference, 99% interval", "pen digits: difference", "the claim is"]
    return markdown_table(headings, lines)


def summary(rows: list[Row], record: str | Path = RECORD) -> str:
    """Return one sentence: how many of the six claims are confirmed, refuted or open, and which.

    While planned runs are missing, a second one says so."""
    judged = {}
    for e in SIX:
        judged.setdefault(claim(rows, e, record).verdict, []).append(label(e).lower())
    words = {"confirmed": "confirmed", "partly": "true in part", "refuted": "refuted"}
    parts = []
    for verdict, word in [*words.items(), ("open", "open")]:
        if names := judged.get(verdict):
            be = "is" if len(names) == 1 else "are"
            parts.append(f"{len(names)} {be} {word} ({'; '.join(names)})")
    counts = {e.name: len(by_seed(rows, e.name)) for e in [*SIX, *CONTROLS]}
    planned = {e.name: len(planned_seeds(e)) for e in [*SIX, *CONTROLS]}
    missing = sum(max(planned[name] - n, 0) for name, n in counts.items())
    note = f" Interim: {missing} of {sum(planned.values())} planned runs are missing."
    note = note if missing else ""
    seeds = [counts[e.name] for e in SIX]
    many = f"{min(seeds)} to {max(seeds)}" if min(seeds) < max(seeds) else str(max(seeds))
    return (
        f"Six claims were each drawn from a single training run. Repeated with {many} seeds, "
        f"{', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}.{note}"
    )


def render_log(rows: list[Row], record: str | Path = RECORD) -> str:  # Markdown
    "Return the experiment log; times, curves and outcomes are read from beside the record."
    parts = [
        "# Six claims from single runs: which survive repetition?",
        f"**{summary(rows, record)}**",
        claims_table(rows, record=record),
        "![Differences from the baseline, a dot for each seed](curves/forest.svg)",
        FOREST,
        "## How to read it",
        HOW_TO_READ,
        "## The six experiments",
        CURVES,
        *(section(rows, e, record) for e in SIX),
        "## Controls",
        ABOUT_CONTROLS,
        controls_table(rows),
        "## Secondary outcomes",
        ABOUT_SECONDARY,
        secondary_table(rows),
        "## Sweeps",
        ABOUT_SWEEPS,
    ]
    for name in SWEEPS:
        title = "Sweep of " + name.replace("_", " ")
        parts += [f"### {title}", sweep_sentence(rows, name)]
        if _tried(rows, name):
            parts += [f"![{title}](curves/sweep_{name}.svg)", sweep_table(rows, name)]
    parts += ["## Protocol and deviations", protocol(rows)]
    parts += ["## All numbers", ABOUT_NUMBERS, table(rows, [*SIX, *CONTROLS], record)]
    return "\n\n".join(parts) + "\n"


def _tried(rows: list[Row], name: str) -> bool:
    "Return True if at least half of the points of a sweep have runs."
    return 2 * sum(bool(by_seed(rows, e.name)) for e in SWEEPS[name]) >= len(SWEEPS[name])


def _save(draw: Callable, path: Path, size: tuple[float, float], panels: int = 1) -> None:
    "Draw on so many axes and save them as SVG: the same bytes each time."
    settings = {"svg.hashsalt": "digitvision", "svg.fonttype": "none"}
    with plt.style.context(["digitvision.digitvision", settings]):
        figure, axes = plt.subplots(1, panels, figsize=size)
        draw(axes)
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def write_log(record: str | Path) -> Path:
    "Write experiment_log.md and curves/*.svg beside the record; return the path of the log."
    rows, folder = read_rows(record), curve_path(record, "", 0).parent
    done = {row["experiment"] for row in rows}

    def forest(axes) -> None:
        plot_forest(rows, axes[0])
        plot_forest(rows, axes[1], "strokes_accuracy")
        axes[1].set_yticklabels([])

    def curves(axes) -> None:
        draw_curves(record, e.name, axes[0], "loss")
        draw_curves(record, e.name, axes[1])

    _save(forest, folder / "forest.svg", (9, 4), panels=2)
    for e in SIX:
        if e.name in done:
            _save(curves, folder / f"{e.name}.svg", (9, 3), panels=2)
    for name in SWEEPS:
        if _tried(rows, name):
            path = folder / f"sweep_{name}.svg"
            _save(partial(plot_sweep, rows, name, "best_validation_accuracy"), path, (6, 3))
    path = Path(record).parent / "experiment_log.md"
    write_text(path, render_log(rows, record))
    return path
