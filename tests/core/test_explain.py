"""What notebook 20 does not show of `explain`: other networks, long drawings, many threads."""

import gc
import hashlib
import json
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from digitvision import explain
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

FOUR = [[(110, 70), (80, 150), (190, 150)], [(165, 80), (150, 220)]]
REPLAYS = [counterfactual, timeline]


@pytest.fixture(params=[{"batch_norm": True}, {"filters": (8, 16, 24)}], ids=str)
def other(request, tmp_path) -> tuple[Recognizer, object]:
    "A network of another shape, its parameters random, as `ship` would write it; and Keras's own."
    from digitvision.model import build_cnn
    from digitvision.train import export_onnx

    model, rng = build_cnn(**request.param), np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.3, w.shape) - 0.15 * (w.ndim > 1) for w in model.weights])
    export_onnx(model, tmp_path / "other.onnx", rng.integers(0, 256, (4, 28, 28), np.uint8))
    sha256 = hashlib.sha256((tmp_path / "other.onnx").read_bytes()).hexdigest()
    (tmp_path / "other.json").write_text(json.dumps({"sha256": sha256}))
    return Recognizer("other", tmp_path), model


def test_any_network_of_the_course_can_be_opened(other):
    recognizer, model = other
    layers = activations(rasterize(FOUR), recognizer=recognizer)
    expected = [n for n in (la.name for la in model.layers) if n not in ("flatten", "dropout")]
    assert list(layers) == [n for n in expected if not n.endswith(("_norm", "_relu"))]
    probabilities = recognizer.predict(rasterize(FOUR)).probabilities
    np.testing.assert_allclose(layers["probabilities"].maps, probabilities, atol=1e-6)
    for layer in layers.values():
        if layer.filters is not None and layer.filters.ndim == 4:
            for at in [(0, 0, 0), (1, 1, 2), tuple(n - 1 for n in layer.maps.shape)]:
                assert trace(layer, *at).value == pytest.approx(layer.maps[at], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("replay", REPLAYS)
@pytest.mark.parametrize(
    ("strokes", "words"),
    [
        ([], "nothing drawn"),
        ([[]], "nothing drawn"),
        ([[(1, 2)]], "single point"),
        ([[], [(1, 2)]], "single point"),
        ([[(1, 2), (float("nan"), 3)]], "finite"),
        ([[(1, 2), (3,)]], "two numbers"),
        ([["seven"]], "two numbers"),
        (np.zeros((101, 2, 2)), "100 strokes"),
        (np.zeros((1, 1_000_000, 2)), "100,000"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_strokes_that_cannot_be_replayed_are_refused_before_any_is_drawn(
    monkeypatch, replay, strokes, words
):
    monkeypatch.setattr(explain, "rasterize", None)
    with pytest.raises(ValueError, match=words):
        replay(strokes)


def test_a_picture_without_ink_is_blank_to_all():
    for look in (activations, saliency):
        with pytest.raises(BlankImageError):
            look(np.zeros((280, 280)))


@pytest.mark.parametrize("replay", REPLAYS)
@pytest.mark.parametrize("strokes", [1, 100], ids="{} strokes".format)
def test_long_drawings_are_thinned_out_before_they_are_drawn(monkeypatch, replay, strokes):
    drawn = []

    def count(strokes, *options):
        drawn.append(sum(map(len, strokes)))
        return rasterize(strokes, *options)

    monkeypatch.setattr(explain, "rasterize", count)
    walk = np.random.default_rng(0).uniform(40, 240, (99_000, 2))
    replay(np.split(walk, strokes))
    assert 0 < max(drawn) <= 1200 and len(drawn) <= 130


def test_a_dot_is_a_stroke_like_others():
    drawing = [*FOUR, [(30, 30)]]
    assert timeline(drawing).points[-1] == 6
    assert len(first_points(drawing, 4)) == 2
    flip = counterfactual(drawing)
    assert flip is None or flip.before.digit != flip.after.digit
    assert counterfactual([[(100, 100), (100, 100)]]) is None


def test_every_flip_flips_when_replayed():
    rng, flips = np.random.default_rng(0), 0
    for _ in range(12):
        drawing = [np.array(stroke, float) for stroke in FOUR]
        drawing = [stroke + rng.normal(0, 12, stroke.shape) for stroke in drawing]
        flip = counterfactual(drawing)
        if flip is not None:
            flips += 1
            assert Recognizer.shared().predict(rasterize(drawing)).digit == flip.before.digit
            assert Recognizer.shared().predict(rasterize(flip.strokes)).digit == flip.after.digit
            assert flip.after.digit != flip.before.digit and 0 < flip.share <= 0.5
    assert flips >= 3


def test_many_threads_see_the_same():
    expected = saliency(rasterize(FOUR))
    with ThreadPoolExecutor(4) as pool:
        for heat in pool.map(lambda _: saliency(rasterize(FOUR)), range(8)):
            np.testing.assert_array_equal(heat, expected)
        layers = list(pool.map(lambda _: activations(rasterize(FOUR)), range(8)))
    assert all((one["conv2"].maps == layers[0]["conv2"].maps).all() for one in layers)


def test_masks_shared_by_all_calls_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        explain._masks(explain.MASKS, 0)[:] = 0


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
    for ours, theirs in zip(
        answers.run(names, {"image": image}), all_values.run(names, {"image": image}), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_file_that_does_not_name_its_layers_can_predict_but_not_be_explained(tmp_path):
    import onnx

    for end in ("onnx", "json"):
        shutil.copy(CHECKPOINTS / f"baseline.{end}", tmp_path)
    model = onnx.load(tmp_path / "baseline.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "baseline.onnx")
    sha256 = hashlib.sha256((tmp_path / "baseline.onnx").read_bytes()).hexdigest()
    (tmp_path / "baseline.json").write_text(json.dumps({"sha256": sha256}))
    recognizer = Recognizer("baseline", tmp_path)
    assert recognizer.predict(rasterize(FOUR)).digit == 4
    with pytest.raises(ModelError, match="does not name its layers"):
        activations(rasterize(FOUR), recognizer=recognizer)


def test_pictures_of_layers_stay_in_range():
    for maps in (
        np.zeros((3, 4, 4)),
        np.full(10, 1e-30),
        np.random.default_rng(0).random((7, 5, 5)),
    ):
        picture = tile_maps(maps, 4)
        assert picture.ndim == 2 and picture.min() >= 0 and picture.max() <= 1
    for heat in (np.zeros((28, 28)), np.full((28, 28), -3.0)):
        picture = overlay(np.ones((28, 28), np.float32), heat)
        assert picture.shape == (28, 28, 3) and picture.min() >= 0 and picture.max() <= 1
