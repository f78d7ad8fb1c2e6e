"""The HTTP contract of POST /api/explain (docs/api.md)."""

import numpy as np
import pytest
from support.contract import SEVEN
from support.digits import DIGITS, placed
from support.helpers import data_url

from digitvision.explain import activations
from digitvision.inference import decode_data_url
from digitvision.preprocess import rasterize

EXTREMES = (np.argmax, np.argmin)  # a cell that is on, and one that ReLU sets to 0


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


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv5"])
def test_the_terms_of_a_cell_add_up_to_its_value(api, layer):
    maps = activations(SEVEN)[layer].maps
    for at in (tuple(map(int, np.unravel_index(find(maps), maps.shape))) for find in EXTREMES):
        reply = api.check(api.cell(layer, *at))
        sums = [term["sum"] for term in reply["terms"]]
        for term, total in zip(reply["terms"], sums, strict=True):
            assert (np.array(term["patch"]) * term["filter"]).sum() == pytest.approx(
                total, abs=1e-4
            )
        assert len(sums) == (1 if layer == "conv1" else 3)
        assert sums == sorted(sums, key=abs, reverse=True)
        total = sum(sums) + reply["rest"] + reply["bias"]
        assert reply["value"] == pytest.approx(max(0, total), abs=1e-4)
        assert reply["value"] == pytest.approx(float(maps[at]), rel=1e-3, abs=1e-4)


def test_a_cell_of_a_pooling_layer_is_the_maximum_of_its_patch(api):
    maps = activations(SEVEN)["conv2_pool"].maps
    at = tuple(map(int, np.unravel_index(maps.argmax(), maps.shape)))
    reply = api.check(api.cell("conv2_pool", *at))
    (term,) = reply["terms"]
    assert term["filter"] is None and np.shape(term["patch"]) == (2, 2)
    assert np.max(term["patch"]) == reply["value"] == pytest.approx(float(maps.max()))


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("conv1", 0, 0),
        ("conv1", 0, 0, 26),
        ("conv1", 32, 0, 0),
        ("conv1", -1, 0, 0),
        ("conv1", 0.5, 0, 0),
        ("conv9", 0, 0, 0),
        ("flatten", 0, 0, 0),
        ("probabilities", 0, 0, 0),
        (7, 0, 0, 0),
        ("conv1", 0, 0, 10**400),
    ],
    ids=str,
)
def test_a_cell_that_is_not_there_is_refused(api, place):
    assert api.refusal(api.cell(*place)) == (400, "invalid_request")
