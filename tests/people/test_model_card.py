"""The model card is rendered from the recorded evaluation of the shipped model."""

import json

import pytest

from digitvision.errors import InvalidInputError
from digitvision.model_files import read_model
from digitvision.people.model_card import EVALUATIONS, MODELS, render_model_card

CARD = read_model(MODELS[0])[0]
FOUND = json.loads(EVALUATIONS.read_text(encoding="utf-8"))


def test_evaluations_of_another_model_are_refused():
    with pytest.raises(InvalidInputError, match="another model"):
        render_model_card(CARD | {"sha256": "0"}, FOUND)


def test_the_card_can_do_without_pen_digits():
    few = {name: {k: v for k, v in one.items() if k != "strokes"} for name, one in FOUND.items()}
    assert "drawing styles" not in render_model_card(CARD, few)
