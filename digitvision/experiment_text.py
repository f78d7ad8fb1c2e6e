"""Numbers as text: differences, p-values and accuracies."""

from collections.abc import Iterable
from math import isnan
from statistics import mean, stdev

from digitvision.experiment_plots import scattered
from digitvision.experiments import Comparison, Summary


def points(c: Comparison | Summary | None, unit: float = 0.01, digits: int = 2) -> str:
    "Return mean and interval as text, +0.31 (+0.20 to +0.43), in points; – if there are none."
    if c is None or isnan(c.mean):
        return "–"
    low, value, high = (f"{x / unit:+.{digits}f}" for x in (c.low, c.mean, c.high))
    return f"{value} ({low} to {high})" if c.seeds > 1 else value


def p_text(p_value: float) -> str:
    'Return "p = 0.012", or "p < 0.001".'
    return f"p = {p_value:.3f}" if p_value >= 0.0005 else "p < 0.001"


def accuracy_text(values: Iterable[float]) -> str:
    "Return accuracies as text: 99.21% ± 0.05, or each if they scatter."
    values = list(values)
    if not values:
        return "–"
    if len(values) < 2 or scattered(values):
        return ", ".join(f"{value:.2%}" for value in values)
    return f"{mean(values):.2%} ± {100 * stdev(values):.2f}"
