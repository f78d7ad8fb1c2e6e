"""The statistics of the experiments, each against an independent computation or a known case."""

from itertools import product
from math import isnan, sqrt

import numpy as np
import pytest
from scipy import stats

from digitvision.experiment_stats import (
    bootstrap_difference,
    collapse_rate,
    false_alarm_rate,
    holm,
    power,
)
from digitvision.experiments import (
    compare,
    equivalence_test,
    prediction_interval,
    seeds_needed,
    sign_flip_test,
    summarize,
)

DIFFERENCES = [0.0003, -0.0008, 0.0011, 0.0002, -0.0001, 0.0015, 0.0004]


def compared(differences, **options):
    "Compare runs that have these differences from a baseline of 0.99."
    theirs = dict.fromkeys(range(len(differences)), 0.99)
    return compare({i: 0.99 + d for i, d in enumerate(differences)}, theirs, **options)


def test_a_comparison_is_the_paired_t_test():
    ours, theirs = {1: 0.9921, 2: 0.9930, 3: 0.9911, 9: 0.5}, {3: 0.9910, 2: 0.9919, 1: 0.9914}
    c = compare(ours, theirs)
    expected = stats.ttest_rel([0.9921, 0.9930, 0.9911], [0.9914, 0.9919, 0.9910])
    assert (c.low, c.high) == pytest.approx(tuple(expected.confidence_interval(0.99)))
    assert c.p_value == pytest.approx(expected.pvalue) and c.seeds == 3
    assert c.differences == pytest.approx({1: 0.0007, 2: 0.0011, 3: 0.0001})
    with pytest.raises(ValueError, match="no runs"):
        compare({1: 0.99}, {2: 0.98})


def test_the_four_verdicts():
    shift = 0.002
    assert compared([d + shift for d in DIFFERENCES]).verdict == "better"
    assert compared([d - shift for d in DIFFERENCES]).verdict == "worse"
    assert compared([d - shift for d in DIFFERENCES], lower_is_better=True).verdict == "better"
    narrow = [d / 10 for d in DIFFERENCES]
    assert compared(narrow).verdict == "equivalent within ±0.1 points"
    needed = seeds_needed(DIFFERENCES)
    assert compared(DIFFERENCES).verdict == f"open, about {needed} seeds needed"
    assert compared(narrow, margin=None).verdict.startswith("open, about ")


def test_an_equivalent_verdict_is_an_interval_within_the_margin():
    for scale in np.linspace(0.2, 1, 9):
        differences = [d * scale for d in DIFFERENCES]
        s = summarize(differences, 0.98)  # two one-sided tests at 1% are a 98% interval
        within = s.low > -0.001 and s.high < 0.001
        assert within == (equivalence_test(differences) < 0.01)
        assert within == (compared(differences).verdict == "equivalent within ±0.1 points")


def test_equal_or_few_differences_are_no_proof():
    for differences in ([0.01], [0.01, 0.02], [0.01, 0.01, 0.01]):
        assert compared(differences).verdict == "open, too few seeds"


def test_runs_that_scatter_have_no_mean_and_are_judged_by_signs():
    c = compared([-0.89, -0.89, -0.16, -0.88, -0.88, -0.89, -0.88])
    assert isnan(c.mean) and isnan(c.low) and c.p_value == pytest.approx(2 / 2**7)
    assert c.verdict == "open"
    assert compared([-0.89, -0.89, -0.16, -0.88, -0.88, -0.89, -0.88, -0.5]).verdict == "worse"


def test_the_sign_flip_test_tries_all_signs():
    sums = [abs(np.dot(signs, DIFFERENCES)) for signs in product((1, -1), repeat=7)]
    expected = np.mean(np.array(sums) >= abs(sum(DIFFERENCES)) - 1e-12)
    assert sign_flip_test(DIFFERENCES) == pytest.approx(expected)
    assert sign_flip_test([0.1, 0.2, 0.3, 0.4, 0.5]) == 2 / 2**5


@pytest.mark.parametrize("mean", [0.0, 0.0004, 0.002])
def test_so_many_seeds_do_have_a_power_of_80_percent(mean):
    sample = np.array([-1, 1, -1, 1, 0.5, -0.5]) * 0.001
    sample = sample / sample.std(ddof=1) * 0.001 + mean
    found, rng = [], np.random.default_rng(0)
    for n in (needed := seeds_needed(sample), needed - 1):
        x = rng.normal(mean, 0.001, (20_000, n))
        margins = stats.t.isf([0.005, 0.01], n - 1)[:, None] * stats.sem(x, axis=1)
        detected = abs(x.mean(1)) > margins[0]
        same = abs(x.mean(1)) + margins[1] < 0.001
        found.append(max(detected.mean(), same.mean()))
    assert found[0] > 0.79 and found[1] < 0.81
    assert seeds_needed(sample, margin=None, most=10) is (None if mean < 0.001 else needed)


