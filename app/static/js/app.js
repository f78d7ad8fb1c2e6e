// Wires the page: a change of the drawing asks for a prediction, a prediction is shown.

import { Drawing } from "./canvas.js";
import { drawWithKeys, drawWithPointer } from "./pen.js";
import { Predictor } from "./predict.js";
import * as ui from "./ui.js";

const drawing = new Drawing(ui.canvas, changed);
const predictor = new Predictor({
  model: ui.model,
  read: () => ({ image: drawing.dataUrl(), preprocess: ui.preprocess() }),
  show: ui.showPrediction,
  fail,
});

function changed() {
  ui.setEmpty(drawing.isEmpty);
  if (drawing.isEmpty) start("Nothing is drawn. Draw a digit, 0 to 9.");
  else predictor.ask();
}

// Back to an empty result; answers still on their way belong to what was there before.
function start(words) {
  predictor.forget();
  ui.clearResult();
  ui.say(words);
}

function fail(words) {
  ui.clearResult();
  ui.say(words, true);
}

function setBrush() {
  drawing.brush = ui.brush();
  ui.showBrush();
}

ui.listen({
  setBrush,
  predict: () => (drawing.isEmpty ? start("Nothing is drawn yet. Draw a digit first.") : predictor.ask()),
  clear: () => (drawing.isEmpty ? start("There is nothing to clear.") : drawing.clear()),
  undo: () => (drawing.isEmpty ? start("There is nothing to undo.") : drawing.undo()),
  reframe: () => drawing.isEmpty || predictor.ask(),
  open: (file) => drawing.show(file).catch(() => fail("This file is not a picture that can be read.")),
});
drawWithPointer(ui.canvas, drawing);
drawWithKeys(ui.canvas, drawing, ui.sayPen);
setBrush();
predictor.card().then(ui.showModel, (error) => fail(error.message));
