"""Models are found by name, among those that ship and those of the user, and damage is noticed."""

import shutil
from pathlib import Path

import pytest

from digitvision.inference import Recognizer
from digitvision.model_files import CHECKPOINTS, ModelError, list_models, read_model, user_models


@pytest.fixture
def users(tmp_path, monkeypatch) -> Path:
    "The folder of the user's own models, for this test."
    monkeypatch.setenv("DIGITVISION_HOME", str(tmp_path))
    user_models().mkdir()
    return user_models()


def copy_baseline(folder: Path, name: str) -> None:
    for end in ("onnx", "json"):
        shutil.copy(CHECKPOINTS / f"baseline.{end}", folder / f"{name}.{end}")


def test_the_users_models_are_listed_and_read_beside_the_shipped_ones(users):
    assert list_models() == list_models(CHECKPOINTS)
    copy_baseline(users, "mine")
    assert list_models() == sorted([*list_models(CHECKPOINTS), "mine"])
    assert list_models(CHECKPOINTS) == ["baseline", "digitvision"]
    assert read_model("mine") == read_model("baseline")
    assert Recognizer("mine").card["name"] == "baseline"


def test_a_model_of_the_user_never_takes_the_place_of_a_shipped_one(users):
    (users / "baseline.onnx").write_bytes(b"something else")
    (users / "baseline.json").write_text("{}")
    assert read_model("baseline") == read_model("baseline", CHECKPOINTS)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda model: model.with_suffix(".onnx").write_bytes(b"something else"),
            "SHA-256 differs",
        ),
        (lambda model: model.with_suffix(".json").write_text("{"), "cannot be read"),
        (lambda model: model.with_suffix(".json").unlink(), "cannot be read"),
    ],
    ids=["damaged network", "damaged card", "no card"],
)
def test_a_damaged_model_is_refused_with_the_reason(users, damage, words):
    copy_baseline(users, "mine")
    damage(users / "mine")
    with pytest.raises(ModelError, match=words):
        read_model("mine")


@pytest.mark.parametrize("name", ["nonesuch", "../baseline", "", "baseline.onnx"])
def test_a_name_that_no_model_has_is_refused_with_the_names_there_are(users, name):
    with pytest.raises(ModelError, match="there is baseline, digitvision"):
        read_model(name)


def test_the_shipped_networks_are_those_of_their_keras_files():
    import keras
    import numpy as np

    from digitvision.train import to_input

    model = keras.saving.load_model(CHECKPOINTS / "baseline.keras")
    images = np.random.default_rng(0).integers(0, 256, (500, 28, 28), np.uint8)
    answers = Recognizer("baseline").predict_inputs(images / np.float32(255))
    ours = [answer.probabilities for answer in answers]
    np.testing.assert_allclose(ours, model.predict(to_input(images), verbose=0), atol=1e-6)
