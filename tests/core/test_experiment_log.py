"""The log follows from the record by rules: verdicts, words and figures fit what the runs say."""

import json
import re
import shutil
from pathlib import Path

import pytest

from digitvision.experiment_claims import claim, hypothesis, secondary
from digitvision.experiment_log import claims_table, finding, render_log, table, write_log
from digitvision.experiment_plan import EXPERIMENTS, SIX, SWEEPS
from digitvision.experiment_plots import changes, label, sweep_points
from digitvision.experiment_runs import COLUMNS, read_rows, recorded
from digitvision.experiment_sweeps import sweep_sentence, sweep_table

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs/experiments.csv"
ROWS = read_rows(RECORD)
NOISE = (-4, -1, 0, 0, 0, 1, 1, 3)  # of the baseline, in test images


def runs(name: str, images: float, column: str = "test_accuracy", noise=NOISE) -> list[dict]:
    "Return rows of seeds 42 to 49: so many more images right than the usual 9,915, and noise."
    rows = []
    for seed, deviation in enumerate(noise, start=42):
        row = dict.fromkeys(COLUMNS.types, 1.0) | {"experiment": name, "seed": seed, "date": "d"}
        row |= {"test_accuracy": 0.9915, "canvas_accuracy": 0.98, "strokes_accuracy": 0.98}
        row |= {"last_loss": 0.01, "best_epoch": 6 + seed % 2, "best_validation_accuracy": 0.99}
        row[column] += (images + deviation) / 10_000
        rows.append(row)
    return rows


def jitter(size: float) -> list[float]:
    "Return the baseline's noise with a little of its own, so that paired differences vary."
    return [n + size * (-1) ** i for i, n in enumerate(NOISE)]


LOG = render_log(ROWS)
BASELINE = runs("baseline", 0)


def test_the_log_and_its_curves_are_in_step_with_the_record():
    assert (ROOT / "docs/experiment_log.md").read_text(encoding="utf-8") == LOG
    for row in ROWS:
        assert recorded(ROWS, EXPERIMENTS[row["experiment"]], row["seed"]) == row
        path = ROOT / f"docs/curves/{row['experiment']}-{row['seed']}.json"
        curve = json.loads(path.read_text(encoding="utf-8"))
        assert len(curve) == row["epochs_run"]
        best = curve[row["best_epoch"] - 1]
        assert round(best["validation_loss"], 6) == row["best_validation_loss"]


@pytest.mark.parametrize(
    ("name", "images", "size", "verdict", "held"),
    [
        ("tiny_batch", 0, 2, "confirmed: the same accuracy", "held"),
        ("tiny_batch", -30, 2, "refuted: less accurate", "failed"),
        ("tiny_batch", -8, 20, "open: about", "open"),
        ("no_dropout", -30, 2, "confirmed: less accurate without dropout", "held"),
        ("no_dropout", 0, 2, "refuted: as accurate without dropout", "failed"),
        ("augmentation", 30, 2, "refuted: it helped", "open"),  # judged on pen digits
        ("batch_norm", 0, 2, "refuted: nothing broke", "open"),  # no epochs were saved
    ],
)
def test_verdicts_follow_from_the_runs(name, images, size, verdict, held):
    rows = BASELINE + runs(name, images, noise=jitter(size))
    judged = claim(rows, EXPERIMENTS[name])
    assert f"{judged.verdict}: {judged.reason}".startswith(verdict)
    assert hypothesis(rows, EXPERIMENTS[name]).verdict == held


def test_other_peoples_digits_decide_on_augmentation():
    for images, held in ((60, "held"), (-60, "failed")):
        rows = BASELINE + runs("augmentation", images, "strokes_accuracy", jitter(2))
        rows += [row for name in ("no_dropout", "tiny_batch") for row in runs(name, 0)]
        assert hypothesis(rows, EXPERIMENTS["augmentation"]).verdict == held
        found = secondary(rows)["augmentation", "strokes_accuracy"]
        assert found.p_value >= found.comparison.p_value


