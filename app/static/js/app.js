// Wires the page: a change of the drawing asks for a prediction, a prediction is shown.

import { Drawing } from "./canvas.js";
import * as inside from "./inside.js";
import { drawWithKeys, drawWithPointer } from "./pen.js";
import { models, Predictor } from "./predict.js";
import * as ui from "./ui.js";

const REST = 250; // milliseconds without a change before the inside of the network is asked for

const drawing = new Drawing(ui.canvas, changed);
const predictor = new Predictor({
  address: "api/predict",
  model: ui.asked,
  read: () => ({ image: drawing.dataUrl(), preprocess: ui.preprocess() }),
  show: ui.showPrediction,
  fail,
});
const explainer = new Predictor({
  address: "api/explain",
  model: ui.asked,
  read: () => ({ ...predictor.read(), ...inside.replay(drawing) }),
  show: inside.show,
  fail: inside.fail,
});
let resting;

function changed() {
  ui.setEmpty(drawing.isEmpty);
  if (drawing.isEmpty) start("Nothing is drawn. Draw a digit, 0 to 9.");
  else predictor.ask();
  explain();
}

// Only while the panel is open, and once the pen rests: drawing goes first.
function explain() {
  clearTimeout(resting);
  explainer.forget();
  inside.hideTimeline();
  if (drawing.isEmpty) inside.clear();
  else if (inside.isOpen()) resting = setTimeout(() => explainer.ask(), REST);
}

// A moment of the time-line; its last one is the drawing itself.
function scrub(strokes, probabilities, isLast) {
  drawing.preview = isLast ? null : strokes;
  drawing.repaint();
  predictor.forget();
  if (isLast) predictor.ask();
  else ui.showMoment(probabilities);
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

// Another model reads the same drawing.
function choose() {
  predictor.model = explainer.model = ui.model();
  showCard();
  if (!drawing.isEmpty) changed();
}

function showCard() {
  predictor.card().then(ui.showModel, (error) => fail(error.message));
}

ui.listen({
  setBrush,
  choose,
  predict: () => (drawing.isEmpty ? start("Nothing is drawn yet. Draw a digit first.") : predictor.ask()),
  clear: () => (drawing.isEmpty ? start("There is nothing to clear.") : drawing.clear()),
  undo: () => (drawing.isEmpty ? start("There is nothing to undo.") : drawing.undo()),
  reframe: () => drawing.isEmpty || changed(),
  open: (file) => drawing.show(file).catch(() => fail("This file is not a picture that can be read.")),
});
inside.listen({ open: explain, scrub });
drawWithPointer(ui.canvas, drawing);
drawWithKeys(ui.canvas, drawing, ui.sayPen);
setBrush();
showCard();
models().then(({ models, model }) => ui.showModels(models, ui.asked ?? model), (error) => fail(error.message));
