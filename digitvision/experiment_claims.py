"""What the recorded runs say about each claim and each hypothesis, and the rules for that."""

import json
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from digitvision.experiment_plan import SIX
from digitvision.experiment_plots import scattered
from digitvision.experiment_runs import RECORD
from digitvision.experiment_stats import collapse_rate, holm
from digitvision.experiment_text import p_text, points
from digitvision.experiments import (
    CONFIDENCE,
    MARGIN,
    Comparison,
    Experiment,
    Summary,
    by_seed,
    compare,
    prediction_interval,
    summarize,
)
from digitvision.files import project_path
from digitvision.records import Row

SECONDARY = {  # column: name of the outcome
    "canvas_accuracy": "redrawn digits",
    "strokes_accuracy": "pen digits",
    "test_loss": "test loss",
}
LAST_OLD_SEED = 46  # recorded before the outcomes and the rules below were declared


class Judgment(NamedTuple):
    "What the runs say about a claim or a hypothesis."

    verdict: (
        str  # of a claim: confirmed, partly, refuted, open; of a hypothesis: held, failed, open
    )
    reason: str  # the numbers that decide


class Secondary(NamedTuple):
    "A comparison of a secondary outcome, corrected for all of them."

    comparison: Comparison
    p_value: float  # adjusted by Holm's method
    verdict: str  # better, worse or not shown


CLAIMS = {  # experiment: verdict of the comparison → verdict on the claim
    "no_dropout": {
        "worse": "confirmed: less accurate without dropout",
        "equivalent": "refuted: as accurate without dropout",
        "better": "refuted: more accurate without dropout",
    },
    "tiny_batch": {
        "worse": "refuted: less accurate",
        "equivalent": "confirmed: the same accuracy",
        "better": "refuted: more accurate",
    },
    "augmentation": {
        "worse": "confirmed: it hurt",
        "equivalent": "refuted: it made no difference",
        "better": "refuted: it helped, the opposite",
    },
    "batch_norm": {
        "worse": "confirmed: less accurate",
        "equivalent": "refuted: nothing broke",
        "better": "refuted: more accurate",
    },
}
HYPOTHESES = {  # experiment: the outcome that decides, the verdicts predicted, compared with
    "no_dropout": ("test_accuracy", "worse", "baseline"),
    "tiny_batch": ("test_accuracy", "equivalent", "baseline"),
    "augmentation": ("strokes_accuracy", "better", "baseline"),
    "augmentation_only": ("canvas_accuracy", "equivalent", "augmentation"),
    "dropout_0.4": ("test_accuracy", "equivalent", "baseline"),
    "batch_norm_only": ("test_accuracy", ("worse", "equivalent"), "baseline"),
    "learning_rate_0.0005": ("test_accuracy", "equivalent", "baseline"),
}


def difference(
    rows: list[Row], name: str, column: str = "test_accuracy", other: str = "baseline"
) -> Comparison | None:
    "Compare the runs of an experiment with the baseline's; None if they share fewer than 2 seeds."
    ours, theirs = by_seed(rows, name, column), by_seed(rows, other, column)
    loss = column.endswith("loss")
    options = {"margin": None, "lower_is_better": True} if loss else {}
    return compare(ours, theirs, **options) if len(ours.keys() & theirs.keys()) > 1 else None


def secondary(rows: list[Row]) -> dict[tuple[str, str], Secondary]:
    "Compare the secondary outcomes; return (name, column) → comparison, Holm-adjusted verdict."
    pairs = [(e.name, column) for e in SIX[1:] for column in SECONDARY]
    found = {pair: c for pair in pairs if (c := difference(rows, *pair))}
    adjusted = holm({pair: c.p_value for pair, c in found.items()})
    result = {}
    for pair, c in found.items():
        better = (mean(c.differences.values()) > 0) != pair[1].endswith("loss")
        verdict = ("better" if better else "worse") if adjusted[pair] < 0.05 else "not shown"
        result[pair] = Secondary(c, adjusted[pair], verdict)
    return result


def speed(record: str | Path = RECORD) -> dict[str, str]:
    'Return experiment → "3.25× (1.99 to 4.47 in 9 turns)": time of an epoch against the baseline.'
    path = Path(record).with_name("experiment_times.json")
    if not path.exists():
        return {}
    times = json.loads(path.read_text(encoding="utf-8"))
    low, high, turns = min(times["ratios"]), max(times["ratios"]), len(times["ratios"])
    return {times["experiments"][0]: f"{times['ratio']}× ({low} to {high} in {turns} turns)"}


def collapsed(values: Mapping[int, float]) -> str:  # seed → accuracy
    'Return how many runs ended at random guessing: "6 of 7 (exact 95% interval 42% to 100%)".'
    lost = collapse_rate(values.values())
    return f"{lost.count} of {lost.total} (exact 95% interval {lost.low:.0%} to {lost.high:.0%})"


def claim(rows: list[Row], e: Experiment, record: str | Path = RECORD) -> Judgment:
    "Judge the finding reported after one run; the reason is a short clause for a table."
    ours = by_seed(rows, e.name)
    if len(ours) < 2:
        return Judgment("open", "too few runs yet")
    if e.name == "baseline":
        return _claim_of_baseline(rows, e)
    if scattered(ours.values()):
        lost = collapse_rate(ours.values())
        verdict = "confirmed" if lost.count == lost.total else "partly" if lost.count else "refuted"
        return Judgment(verdict, f"{lost.count} of {lost.total} runs ended at random guessing")
    c = difference(rows, e.name)
    first = c.verdict.split()[0].strip(",") if c else "open"
    verdict, _, reason = CLAIMS.get(e.name, {}).get(first, "").partition(": ")
    needed = c.verdict.removeprefix("open, ") if c else "no seed in common"
    reason = reason or f"{needed} to settle the accuracy"
    if e.name in (times := speed(record)):
        reason += f"; an epoch takes {times[e.name]} as long"
    return Judgment(verdict or "open", reason)


