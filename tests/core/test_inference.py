"""The recognizer: its errors, its batches and what it imports from elsewhere."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from support.digits import DIGITS

from digitvision import inference, model_files, pictures
from digitvision.errors import DigitVisionError
from digitvision.inference import BlankImageError, ImageError, Recognizer
from digitvision.preprocess import rasterize

SEVEN = rasterize(DIGITS[7])


@pytest.mark.parametrize("error", [AssertionError(), MemoryError("too much"), IndexError("7")])
def test_what_fails_while_a_picture_is_framed_is_an_image_error(monkeypatch, caplog, error):
    def fail(image):
        raise error

    monkeypatch.setitem(inference.PREPROCESS, "mnist", fail)
    with pytest.raises(ImageError) as caught:
        inference.prepare(SEVEN)
    assert caught.value.__cause__ is error
    (entry,) = caplog.records  # it is a bug of ours: the traceback helps to mend it
    assert (entry.levelname, entry.exc_info[1]) == ("ERROR", error)


def test_a_mistake_of_the_caller_is_no_image_error():
    with pytest.raises(ValueError, match="one of mnist, resize") as caught:
        inference.prepare(SEVEN, "magic")
    assert not isinstance(caught.value, DigitVisionError)


def test_names_of_pictures_and_model_files_can_be_imported_from_inference():
    for name in ("ImageError", "ImageTooLargeError", "MAX_PIXELS", "decode_data_url", "read_image"):
        assert getattr(inference, name) is getattr(pictures, name)
    for name in ("CHECKPOINTS", "DEFAULT_MODEL", "ModelError", "list_models", "read_model"):
        assert getattr(inference, name) is getattr(model_files, name)


def test_a_batch_has_the_predictions_of_its_pictures():
    drawings = [rasterize(strokes) for strokes in DIGITS.values()]
    recognizer = Recognizer.shared()
    batch = recognizer.predict_many(drawings)
    assert [prediction.digit for prediction in batch] == list(DIGITS)
    for drawing, prediction in zip(drawings, batch, strict=True):
        alone = recognizer.predict(drawing)
        np.testing.assert_allclose(alone.probabilities, prediction.probabilities, atol=1e-5)
    assert recognizer.predict_many([]) == []


def test_every_kind_of_picture_has_the_same_answer():
    expected = Recognizer.shared().predict(SEVEN)
    assert expected.digit == 7 and expected.probabilities.sum() == pytest.approx(1, abs=1e-5)
    transparent = Image.new("RGBA", SEVEN.size)
    transparent.putalpha(SEVEN)
    url = pictures.encode_data_url(np.asarray(SEVEN) / 255)
    for found in Recognizer.shared().predict_many([transparent, np.asarray(SEVEN), url]):
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-3)


def test_threads_share_one_model():
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: Recognizer.shared(), range(64)))) == 1
    assert Recognizer.shared("baseline") is not Recognizer.shared()


@pytest.mark.parametrize("preprocess", inference.PREPROCESS)
def test_one_blank_picture_stops_a_batch(preprocess):
    with pytest.raises(BlankImageError):
        Recognizer.shared().predict_many([SEVEN, np.zeros((28, 28))], preprocess)
