"""What notebook 20 does not show of `explain`: other networks, long drawings, many threads."""

import gc
import hashlib
import json
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from digitvision import replay
from digitvision.explain import (
    activations,
    counterfactual,
    first_points,
    overlay,
    saliency,
    tile_maps,
    timeline,
    trace,
)
from digitvision.inference import Recognizer
from digitvision.model_files import CHECKPOINTS, ModelError, list_models, read_model, start_session
from digitvision.preprocess import BlankImageError, rasterize
from digitvision.strokes import check_drawing

FOUR = [[(110, 70), (80, 150), (190, 150)], [(165, 80), (150, 220)]]


def write_card(onnx: Path) -> None:
    "Write the smallest card that a network can have beside it."
    sha256 = hashlib.sha256(onnx.read_bytes()).hexdigest()
    onnx.with_suffix(".json").write_text(json.dumps({"sha256": sha256}))


@pytest.fixture(params=[{"batch_norm": True}, {"filters": (8, 16, 24)}], ids=str)
def other(request, tmp_path) -> tuple[Recognizer, object]:
    "A network of another shape, its parameters random, as `ship` would write it; and Keras's own."
    from digitvision.model import build_cnn
    from digitvision.onnx_layers import export_onnx

    model, rng = build_cnn(**request.param), np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.3, w.shape) - 0.15 * (w.ndim > 1) for w in model.weights])
    export_onnx(model, tmp_path / "other.onnx", rng.integers(0, 256, (4, 28, 28), np.uint8))
    write_card(tmp_path / "other.onnx")
    return Recognizer("other", tmp_path), model


