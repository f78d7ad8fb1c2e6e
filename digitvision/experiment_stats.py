"""Statistics over many runs: corrections, resampling, rates and the power of a design."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy import stats

from digitvision.experiments import CONFIDENCE

PAIRS = 1_000  # simulated comparisons


class Rate(NamedTuple):
    "A count out of a total, and the exact (Clopper-Pearson) 95% interval of the share, 0 to 1."

    count: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        "Return count / total, 0 to 1."
        return self.count / self.total


def exact_rate(count: int, total: int) -> Rate:
    "Return the rate with its exact interval. Raises ValueError if total is 0."
    interval = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
    return Rate(count, total, float(interval.low), float(interval.high))


def collapse_rate(accuracies: Iterable[float], below: float = 0.15) -> Rate:
    "Return how many of the runs ended with an accuracy near that of guessing, 0.1."
    values = list(accuracies)
    return exact_rate(sum(value < below for value in values), len(values))


def holm(p_values: Mapping) -> dict:
    """Return key → p-value adjusted by Holm's method for all p-values of the family.

    Claims at adjusted p < 5% are all true with 95% probability or more. A p-value that is nan
    counts for the size of the family and stays nan."""
    total, adjusted, largest = len(p_values), {}, 0.0
    known = sorted((p, key) for key, p in p_values.items() if not np.isnan(p))
    for rank, (p, key) in enumerate(known):
        largest = max(largest, min(1.0, (total - rank) * p))
        adjusted[key] = largest
    return {key: adjusted.get(key, p) for key, p in p_values.items()}


def bootstrap_difference(
    ours: Mapping[int, np.ndarray],  # seed → bool, one per image: classified correctly
    theirs: Mapping[int, np.ndarray],  # the same images
    confidence: float = CONFIDENCE,
    resamples: int = 4_000,
) -> tuple[float, float]:  # low, high
    """Return the interval of the difference in accuracy over other seeds *and* other images.

    Seeds and images are both drawn with replacement; seeds stay paired, and all of them get the
    same images. This counts scatter that belongs to single pairs of a seed and an image three times
    (Owen 2007, "The pigeonhole bootstrap"); twice that part is subtracted. The interval is the mean
    ± the standard error times the factor of the t distribution, and never narrower than the paired
    t interval. Raises ValueError if fewer than two seeds are shared."""
    seeds = sorted(ours.keys() & theirs.keys())
    n = len(seeds)
    if n < 2:
        raise ValueError("There are too few runs to compare.")
    difference = np.array([ours[s].astype(np.float32) - theirs[s] for s in seeds])
    images, rng = difference.shape[1], np.random.default_rng(0)
    disputed = difference[:, difference.any(0)]  # all other images add 0
    shares = np.full(disputed.shape[1] + 1, 1 / images)
    shares[-1] = 1 - disputed.shape[1] / images
    # n - 1 of n seeds: their mean then varies by sd² / n, as the mean of n new seeds does
    seed_counts = rng.multinomial(n - 1, np.full(n, 1 / n), resamples)
    image_counts = rng.multinomial(images, shares, resamples)[:, :-1]
    means = ((seed_counts @ disputed) * image_counts).sum(1) / ((n - 1) * images)
    by_row, by_column = difference.mean(1, keepdims=True), difference.mean(0)
    single = (difference - by_row - by_column + difference.mean()).var() / (n * images)
    error = sqrt(max(means.var() - 2 * single, by_row.var(ddof=1) / n))
    low, high = stats.t.interval(confidence, n - 1, difference.mean(), error)
    return float(low), float(high)


def _claims(
    differences: Sequence[float], effect: float, seeds: int, confidence: float, pairs: int
) -> float:
    "Return the share of simulated comparisons with a significant difference, 0 to 1."
    values, rng = np.array(differences, float), np.random.default_rng(0)
    deviations = (values - values.mean()) * (len(values) / (len(values) - 1)) ** 0.5
    deviations = effect + np.append(deviations, -deviations)  # equal runs can change places

    def p_value(sample: np.ndarray, axis: int) -> np.ndarray:
        return stats.ttest_1samp(sample, 0, axis=axis).pvalue

    draw: Callable = lambda size: rng.choice(deviations, size)  # noqa: E731
    options = {"significance": 1 - confidence, "n_resamples": pairs}
    return stats.power(p_value, draw, (seeds,), vectorized=True, **options).power.item()


def false_alarm_rate(
    differences: Sequence[float],  # recorded, paired by seed
    seeds: int | None = None,  # of each comparison; default: as many as recorded
    confidence: float = CONFIDENCE,
    pairs: int = PAIRS,
) -> Rate:
    """Compare equal configurations (an A/A test), and count the false claims of a difference.

    Each comparison draws its differences from the recorded ones, minus their mean and with a sign
    at random: of two equal configurations, either could have been called ours."""
    share = _claims(differences, 0.0, seeds or len(differences), confidence, pairs)
    return exact_rate(round(share * pairs), pairs)


def power(
    differences: Sequence[float],  # recorded, paired by seed
    effect: float,  # true difference, in the same unit
    seeds: int,  # of each comparison
    confidence: float = CONFIDENCE,
    pairs: int = PAIRS,
) -> float:  # 0 to 1
    "Return the share of simulated comparisons that detect a true difference with so many seeds."
    return _claims(differences, effect, seeds, confidence, pairs)