def test_runs_that_scatter_are_counted_and_listed_without_a_mean():
    five = [row for row in ROWS if row["seed"] < 47]
    high = EXPERIMENTS["high_lr"]
    assert "83.49%, 10.28%, 9.80%, 11.35%, 11.35%" in table(five, [high])
    assert finding(five, high).startswith("-15.76, -88.76, ")
    assert "4 of 5 (exact 95% interval 28% to 99%)" in claims_table(five, [high])
    assert hypothesis(five, high).verdict == "failed" and claim(five, high).verdict == "partly"
    dead = [row | {"test_accuracy": 0.1} for row in runs("high_lr", 0)]
    assert hypothesis(BASELINE + dead, high).verdict == "held"
    for low, high in re.findall(r"between ([\d.]+)% and ([\d.]+)%", LOG):
        assert 0 <= float(low) <= float(high) <= 100
    for low, high in re.findall(r"interval (\d+)% to (\d+)%", LOG):
        assert 0 <= int(low) <= int(high) <= 100


@pytest.mark.parametrize("rows", [[], BASELINE, BASELINE[:1] + runs("no_dropout", 0)[:1]])
def test_a_log_of_few_runs_says_so(rows, tmp_path):
    log = render_log(rows, tmp_path / "experiments.csv")
    assert "too few runs" in log and "No runs yet" in log
    assert "nan" not in log and "inf" not in log.replace("inference", "")


def test_several_changes_at_once_are_counted():
    counts = {e.name: len(changes(e)) for e in SIX}
    assert counts == dict(zip(counts, (0, 1, 1, 1, 2, 3), strict=True))
    assert label(EXPERIMENTS["no_dropout"]) == "No dropout"
    assert claims_table(ROWS).count("⚠") == 2


def test_sweeps_are_read_in_pairs_on_validation():
    usual, other = SWEEPS["dropout"][2], SWEEPS["dropout"][0]
    column = "best_validation_accuracy"
    rows = runs(usual.name, 0, column) + runs(other.name, -30, column, jitter(2))
    assert "worse than 0.5: 0.0 by -0.30" in sweep_sentence(rows, "dropout")
    assert "| 0.0 | 8 | 98.70% | -0.30 (" in sweep_table(rows, "dropout")
    lines = dict.fromkeys(line for line, _, _ in sweep_points("batch_size_and_rate"))
    assert list(lines) == [f"batch size {size}" for size in (16, 64, 256, 1024)]


def test_batch_norm_and_learning_rate_act_on_each_other():
    column, rows = "best_validation_accuracy", []
    for line, rate, e in sweep_points("batch_norm"):
        gain = 30 if rate == 0.0005 and line == "with batch norm" else 0
        rows += runs(e.name, gain, column, jitter(100 * rate * len(line)))
    assert "an interaction" in sweep_sentence(rows, "batch_norm")
    assert "| 0.0005 | 8 | 99.00% without, 99.30% with | +0.30 (" in sweep_table(rows, "batch_norm")


def test_the_figures_are_the_same_bytes_each_time(tmp_path):
    shutil.copytree(ROOT / "docs/curves", tmp_path / "curves")
    lines = RECORD.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if re.match(r"experiment,|baseline,|tiny_batch,", line)]
    (tmp_path / "experiments.csv").write_text("".join(kept), encoding="utf-8")
    before = []
    for _ in range(2):
        log = write_log(tmp_path / "experiments.csv")
        before.append([path.read_bytes() for path in sorted(tmp_path.glob("curves/*.svg"))])
    assert before[0] == before[1]
    linked = re.findall(r"\]\((curves/\w+\.svg)\)", log.read_text(encoding="utf-8"))
    assert linked == [f"curves/{name}.svg" for name in ("forest", "baseline", "tiny_batch")]
