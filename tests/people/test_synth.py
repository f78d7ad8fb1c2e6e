"""Bad photos are made as asked, and the same ones from the same seed."""

import numpy as np
import pytest

from digitvision.data import load_mnist
from digitvision.people import synth
from digitvision.people.synth import EFFECTS, STEPS, degrade, degrade_many, enlarge, random_effects


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_mnist().validation.images[:4]


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_changes_the_picture_in_the_same_way_every_time(effect, digits):
    ink = enlarge(digits[0])
    clean = degrade(ink, {}, seed=3)
    mild, strong, again = (degrade(ink, {effect: s}, seed=3) for s in ("mild", "strong", "strong"))
    assert strong.mode == ("RGBA" if effect == "transparent" else "RGB")
    assert strong.tobytes() == again.tobytes() != clean.tobytes()
    assert (strong.size == clean.size) == (effect != "small")
    if effect != "transparent":  # that one has no strength
        assert mild.tobytes() != strong.tobytes()


@pytest.mark.parametrize("effects", [{"rain": "mild"}, {"noise": "much"}])
def test_an_unknown_effect_or_step_is_refused(effects, digits):
    with pytest.raises(ValueError, match=r"Not an effect or a step: (rain|much)"):
        degrade(enlarge(digits[0]), effects)


def test_an_enlarged_digit_is_centered_and_keeps_its_shape(digits):
    large = np.asarray(enlarge(digits[0], 196)).astype(float)
    small = large.reshape(28, 7, 28, 7).mean(axis=(1, 3))
    low, high = 28 * 0.15, 28 * 0.85  # the image takes 70% of the canvas
    assert small[: int(low)].max() == small[int(high) + 1 :].max() == 0
    inner = np.asarray(enlarge(digits[0], 280))[42:238, 42:238].reshape(28, 7, 28, 7)
    assert np.corrcoef(inner.mean(axis=(1, 3)).ravel(), digits[0].ravel())[0, 1] > 0.9


def test_random_effects_are_few_and_go_together():
    chosen = [random_effects(np.random.default_rng(seed)) for seed in range(200)]
    assert {len(effects) for effects in chosen} == set(range(6))
    assert set().union(*chosen) == set(EFFECTS) - {"transparent"}
    assert {step for effects in chosen for step in effects.values()} == STEPS.keys()
    assert not any({"thin", "felt"} <= effects.keys() for effects in chosen)


def test_blank_photos_are_left_out(digits, monkeypatch):
    monkeypatch.setattr(synth, "random_effects", lambda rng: {})
    images, positions = degrade_many(np.stack([np.zeros_like(digits[0]), *digits]))
    assert positions.tolist() == [1, 2, 3, 4]
    assert (images.shape, images.dtype) == ((4, 28, 28), np.float32)
    assert 0 <= images.min() < images.max() <= 1
    assert degrade_many(digits[:0])[0].shape == (0, 28, 28)
