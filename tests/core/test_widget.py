"""The pad of notebook 07 without a browser: the tests send the events that a browser would."""

import asyncio
import json
import warnings

import numpy as np
import pytest
from ipycanvas import Canvas
from ipywidgets import HTML
from support.digits import DIGITS

from digitvision.inference import DEFAULT_MODEL, ModelError, Prediction, Recognizer, list_models
from digitvision.preprocess import MAX_POINTS, rasterize
from digitvision.widget import MAX_BRUSH, MIN_BRUSH, SCALE, DigitPad, Throttle, describe


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


def control(pad: DigitPad, description: str):
    "Return the button, slider or menu of this name."
    return next(w for w in walk(pad) if getattr(w, "description", None) == description)


def part(pad: DigitPad, kind: type):
    "Return the first widget of this class in the pad."
    return next(widget for widget in walk(pad) if isinstance(widget, kind))


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


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
    assert (pad.prediction.input == expected.input).all()
    assert (np.asarray(pad.image) == np.asarray(rasterize(DIGITS[digit]))).all()
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
    control(pad, "Undo").click()
    assert pad.strokes == [DIGITS[5][0]]
    draw(pad, DIGITS[5][1:])
    assert pad.prediction.digit == 5
    control(pad, "Clear").click()
    assert (pad.strokes, pad.prediction, pad.message) == ([], None, "Draw a digit, 0 to 9.")
    control(pad, "Undo").click()
    assert np.asarray(pad.image).max() == 0


def test_control_z_undoes_a_stroke(pad):
    draw(pad, DIGITS[5])
    for key, ctrl, count in (("z", False, 2), ("x", True, 2), ("z", True, 1)):
        content = {"key": key, "shift_key": False, "ctrl_key": ctrl, "meta_key": False}
        part(pad, Canvas)._handle_frontend_event(None, {"event": "key_down"} | content, [])
        assert len(pad.strokes) == count


def test_undo_while_the_pen_is_down_ends_the_stroke(pad):
    send(pad, "mouse_down", (10, 10))
    pad.undo()
    send(pad, "mouse_move", (30, 30))
    assert pad.strokes == []


def test_the_brush_is_that_of_the_whole_drawing(pad):
    pad.strokes = DIGITS[3]
    control(pad, "Brush").value = 30
    assert pad.brush == 30
    expected = Recognizer().predict(rasterize(DIGITS[3], brush=30))
    assert (pad.prediction.probabilities == expected.probabilities).all()
    pad.brush = 7
    assert control(pad, "Brush").value == 7
    assert (control(pad, "Brush").min, control(pad, "Brush").max) == (MIN_BRUSH, MAX_BRUSH)


def test_the_menu_has_every_model_and_a_damaged_one_is_reported(pad):
    assert list(control(pad, "Model").options) == list_models() and pad.model == DEFAULT_MODEL
    pad.strokes = DIGITS[3]
    menu = control(pad, "Model")
    menu.options = (*menu.options, "damaged")
    menu.value = "damaged"
    assert pad.prediction is None and "no model 'damaged'" in pad.message
    menu.value = DEFAULT_MODEL
    assert pad.prediction.digit == 3


def test_the_chosen_model_reads(monkeypatch):
    asked = []
    shared = Recognizer.shared
    monkeypatch.setattr(
        Recognizer, "shared", lambda name: asked.append(name) or shared(DEFAULT_MODEL)
    )
    monkeypatch.setattr("digitvision.widget.list_models", lambda: [DEFAULT_MODEL, "another"])
    pad = DigitPad()
    control(pad, "Model").value = "another"
    asked.clear()
    pad.strokes = DIGITS[3]
    assert (pad.model, asked) == ("another", ["another"])


def test_callbacks_get_predictions_until_they_are_removed(pad):
    heard = []
    pad.on_predict(heard.append)
    pad.strokes = DIGITS[4]
    pad.clear()
    assert [prediction.digit for prediction in heard] == [4]
    pad.on_predict(heard.append, remove=True)
    pad.strokes = DIGITS[4]
    assert len(heard) == 1 and isinstance(heard[0], Prediction)


def test_a_callback_that_fails_does_not_stop_the_pad(pad):
    pad.on_predict(lambda prediction: 1 / 0)
    draw(pad, DIGITS[6])
    assert pad.prediction.digit == 6


def test_a_scribble_is_reported_and_dimmed(pad, monkeypatch):
    shares = np.full(10, 0.1, np.float32)
    scribble = Prediction(3, 0.99, shares, False, 0.01, np.zeros((28, 28), np.float32))
    assert describe(scribble) == "This does not look like one digit."
    monkeypatch.setattr(Recognizer, "predict", lambda *_: scribble)
    pad.strokes = DIGITS[3]
    view = part(pad, HTML).value
    assert "does not look like" in view and "doubtful" in view


def test_a_drawing_outside_the_canvas_is_reported_as_blank(pad):
    pad.strokes = [[(900, 900)]]
    assert pad.prediction is None and pad.message == "There is nothing drawn in the picture."


def test_a_drawing_can_be_saved_and_loaded(pad, tmp_path):
    pad.strokes, pad.brush = DIGITS[8], 23
    other = DigitPad()
    other.from_json(pad.to_json())
    assert (other.strokes, other.brush) == (pad.strokes, 23)
    pad.save(tmp_path / "eight.json")
    assert [path.name for path in tmp_path.iterdir()] == ["eight.json"]
    third = DigitPad()
    third.load(str(tmp_path / "eight.json"))
    assert (third.prediction.probabilities == pad.prediction.probabilities).all()


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
    for model in ("oracle", "../baseline"):
        with pytest.raises(ModelError):
            pad.model = model
        with pytest.raises(ModelError):
            DigitPad(model)
    assert (pad.strokes, pad.brush, pad.model) == ([], 18, DEFAULT_MODEL)


def test_too_many_points_are_reported(pad, monkeypatch):
    monkeypatch.setattr("digitvision.preprocess.MAX_POINTS", 5)
    draw(pad, [[(x, 50) for x in range(10)]])
    assert pad.prediction is None and "more than 5 points" in pad.message


def test_two_pads_are_independent_and_strokes_are_a_copy(pad):
    other = DigitPad(brush=10)
    draw(pad, DIGITS[3])
    draw(other, DIGITS[8])
    assert (pad.prediction.digit, other.prediction.digit, pad.brush) == (3, 8, 18)
    pad.strokes.append([(1, 1)])
    pad.strokes[0].append((1, 1))
    assert pad.strokes == [list(stroke) for stroke in DIGITS[3]]  # it was a copy


def test_live_predictions_are_few_and_the_last_one_is_of_the_whole_drawing():
    async def scribble():
        pad = DigitPad()
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


def test_run_now_replaces_the_planned_run():
    async def request() -> int:
        runs, later = [], asyncio.Event()
        throttle = Throttle(lambda: runs.append(1), interval=0.01)
        throttle.request()
        throttle.run_now()
        asyncio.get_running_loop().call_later(0.02, later.set)  # when the planned run is over
        await later.wait()
        return len(runs)

    assert asyncio.run(request()) == 1


def test_making_and_showing_a_pad_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pad = DigitPad()
        pad._repr_mimebundle_()
    assert repr(pad) == f"DigitPad(0 strokes, {DEFAULT_MODEL!r}: Draw a digit, 0 to 9.)"
