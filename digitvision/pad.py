"""The parts of the pad of notebook 07: canvas, buttons, answers as HTML, and a throttle."""

import asyncio
import html
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from ipycanvas import Canvas, hold_canvas
from ipywidgets import HTML, Button, CallbackDispatcher, Dropdown, FloatSlider, HBox, Layout, VBox
from PIL import Image

from .files import write_text
from .inference import Prediction, Recognizer
from .model_files import list_models
from .pictures import encode_data_url
from .strokes import Point, Strokes, rasterize, read_drawing, to_points, write_drawing

SIDE = 280  # of the drawing in pixels, as on the web page
SCALE = 2  # pixels of the canvas per pixel of the drawing
MIN_BRUSH, MAX_BRUSH = 4, 40  # diameters in pixels of the drawing
STYLE = f"<style>{files('digitvision').joinpath('widget.css').read_text(encoding='utf-8')}</style>"


def _percent(share: float) -> str:
    "Format a probability (0 to 1) as a percentage of at most 99.9%: 100% would claim certainty."
    return f"{min(share, 0.999):.1%}"


def _bar_html(digit: int, share: float, is_best: bool) -> str:
    "Return a digit, its bar and its percentage as HTML."
    return f"""<p class="bar{" best" * is_best}">{digit}
<span role="meter" style="--share: {share:.1%}" aria-label="{digit}" aria-valuemin="0"
 aria-valuemax="100" aria-valuenow="{share * 100:.1f}"></span> {_percent(share)}</p>"""


def answer_html(prediction: Prediction | None, message: str) -> str:
    "Return an answer as HTML, styled by STYLE; None has empty bars. `message` is plain text."
    digit, confidence, picture, shares, doubtful = "–", "", "", [0.0] * 10, ""
    if prediction:
        digit, confidence = str(prediction.digit), _percent(prediction.confidence)
        source, shares = encode_data_url(prediction.input), prediction.probabilities.tolist()
        picture = f'<img src="{source}" alt="The 28 by 28 picture the network saw">'
        doubtful = "" if prediction.is_digit else "doubtful"
    bars = "".join(_bar_html(i, share, str(i) == digit) for i, share in enumerate(shares))
    return f"""<div class="digit-pad-answer">
<p class="words" role="status">{html.escape(message)}</p>
<div class="top"><div class="{doubtful}">
<div class="digit">{digit}</div><div class="confidence">{confidence}</div></div>
<div class="seen"><div class="pixels">{picture}</div>what the network sees, 28×28</div></div>
<div class="{doubtful}">{bars}</div></div>"""


class Throttle:
    """Call `run` after requests, at most once per `interval` (seconds).

    All requests within an interval become one call at its end. Without a running event loop, as in
    a script or a test, each request calls it at once."""

    def __init__(self, run: Callable[[], None], interval: float = 0.03):
        self.run, self.interval = run, interval
        self._planned: asyncio.TimerHandle | None = None

    def request(self) -> None:
        "Plan a call of `run`, if none is planned already."
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.run_now()
        if self._planned is None:
            self._planned = loop.call_later(self.interval, self.run_now)

    def run_now(self) -> None:
        "Call `run` at once, in place of the planned call."
        if self._planned:
            self._planned.cancel()
        self._planned = None
        self.run()


class DrawingCanvas:
    "A canvas that draws `strokes` with `brush`, and calls `on_change` when the user adds a point."

    def __init__(self, on_change: Callable[[], None]):
        self.strokes: list[list[Point]] = []  # call `paint` after changing them
        self.brush = 18.0  # diameter in pixels of the drawing
        self._on_change = on_change
        self._stroke: list[Point] | None = None  # in progress, while the pen is down
        layout = Layout(width=f"{SIDE}px", height=f"{SIDE}px")  # else the page would stretch it
        self.canvas = Canvas(width=SIDE * SCALE, height=SIDE * SCALE, layout=layout)
        self.canvas.on_mouse_down(self.press)
        self.canvas.on_mouse_move(self.move)
        # A second finger does not draw.
        self.canvas.on_touch_start(lambda touches: len(touches) == 1 and self.press(*touches[0]))
        self.canvas.on_touch_move(lambda touches: self.move(*touches[0]))
        for event in ("mouse_up", "mouse_out", "touch_end", "touch_cancel"):
            getattr(self.canvas, f"on_{event}")(self.release)
        self.canvas.on_client_ready(self.paint)  # a page that shows the canvas again starts empty

    def paint(self) -> None:
        "Paint the whole drawing, or a hint if it is empty, with one message to the browser."
        canvas = self.canvas
        with hold_canvas():
            canvas.set_transform(SCALE, 0, 0, SCALE, 0, 0)
            canvas.fill_style = "black"
            canvas.fill_rect(0, 0, SIDE, SIDE)
            canvas.fill_style = canvas.stroke_style = "white"
            canvas.line_cap = canvas.line_join = "round"
            canvas.line_width = self.brush
            for stroke in filter(None, self.strokes):
                canvas.fill_circle(*stroke[0], self.brush / 2)  # a dot, if it has only one point
                if len(stroke) > 1:
                    canvas.stroke_lines(stroke)
            if not self.strokes:
                canvas.fill_style, canvas.font = "#8a929e", "15px sans-serif"
                canvas.text_align = "center"
                canvas.fill_text("Draw here, 0 to 9", SIDE / 2, SIDE / 2)

    def press(self, x: float, y: float) -> None:
        "Begin a stroke at a pixel of the canvas (SCALE per pixel of the drawing)."
        self._stroke = [(x / SCALE, y / SCALE)]
        self.strokes.append(self._stroke)
        self.paint()
        self._on_change()

    def move(self, x: float, y: float) -> None:
        "Continue the stroke in progress, if there is one, to a pixel of the canvas."
        if self._stroke:
            self._stroke.append((x / SCALE, y / SCALE))
            self.canvas.stroke_lines(self._stroke[-2:])
            self._on_change()

    def release(self, *_: object) -> None:
        "End the stroke in progress."
        self._stroke = None


