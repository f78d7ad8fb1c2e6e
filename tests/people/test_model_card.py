"""The model card is rendered from the recorded evaluation of the shipped model."""

import json

import pytest

from digitvision.errors import InvalidInputError
from digitvision.model_files import read_model
from digitvision.people.card_page import EVALUATIONS, MODELS, recorded_accuracy, render_model_card
from digitvision.people.model_card import limitations, share_correct, weaknesses

CARD = read_model(MODELS[0])[0]
FOUND = json.loads(EVALUATIONS.read_text(encoding="utf-8"))


OURS, BASELINE = (FOUND[name] for name in MODELS)


def test_evaluations_of_another_model_are_refused():
    with pytest.raises(InvalidInputError, match="another model"):
        render_model_card(CARD | {"sha256": "0"}, FOUND, 0.99)


def test_the_card_can_do_without_pen_digits():
    few = {name: {k: v for k, v in one.items() if k != "strokes"} for name, one in FOUND.items()}
    page = render_model_card(CARD, few, 0.99)
    assert "mean of six styles" not in page and "slashed zeros." not in page


def test_the_page_is_in_step_with_the_measurements_and_rounds_bounds_once():
    page = EVALUATIONS.with_name("model_card.md").read_text(encoding="utf-8")
    assert page == render_model_card(CARD, FOUND, recorded_accuracy())
    assert "99.67% (99.54% to 99.76%)" in page  # the bound is 99.7649%


def test_models_are_compared_at_an_equal_operating_point():
    page = render_model_card(CARD, FOUND, 0.99)
    for kind, ours in OURS["not_digits"]["kinds"].items():
        shares = (
            each["refused_if_985_pass"] for each in (ours, BASELINE["not_digits"]["kinds"][kind])
        )
        cells = " | ".join(f"{share:.1%}" for share in shares)
        assert f"| {kind.capitalize()}, rejected if 98.5% of pen digits pass | {cells} |" in page


def test_every_clear_disadvantage_is_a_limitation():
    found = weaknesses(OURS, BASELINE)
    text = " ".join(limitations(OURS, BASELINE))
    assert {name for name, *_ in found} >= {"noise"}
    for name, path, strength, ours, baseline in found:
        assert share_correct(OURS, name, path, strength) == ours < baseline
        assert f"it reads {ours:.1%}, the baseline {baseline:.1%}" in text
    assert weaknesses(OURS, OURS) == []
