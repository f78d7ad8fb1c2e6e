"""The HTTP contract of POST /api/explain (docs/api.md)."""

import pytest
from support.contract import SEVEN
from support.digits import DIGITS, placed
from support.helpers import data_url

from digitvision.explain import activations
from digitvision.inference import decode_data_url
from digitvision.preprocess import rasterize


def test_an_explanation_shows_what_the_library_says(api):
    reply = api.check(api.explain(strokes=DIGITS[7]))
    assert reply["digit"] == 7
    shapes = {layer["name"]: tuple(layer["shape"]) for layer in reply["layers"]}
    assert shapes == {name: layer.maps.shape for name, layer in activations(SEVEN).items()}
    assert min(decode_data_url(layer["maps"]).width for layer in reply["layers"]) >= 10
    assert decode_data_url(reply["saliency"]).size == (28, 28)
    assert [stage["name"] for stage in reply["stages"]] == ["grey", "ink", "crop", "box", "input"]
    growth = reply["timeline"]
    assert growth["points"] == list(range(1, 9))
    sent = api.predict(data_url(SEVEN)).json["probabilities"]
    assert growth["probabilities"][-1] == pytest.approx(sent, abs=1e-5)


def test_an_explanation_follows_the_framing_and_the_strokes_are_optional(api):
    reply = api.check(api.explain(preprocess="resize"))
    assert [stage["name"] for stage in reply["stages"]] == ["grey", "ink", "naive"]
    assert reply["timeline"] is None


def test_a_large_picture_is_explained_with_small_ones(api):
    large = rasterize(placed(DIGITS[7], 5, 0, 0), 1400, 90)
    reply = api.check(api.explain(image=data_url(large)))
    assert reply["stages"][0]["size"] == [1400, 1400]
    assert decode_data_url(reply["stages"][0]["picture"]).size == (280, 280)


@pytest.mark.parametrize(
    "wrong",
    [
        {"strokes": 7},
        {"strokes": [["seven"]]},
        {"strokes": [[[1]]]},
        {"strokes": [[[1, 2]]]},  # one point has no timeline
        {"stroke": DIGITS[7]},
        {"strokes": [[[1, 2], [10**400, 3]]]},
        {"strokes": [[[1, 2], [3, 4]]] * 101},
        {"strokes": [[[1, 2]] * 100_001]},
        {"strokes": DIGITS[7], "brush": 0},
        {"strokes": DIGITS[7], "brush": 1e9},
        {"strokes": DIGITS[7], "brush": "18"},
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_explained_is_refused(api, wrong):
    assert api.refusal(api.explain(**wrong)) == (400, "invalid_request")


@pytest.mark.parametrize("strokes", [[], [[]], [[[-90, 9]] * 2]])
def test_strokes_without_ink_are_blank(api, strokes):
    assert api.refusal(api.explain(strokes=strokes)) == (422, "blank_image")