def test_any_network_of_the_course_can_be_opened(other):
    recognizer, model = other
    layers = activations(rasterize(FOUR), recognizer=recognizer)
    merged = ("flatten", "dropout", "_norm", "_relu")
    assert list(layers) == [one.name for one in model.layers if not one.name.endswith(merged)]
    probabilities = recognizer.predict(rasterize(FOUR)).probabilities
    np.testing.assert_allclose(layers["probabilities"].maps, probabilities, atol=1e-6)
    for layer in layers.values():
        if layer.filters is not None and layer.filters.ndim == 4:
            for at in [(0, 0, 0), (1, 1, 2), tuple(n - 1 for n in layer.maps.shape)]:
                assert trace(layer, *at).value == pytest.approx(layer.maps[at], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("strokes", "words"),
    [
        ([[]], "nothing drawn"),
        ([[], [(1, 2)]], "single point"),
        ([[(1, 2), (3,)]], "two numbers"),
        ([["seven"]], "two numbers"),
        (np.zeros((101, 2, 2)), "100 strokes"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_strokes_that_cannot_be_replayed_are_refused(strokes, words):
    with pytest.raises(ValueError, match=words):
        check_drawing(strokes)


@pytest.mark.parametrize("ask", [counterfactual, timeline])
@pytest.mark.parametrize("strokes", [1, 100], ids="{} strokes".format)
def test_long_drawings_are_thinned_out_before_they_are_drawn(monkeypatch, ask, strokes):
    drawn = []

    def count(strokes, **options):
        drawn.append(sum(map(len, strokes)))
        return rasterize(strokes, **options)

    monkeypatch.setattr(replay, "rasterize", count)
    walk = np.random.default_rng(0).uniform(40, 240, (99_000, 2))
    ask(np.split(walk, strokes))
    assert 0 < max(drawn) <= 1200 and len(drawn) <= 130


def test_a_dot_is_a_stroke_like_others():
    drawing = [*FOUR, [(30, 30)]]
    assert timeline(drawing).points[-1] == 6
    assert len(first_points(drawing, 4)) == 2
    flip = counterfactual(drawing)
    assert flip.before.digit != flip.after.digit and 0 < flip.share <= 0.5
    assert counterfactual([[(100, 100), (100, 100)]]) is None


def test_many_threads_see_the_same():
    with ThreadPoolExecutor(4) as pool:
        heats = list(pool.map(saliency, [rasterize(FOUR)] * 8))
        layers = list(pool.map(activations, [rasterize(FOUR)] * 8))
    assert all((heat == heats[0]).all() for heat in heats)
    assert all((one["conv2"].maps == layers[0]["conv2"].maps).all() for one in layers)


def test_a_recognizer_that_was_explained_is_freed():
    recognizer = Recognizer("baseline")
    activations(rasterize(FOUR), recognizer=recognizer)
    reference = weakref.ref(recognizer)
    del recognizer
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("name", list_models(CHECKPOINTS))
def test_a_prediction_asks_for_no_layer_and_layers_change_no_answer(name):
    onnx = read_model(name)[1]
    answers, all_values = start_session(onnx), start_session(onnx, layers=True)
    names = [output.name for output in answers.get_outputs()]
    assert names == ["probabilities", "digit_score"][: len(names)]
    further = {output.name for output in all_values.get_outputs()} - set(names)
    assert {"conv1", "conv1.weights", "conv1.bias", "conv2", "conv2_pool"} <= further
    image = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    ours, theirs = (session.run(names, {"image": image}) for session in (answers, all_values))
    assert all(map(np.allclose, ours, theirs))


def test_a_file_that_does_not_name_its_layers_can_predict_but_not_be_explained(tmp_path):
    import onnx

    model = onnx.load(CHECKPOINTS / "baseline.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "old.onnx")
    write_card(tmp_path / "old.onnx")
    recognizer = Recognizer("old", tmp_path)
    assert recognizer.predict(rasterize(FOUR)).digit == 4
    with pytest.raises(ModelError, match="does not name its layers"):
        activations(rasterize(FOUR), recognizer=recognizer)


def test_pictures_of_layers_stay_in_range():
    random = np.random.default_rng(0).random((7, 5, 5))
    for maps in (np.zeros((3, 4, 4)), np.full(10, 1e-30), random):
        picture = tile_maps(maps, 4)
        assert picture.ndim == 2 and picture.min() >= 0 and picture.max() <= 1
    for heat in (np.zeros((28, 28)), np.full((28, 28), -3.0)):
        picture = overlay(np.ones((28, 28), np.float32), heat)
        assert picture.shape == (28, 28, 3) and picture.min() >= 0 and picture.max() <= 1


@pytest.mark.parametrize(
    "cell", [("probabilities", 0, 0, 0), ("conv1", 0, 99, 0), ("conv1", -1, 0, 0)]
)
def test_a_cell_that_is_not_there_cannot_be_traced(cell):
    name, *at = cell
    with pytest.raises(ValueError, match=r"has no maps|from 0 on"):
        trace(activations(rasterize(FOUR))[name], *at)


def test_saliency_is_repeatable_and_explains_the_predicted_digit_by_default():
    once, again = saliency(rasterize(FOUR)), saliency(rasterize(FOUR), 4)
    assert (once == again).all()
    for wrong in (10, -1, 7.5, "7", True):
        with pytest.raises(ValueError, match="0 to 9"):
            saliency(rasterize(FOUR), wrong)
    with pytest.raises(BlankImageError):
        saliency(rasterize([]))


def test_counterfactual_and_timeline_answer_as_the_recognizer_does():
    recognizer = Recognizer.shared()
    flip = counterfactual(FOUR)
    assert recognizer.predict(rasterize(flip.strokes)).digit == flip.after.digit
    growing = timeline(FOUR, moments=3)
    assert growing.points.tolist() == [1, 3, 5]
    whole = recognizer.predict(rasterize(FOUR)).probabilities
    np.testing.assert_allclose(growing.probabilities[-1], whole, atol=1e-6)
    with pytest.raises(ValueError, match="finite"):
        timeline([[(1, 2), (3, float("nan"))]])
    with pytest.raises(ValueError, match="100,000"):
        timeline(np.zeros((1, 1_000_000, 2)))