def one_more_run(rows: list[Row], e: Experiment) -> tuple[float, float, bool] | None:
    """Return the 99.2% prediction interval of one more run, and whether the report is inside.

    The intervals of six reports hold together with 95%. None if runs are few or scatter."""
    ours = by_seed(rows, e.name).values()
    if len(ours) < 2 or scattered(ours):
        return None
    low, high = prediction_interval(ours, 1 - 0.05 / 6)
    inside = low - 5e-5 <= e.reported <= high + 5e-5  # reports are rounded to 0.01%
    return max(low, 0.0), min(high, 1.0), inside


def _claim_of_baseline(rows: list[Row], e: Experiment) -> Judgment:
    "Judge the reported accuracy by a prediction interval, and that seed 42 makes it reproducible."
    ours, (_, _, inside) = by_seed(rows, e.name), one_more_run(rows, e)
    reason = f"{e.reported:.2%} is {'within' if inside else 'outside'} our prediction interval"
    shipped = shipped_accuracy()
    if 42 in ours and abs(shipped - ours[42]) > 5e-5:
        reason += f", but seed 42 gave {ours[42]:.2%} on one machine and {shipped:.2%} on another"
        return Judgment("partly" if inside else "refuted", reason)
    return Judgment("confirmed" if inside else "refuted", reason)


def shipped_accuracy() -> float:
    "Return the test accuracy of the shipped baseline, which was trained with seed 42, too."
    card = project_path("digitvision/checkpoints/baseline.json")
    return json.loads(card.read_text(encoding="utf-8"))["test"]["accuracy"]


def epochs(rows: list[Row], name: str) -> Summary | None:
    "Summarize by how many epochs later than the baseline the best epoch comes: 99% interval."
    ours, theirs = (by_seed(rows, n, "best_epoch") for n in (name, "baseline"))
    seeds = ours.keys() & theirs.keys()
    return summarize([ours[s] - theirs[s] for s in seeds], CONFIDENCE) if len(seeds) > 1 else None


def hypothesis(rows: list[Row], e: Experiment) -> Judgment:
    "Judge the hypothesis of an experiment or a control by the outcome that it names."
    ours = by_seed(rows, e.name)
    if len(ours) < 2:
        return Judgment("open", "There are too few runs yet.")
    if e.name == "baseline":
        s = summarize(ours.values(), CONFIDENCE)
        inside = s.low >= 0.991 and s.high <= 0.993
        outside = s.high < 0.991 or s.low > 0.993
        reason = (
            f"The mean is {s.mean:.2%}, its 99% interval {100 * s.low:.2f} to {100 * s.high:.2f}; "
            "“about 99.2%” is read as 99.1 to 99.3."
        )
        return Judgment("held" if inside else "failed" if outside else "open", reason)
    if e.name == "high_lr":
        lost = collapse_rate(ours.values())
        best = f"The best run reached {max(ours.values()):.2%}."
        reason = f"Runs that learned nothing: {collapsed(ours)}. {best}"
        return Judgment("held" if lost.count == lost.total else "failed", reason)
    if e.name == "dropout_0.4":  # its hypothesis speaks of five seeds
        rows = [row for row in rows if row["seed"] <= LAST_OLD_SEED]
    later, c = epochs(rows, e.name), difference(rows, e.name)
    if later is None or c is None or isnan(c.mean):
        return Judgment("open", "There are too few runs yet.")
    when = f"the best epoch comes {points(later, 1, 1)} epochs later"
    if e.name == "batch_norm":
        faster = "held" if later.high < 0 else "failed" if later.low > 0 else "open"
        little = "held" if c.high < MARGIN else "failed" if c.low > MARGIN else "open"
        gain = f"accuracy changes by {points(c)} points; less than +0.1 counts as little"
        return _both(("Faster", faster, when), ("Gains little", little, gain))
    judged = _by_outcome(rows, e.name)
    if e.name == "learning_rate_0.0005":
        slower = "held" if later.low > 0 else "failed" if later.high < 0 else "open"
        return _both(("More epochs", slower, when), ("Same accuracy", *judged))
    if e.name == "dropout_0.4":
        return Judgment("failed" if c.verdict in ("better", "worse") else "held", judged.reason)
    return judged


def _by_outcome(rows: list[Row], name: str) -> Judgment:
    "Judge a hypothesis that predicts the verdict on one outcome."
    column, predicted, other = HYPOTHESES[name]
    c, where = difference(rows, name, column, other), "On the MNIST test set"
    if c is None:
        return Judgment("open", "There are too few runs yet.")
    found = c.verdict
    if (name, column) in (corrections := secondary(rows)):
        corrected = corrections[name, column]
        where = f"On {SECONDARY[column]}, the outcome it names"
        found = f"{corrected.verdict} (adjusted {p_text(corrected.p_value)})"
    verdict = "held" if found.startswith(predicted) else "failed"
    if found.startswith(("open", "not shown")):
        verdict = "open"
    return Judgment(verdict, f"{where}, the difference is {points(c)} points: {found}.")


def _both(*parts: tuple[str, str, str]) -> Judgment:  # name, verdict, reason
    "Judge a hypothesis of several parts: it fails if one of them does."
    verdicts = {verdict for _, verdict, _ in parts}
    verdict = next((v for v in ("failed", "open") if v in verdicts), "held")
    texts = [f"{name}: {said}; {reason.rstrip('.')}." for name, said, reason in parts]
    return Judgment(verdict, " ".join(texts))
