"""The pad of notebook 07 without a browser: the tests send the events that a browser would."""

import asyncio
import json

import numpy as np
import pytest
from ipycanvas import Canvas
from ipywidgets import HTML
from support.digits import DIGITS

from digitvision.inference import DEFAULT_MODEL, ModelError, Prediction, Recognizer, list_models
from digitvision.pad import MAX_BRUSH, MIN_BRUSH, SCALE
from digitvision.preprocess import MAX_POINTS, rasterize
from digitvision.widget import DigitPad, describe


def send(pad: DigitPad, event: str, *points: tuple[float, float]) -> None:
    "Send the pad's canvas an event at points of the drawing."
    places = [{"x": x * SCALE, "y": y * SCALE} for x, y in points]
    content = {"event": event, "touches": places, **(places[0] if places else {})}
    part(pad, Canvas)._handle_frontend_event(None, content, [])


def draw(pad: DigitPad, strokes) -> None:
    "Draw with the mouse."
    for stroke in strokes:
        send(pad, "mouse_down", stroke[0])
        for point in stroke[1:]:
            send(pad, "mouse_move", point)
        send(pad, "mouse_up", stroke[-1])


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def part(pad: DigitPad, name: type | str):
    "Return the first widget of this class, or the button, slider or menu of this name."
    return next(w for w in walk(pad) if name in (type(w), getattr(w, "description", None)))


@pytest.fixture
def pad() -> DigitPad:
    return DigitPad()


@pytest.mark.parametrize("digit", DIGITS)
def test_a_drawing_is_read_as_the_recognizer_reads_it(pad, digit):
    draw(pad, DIGITS[digit])
    assert pad.strokes == [list(stroke) for stroke in DIGITS[digit]]
    expected = Recognizer().predict(rasterize(DIGITS[digit], 280, pad.brush))
    assert pad.prediction.digit == expected.digit == digit
    assert (pad.prediction.probabilities == expected.probabilities).all()
    assert f'<div class="digit">{digit}</div>' in part(pad, HTML).value


def test_a_finger_draws_and_a_second_one_does_not(pad):
    send(pad, "touch_start", (10, 10))
    send(pad, "touch_move", (20, 20))
    send(pad, "touch_start", (20, 20), (200, 200))
    send(pad, "touch_move", (30, 30), (210, 210))
    send(pad, "touch_end", (210, 210))  # the first finger is lifted
    send(pad, "touch_move", (220, 220))
    send(pad, "touch_end")
    assert pad.strokes == [[(10, 10), (20, 20), (30, 30)]]


@pytest.mark.parametrize("lift", ["mouse_up", "mouse_out", "touch_end", "touch_cancel"])
def test_a_lifted_pen_no_longer_draws(pad, lift):
    send(pad, "mouse_move", (5, 5))
    send(pad, "mouse_down", (10, 10))
    send(pad, lift, (20, 20))
    send(pad, "mouse_move", (30, 30))
    assert pad.strokes == [[(10, 10)]]


def test_undo_and_clear(pad):
    draw(pad, DIGITS[5])
    part(pad, "Undo").click()
    assert pad.strokes == [DIGITS[5][0]]
    draw(pad, DIGITS[5][1:])
    assert pad.prediction.digit == 5
    part(pad, "Clear").click()
    assert (pad.strokes, pad.prediction, pad.message) == ([], None, "Draw a digit, 0 to 9.")
    send(pad, "mouse_down", (10, 10))
    part(pad, "Undo").click()
    send(pad, "mouse_move", (30, 30))  # undo has ended the stroke
    assert pad.strokes == [] and np.asarray(pad.image).max() == 0


@pytest.mark.parametrize("key, ctrl, left", [("z", False, 2), ("x", True, 2), ("z", True, 1)])
def test_only_control_z_undoes_a_stroke(pad, key, ctrl, left):
    draw(pad, DIGITS[5])
    content = {"event": "key_down", "key": key, "shift_key": False, "meta_key": False}
    part(pad, Canvas)._handle_frontend_event(None, content | {"ctrl_key": ctrl}, [])
    assert len(pad.strokes) == left


def test_the_brush_is_that_of_the_whole_drawing(pad):
    pad.strokes = DIGITS[3]
    part(pad, "Brush").value = 30
    assert pad.brush == 30
    expected = Recognizer().predict(rasterize(DIGITS[3], brush=30))
    assert (pad.prediction.probabilities == expected.probabilities).all()
    pad.brush = 7
    assert part(pad, "Brush").value == 7
    assert (part(pad, "Brush").min, part(pad, "Brush").max) == (MIN_BRUSH, MAX_BRUSH)