def test_a_prediction_interval_holds_what_it_promises():
    draws = np.random.default_rng(2).normal(0.992, 0.0006, (1_000, 6))
    for confidence in (0.95, 1 - 0.05 / 6):
        low, high = np.transpose([prediction_interval(five, confidence) for *five, _ in draws])
        inside = np.mean((low <= draws[:, 5]) & (draws[:, 5] <= high))
        assert inside == pytest.approx(confidence, abs=0.015)


def test_holms_adjusted_p_values():
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": float("nan")}
    adjusted = holm(p)  # multiplied by 5, 4, 3, 2 in order, and never below the one before
    assert adjusted["d"] == pytest.approx(0.025) and adjusted["a"] == pytest.approx(0.04)
    assert adjusted["c"] == adjusted["b"] == pytest.approx(0.09) and isnan(adjusted["e"])
    assert list(adjusted) == list(p) and holm({"a": 0.7, "b": 0.9}) == {"a": 1, "b": 1}


def test_the_collapse_rate_has_an_exact_interval():
    rate = collapse_rate([0.8349, 0.1028, 0.098, 0.1135, 0.1135])
    assert (rate.count, rate.total, rate.share) == (4, 5, 0.8)
    assert rate.low == pytest.approx(stats.beta.ppf(0.025, 4, 2))
    assert rate.high == pytest.approx(stats.beta.ppf(0.975, 5, 1))
    assert collapse_rate([0.1] * 4).high == 1 and collapse_rate([0.9] * 4).low == 0


def test_the_bootstrap_covers_both_seeds_and_images():
    rng, seeds, images = np.random.default_rng(0), range(12), 1_000
    nothing = dict.fromkeys(seeds, np.zeros(images, bool))
    # each seed reads all images or none: only the seeds vary, and it is the paired t interval
    ours = {s: np.full(images, s % 3 == 0) for s in seeds}
    expected = summarize([s % 3 == 0 for s in seeds], 0.99)
    assert bootstrap_difference(ours, nothing) == pytest.approx(
        (expected.low, expected.high), abs=0.02
    )
    # all seeds read the same 10%: only the images vary, as in a binomial distribution
    same = dict.fromkeys(seeds, np.arange(images) < 100)
    margin = stats.t.ppf(0.995, 11) * sqrt(0.1 * 0.9 / images)
    assert bootstrap_difference(same, nothing) == pytest.approx(
        (0.1 - margin, 0.1 + margin), abs=0.002
    )
    # both: wider than either
    mixed = {s: ours[s] & same[s] for s in seeds}
    low, high = bootstrap_difference(mixed, nothing)
    expected = summarize([right.mean() for right in mixed.values()], 0.99)
    assert low < expected.low and high > expected.high
    # equals, with images of their own: 0 is within
    arms = [{s: rng.random(images) < 0.97 for s in seeds} for _ in range(2)]
    low, high = bootstrap_difference(*arms)
    assert low < 0 < high
    with pytest.raises(ValueError, match="too few runs"):
        bootstrap_difference({1: ours[1]}, {1: ours[1]})


def test_the_bootstrap_has_the_scatter_of_repeated_studies():
    rng, seeds, images, means, widths = np.random.default_rng(0), 6, 300, [], []
    for _ in range(200):  # studies with seeds and images of their own
        skill = rng.normal(0, 0.03, (2, seeds, 1))
        ease = rng.choice([0.5, 0.97], images, p=[0.1, 0.9]) + rng.normal(0, 0.1, (2, 1, images))
        ours, theirs = rng.random((2, seeds, images)) < ease + skill
        arms = [dict(enumerate(arm)) for arm in (ours, theirs)]
        low, high = bootstrap_difference(*arms, resamples=300)
        means.append((low + high) / 2)
        widths.append((high - low) / 2 / stats.t.ppf(0.995, seeds - 1))
    assert np.sqrt(np.mean(np.square(widths))) == pytest.approx(np.std(means), rel=0.15)


def test_false_alarms_are_as_rare_as_promised():
    recorded = np.random.default_rng(1).normal(0.0004, 0.0006, 12)
    for confidence in (0.99, 0.9):
        rate = false_alarm_rate(recorded, confidence=confidence)
        assert rate.total == 1_000 and rate.low <= 1 - confidence <= rate.high


def test_power_agrees_with_the_noncentral_t_distribution():
    recorded = stats.norm.ppf((np.arange(200) + 0.5) / 200)  # nearly normal
    recorded = recorded / recorded.std(ddof=1)
    for effect, seeds in ((1.0, 5), (1.0, 12), (0.3, 12)):
        critical = stats.t.isf(0.005, seeds - 1)
        expected = stats.nct.sf(critical, seeds - 1, effect * sqrt(seeds))
        assert power(recorded, effect, seeds) == pytest.approx(expected, abs=0.04)
        assert power(recorded + 7, effect, seeds) == pytest.approx(expected, abs=0.04)
