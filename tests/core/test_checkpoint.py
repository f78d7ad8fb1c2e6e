"""Any checkpoint can be loaded, and one that cannot is refused with a sentence."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from digitvision.checkpoint import load_checkpoint
from digitvision.data import Split, load_mnist
from digitvision.evaluate import predict
from digitvision.inference import Recognizer
from digitvision.model_files import CHECKPOINTS, ModelError


def test_a_checkpoint_predicts_as_the_recognizer_does():
    digits = Split(*(array[:1_001] for array in load_mnist().test))  # more than a batch
    predictions = Recognizer("baseline").predict_inputs(digits.images.astype("float32") / 255)
    answers = predict(load_checkpoint("baseline"), digits)
    np.testing.assert_array_equal(answers.digits, [p.digit for p in predictions])
    np.testing.assert_allclose(answers.scores, [p.digit_score for p in predictions], atol=1e-6)
    keras_answers = predict(load_checkpoint(CHECKPOINTS / "baseline.keras"), digits)
    np.testing.assert_allclose(answers.probabilities, keras_answers.probabilities, atol=1e-5)


@pytest.mark.parametrize("wrong", ["nonesuch", "nonesuch.onnx", "damaged.onnx", "damaged.keras"])
def test_a_missing_or_damaged_checkpoint_is_refused(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for suffix in ("onnx", "keras"):
        Path(f"damaged.{suffix}").write_bytes(b"nothing that was ever trained")
    with pytest.raises(ModelError, match=r"There is no|is not a network"):
        load_checkpoint(wrong)


def test_a_network_with_other_outputs_or_another_card_is_refused(tmp_path):
    image = keras.Input((28, 28, 1))
    two = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(image))
    keras.Model(image, two).save(tmp_path / "two.keras")
    with pytest.raises(ModelError, match="not ten probabilities"):
        load_checkpoint(tmp_path / "two.keras")
    (tmp_path / "two.json").write_text("{")
    with pytest.raises(ModelError, match=r"two.json cannot be read"):
        load_checkpoint(tmp_path / "two.keras")
    shutil.copy(CHECKPOINTS / "baseline.onnx", tmp_path / "mine.onnx")
    assert load_checkpoint(tmp_path / "mine.onnx").card == {}
    (tmp_path / "mine.json").write_text('{"sha256": "0"}')
    with pytest.raises(ModelError, match="SHA-256"):
        load_checkpoint(tmp_path / "mine.onnx")