class PadControls(HBox):
    """Canvas, buttons, brush and menu of a pad, with its state: `strokes`, `brush` and `model`.

    `throttle` computes the answer: it is asked after each point that the user draws, and called at
    once when the state is assigned."""

    def __init__(self, throttle: Throttle):
        super().__init__()
        self._listeners = CallbackDispatcher()
        self._throttle = throttle
        self._drawing = DrawingCanvas(self._throttle.request)
        self._drawing.canvas.on_key_down(self._on_key)
        wide = {"style": {"description_width": "48px"}, "layout": Layout(width="auto")}
        undo, clear = (Button(description=n, layout=Layout(flex="1")) for n in ("Undo", "Clear"))
        undo.on_click(lambda _: self.undo())
        clear.on_click(lambda _: self.clear())
        limits = {"min": MIN_BRUSH, "max": MAX_BRUSH, "step": 1, "readout_format": "d"}
        self._slider = FloatSlider(18, description="Brush", **limits, **wide)
        self._slider.observe(self._on_brush, "value")
        self._menu = Dropdown(options=list_models(), description="Model", **wide)
        self._menu.observe(lambda _: self._throttle.request(), "value")
        controls = [self._drawing.canvas, HBox([undo, clear]), self._slider, self._menu]
        tools = VBox(controls, layout=Layout(width=f"{SIDE}px"))
        self._answer = HTML()
        self.children = [tools, self._answer, HTML(STYLE, layout=Layout(display="none"))]
        self.add_class("digit-pad")

    def _on_brush(self, change: dict) -> None:
        self._drawing.brush = change["new"]
        self._drawing.paint()
        self._throttle.request()

    def _on_key(self, key: str, _shift: bool, ctrl: bool, meta: bool) -> None:
        if key.lower() == "z" and (ctrl or meta):
            self.undo()

    @property
    def strokes(self) -> list[list[Point]]:
        "A copy of the strokes, in pixels of the drawing. Assigning raises ValueError if invalid."
        return [list(stroke) for stroke in self._drawing.strokes]

    @strokes.setter
    def strokes(self, strokes: Strokes) -> None:
        self._drawing.strokes = to_points(strokes)
        self._drawing.release()
        self._drawing.paint()
        self._throttle.run_now()

    @property
    def brush(self) -> float:
        "Diameter of all strokes, 4 to 40 pixels. Assigning raises ValueError if out of range."
        return self._drawing.brush

    @brush.setter
    def brush(self, brush: float) -> None:
        if not MIN_BRUSH <= brush <= MAX_BRUSH:
            raise ValueError(f"brush is {brush}; it must be from {MIN_BRUSH} to {MAX_BRUSH}.")
        self._slider.value = brush
        self._throttle.run_now()

    @property
    def model(self) -> str:
        "Name of the model that predicts. Assigning raises ModelError if there is no such model."
        return self._menu.value

    @model.setter
    def model(self, model: str) -> None:
        Recognizer.shared(model)  # raises before anything changes
        self._menu.value = model
        self._throttle.run_now()

    @property
    def image(self) -> Image.Image:
        "The drawing as a picture: mode L, 280×280, white ink on black."
        return rasterize(self.strokes, SIDE, self.brush)

    def undo(self) -> None:
        "Remove the last stroke."
        self.strokes = self.strokes[:-1]

    def clear(self) -> None:
        "Remove all strokes."
        self.strokes = []

    def on_predict(self, callback: Callable[[Prediction], None], remove: bool = False) -> None:
        "Call a function with each new prediction, but not for None; stop calling it if `remove`."
        self._listeners.register_callback(callback, remove=remove)

    def to_json(self) -> str:
        "Return strokes and brush as JSON, for `from_json`."
        return write_drawing(self.strokes, self.brush)

    def from_json(self, text: str | bytes) -> None:
        "Show a drawing from `to_json`. Raises ValueError, and changes nothing, if it is not one."
        strokes, self.brush = read_drawing(text)
        self.strokes = strokes

    def save(self, path: str | Path) -> None:
        "Write the drawing to a JSON file, in full or not at all. Raises OSError if that fails."
        write_text(path, self.to_json())

    def load(self, path: str | Path) -> None:
        "Show a drawing from a file of `save`. Raises OSError, or ValueError if it holds none."
        self.from_json(Path(path).read_bytes())