def test_the_chosen_model_reads_and_a_missing_one_is_reported(pad):
    menu = part(pad, "Model")
    assert list(menu.options) == list_models() and pad.model == DEFAULT_MODEL
    pad.strokes = DIGITS[3]
    menu.value = "baseline"
    expected = Recognizer.shared("baseline").predict(pad.image)
    assert (pad.prediction.probabilities == expected.probabilities).all()
    menu.options = (*menu.options, "missing")
    menu.value = "missing"
    assert pad.prediction is None and "no model 'missing'" in pad.message


def test_callbacks_get_predictions_until_they_are_removed(pad):
    heard = []
    pad.on_predict(lambda prediction: 1 / 0)  # a callback that fails does not stop the pad
    pad.on_predict(heard.append)
    pad.strokes = DIGITS[4]
    pad.clear()
    assert [prediction.digit for prediction in heard] == [4]
    pad.on_predict(heard.append, remove=True)
    pad.strokes = DIGITS[4]
    assert len(heard) == 1 and pad.prediction.digit == 4


def test_a_scribble_is_reported_and_dimmed(pad, monkeypatch):
    shares = np.full(10, 0.1, np.float32)
    scribble = Prediction(3, 0.99, shares, False, 0.01, np.zeros((28, 28), np.float32))
    assert describe(scribble) == "This does not look like one digit."
    monkeypatch.setattr(Recognizer, "predict", lambda *_: scribble)
    pad.strokes = DIGITS[3]
    view = part(pad, HTML).value
    assert "does not look like" in view and "doubtful" in view


def test_a_drawing_that_cannot_be_read_is_reported(pad, monkeypatch):
    pad.strokes = [[(900, 900)]]  # outside the canvas
    assert pad.prediction is None and pad.message == "There is nothing drawn in the picture."
    monkeypatch.setattr("digitvision.strokes.MAX_POINTS", 5)
    draw(pad, [[(x, 50) for x in range(10)]])
    assert pad.prediction is None and "more than 5 points" in pad.message


HUGE = "1" + "0" * 400
NOT_DRAWINGS = [
    "", "{", "[]", "null", "7", "{}", b"\xff\xfe\x00", "[" * 100_000,
    '{"strokes": [[[1, 2]]]}', '{"brush": 18}',
    *[f'{{"brush": {brush}, "strokes": []}}' for brush in ('"wide"', "NaN", "1e999", "0", HUGE)],
    *[f'{{"brush": 18, "strokes": {strokes}}}' for strokes in (
        "5", "[5]", "[[5]]", "[[[1, 2, 3]]]", "[[[1, null]]]", "[[[1, Infinity]]]",
        f"[[[1, {HUGE}]]]", json.dumps([[[1, 2]] * (MAX_POINTS + 1)]),
    )],
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_DRAWINGS, ids=lambda text: str(text)[:40])
def test_json_that_is_no_drawing_raises_and_changes_nothing(pad, text):
    pad.strokes, pad.brush = DIGITS[2], 11
    with pytest.raises(ValueError, match=r"not a drawing|point|brush|finite"):
        pad.from_json(text)
    assert (pad.strokes, pad.brush) == ([list(stroke) for stroke in DIGITS[2]], 11)


def test_assigning_an_invalid_state_raises(pad):
    for strokes in (5, [5], "7", [[(1, 2, 3)]], [[(1, float("nan"))]], [[(0, 10**400)]]):
        with pytest.raises(ValueError):
            pad.strokes = strokes
    for brush in (0, 41, float("nan")):
        with pytest.raises(ValueError, match="from 4 to 40"):
            pad.brush = brush
    with pytest.raises(ModelError):
        DigitPad("../baseline")
    assert (pad.strokes, pad.brush, pad.model) == ([], 18, DEFAULT_MODEL)


def test_two_pads_are_independent_and_strokes_are_a_copy(pad):
    other = DigitPad(brush=10)
    draw(pad, DIGITS[3])
    draw(other, DIGITS[8])
    assert (pad.prediction.digit, other.prediction.digit, pad.brush) == (3, 8, 18)
    pad.strokes.append([(1, 1)])
    pad.strokes[0].append((1, 1))
    assert pad.strokes == [list(stroke) for stroke in DIGITS[3]]  # it was a copy


def test_live_predictions_are_few_and_the_last_one_is_of_the_whole_drawing(pad):
    async def scribble():
        seen, whole = [], asyncio.Event()

        def note(_):
            seen.append(len(pad.strokes[0]))
            if seen[-1] == 301:
                whole.set()

        pad.on_predict(note)
        send(pad, "mouse_down", (20, 140))
        for step in range(300):
            send(pad, "mouse_move", (20 + step / 2, 140))
            await asyncio.sleep(0)
        await asyncio.wait_for(whole.wait(), 60)
        return seen

    seen = asyncio.run(scribble())
    assert seen == sorted(seen) and len(seen) < 60


def test_a_pad_is_described_in_one_line(pad):
    assert repr(pad) == f"DigitPad(0 strokes, {DEFAULT_MODEL!r}: Draw a digit, 0 to 9.)"
