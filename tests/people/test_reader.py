"""The reader's parts: distortion, batches, schedule, folding and temperature."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy.special import expit, softmax

from digitvision.data import Split
from digitvision.people.distortion import distort
from digitvision.people.folding import fold
from digitvision.people.material import NOT_A_DIGIT
from digitvision.people.reader import Recipe, build_reader, fit_temperature, optimizer_settings
from digitvision.people.training import BatchSequence, compile_reader, predict_logits, train_reader

TINY = Recipe(filters=((3, 3), (4,)), batch_size=4, epochs=2, distortion=0)
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
MATERIAL = Split(IMAGES, np.array([*range(10), NOT_A_DIGIT, NOT_A_DIGIT], np.int8))


def test_the_same_random_numbers_distort_alike_and_others_otherwise():
    first, again, other = (distort(IMAGES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == ((12, 28, 28, 1), np.float32)
    assert 0 <= first.min() < first.max() <= 1
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_strength_of_0_changes_nothing():
    unchanged = distort(IMAGES, np.random.default_rng(1), 0)
    np.testing.assert_array_equal(unchanged[..., 0], IMAGES / np.float32(255))


def test_the_recipe_holds_every_ingredient_of_the_loss_and_the_optimizer():
    recipe = replace(TINY, weight_decay=0.5, clip_norm=3.0, score_weight=0.25, label_smoothing=0.3)
    model = compile_reader(recipe, steps=10)
    optimizer = model.optimizer
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.5, 3.0)
    assert model.loss[0].get_config()["label_smoothing"] == 0.3
    assert model._compile_loss._user_loss_weights == [1.0, 0.25]


def test_the_temperature_of_a_network_three_times_too_sure():
    true = np.random.default_rng(0).normal(0, 2, (5000, 10))  # labels are drawn as these logits say
    labels = (true + np.random.default_rng(1).gumbel(0, 1, true.shape)).argmax(axis=1)
    assert fit_temperature(3 * true, labels) == pytest.approx(3, abs=0.2)


def test_an_epoch_has_every_image_once_and_the_next_in_another_order():
    def epoch() -> list[bytes]:
        return [image.tobytes() for i in range(len(batches)) for image in batches[i][0]]

    batches = BatchSequence(MATERIAL, TINY, seed=1)
    first, again = epoch(), epoch()
    batches.on_epoch_end()
    second = epoch()
    assert first == again != second and sorted(first) == sorted(second)
    assert len(set(first)) == 12


def test_targets_and_weights_of_digits_and_others():
    batches = BatchSequence(MATERIAL, replace(TINY, batch_size=12), seed=1)
    _, (targets, scores), (weights, ones) = batches[0]
    labels = MATERIAL.labels[batches.order]
    others = labels == NOT_A_DIGIT
    np.testing.assert_array_equal(scores[:, 0], ~others)
    np.testing.assert_array_equal(targets[~others].argmax(axis=1), labels[~others])
    np.testing.assert_allclose(targets[others], 0.1)
    np.testing.assert_allclose(weights, np.where(others, 0.1, 1))
    assert (ones == 1).all()


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_one_cycle_warms_up_for_a_fifth_of_the_steps_and_then_decays(steps):
    rates = np.array([*map(optimizer_settings(TINY, steps)["learning_rate"], range(steps))])
    assert rates[0] == pytest.approx(TINY.learning_rate / 10)
    if steps == 1000:
        assert rates.argmax() == 200 and rates[200] == pytest.approx(TINY.learning_rate)
        assert rates[-1] < 0.002 * TINY.learning_rate


def test_without_one_cycle_and_averaging_there_is_a_constant_rate():
    recipe = replace(TINY, one_cycle=False, averaging=0)
    assert optimizer_settings(recipe, 9) == {"learning_rate": TINY.learning_rate}


@pytest.mark.parametrize("recipe", [TINY, replace(TINY, batch_norm=False, units=5)])
def test_a_folded_reader_predicts_as_the_trained_one(recipe):
    keras.utils.set_random_seed(1)
    model, rng = build_reader(recipe), np.random.default_rng(2)
    for layer in model.layers:  # weights that no layer starts with
        layer.set_weights([w + rng.uniform(0.05, 0.2, w.shape) for w in layer.get_weights()])
    logits, scores = predict_logits(model, IMAGES)
    folded = fold(model, temperature=2.0)
    probabilities, digit_scores = folded.predict(IMAGES[..., None] / np.float32(255), verbose=0)
    np.testing.assert_allclose(probabilities, softmax(logits / 2, axis=1), atol=1e-5)
    np.testing.assert_allclose(digit_scores[:, 0], expit(scores), atol=1e-5)
    assert not any("norm" in layer.name or "dropout" in layer.name for layer in folded.layers)


def test_training_reports_every_epoch():
    epochs = []
    train_reader(TINY, MATERIAL, 1, lambda epoch, losses: epochs.append((epoch, losses)), False)
    assert [epoch for epoch, _ in epochs] == [1, 2]
    assert all(losses["loss"] > 0 for _, losses in epochs)
