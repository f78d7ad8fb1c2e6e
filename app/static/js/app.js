// Wires the modules: when the drawing changes, ask for a prediction and show it.

import { Drawing } from "./canvas.js";
import * as cell from "./cell.js";
import * as inside from "./inside.js";
import { drawWithKeys, drawWithPointer } from "./pen.js";
import { models, Predictor } from "./predict.js";
import * as ui from "./ui.js";

const EXPLAIN_DELAY = 250; // milliseconds without a change before an explanation is requested

const drawing = new Drawing(ui.canvas, onChange);
const predictor = new Predictor({
  path: "api/predict",
  model: ui.requestedModel,
  read: () => ({ image: drawing.dataUrl(), preprocess: ui.preprocess() }),
  show: ui.showPrediction,
  fail,
});
const explainer = new Predictor({
  path: "api/explain",
  model: ui.requestedModel,
  read: () => ({ ...predictor.read(), ...inside.timelineRequest(drawing) }),
  show(explanation) {
    inside.show(explanation);
    if (cell.isChosen()) cellReader.request();
  },
  fail: inside.fail,
});
const cellReader = new Predictor({
  path: "api/cell",
  model: ui.requestedModel,
  read: () => ({ ...predictor.read(), ...cell.request() }),
  show: cell.show,
  fail: inside.fail,
});
let explainTimer;

function onChange() {
  ui.setEmpty(drawing.isEmpty);
  if (drawing.isEmpty) reset("Nothing is drawn. Draw a digit, 0 to 9.");
  else predictor.request();
  explain();
}

// An explanation takes longer than a prediction: it is only requested while the panel is open and
// the pen rests.
function explain() {
  clearTimeout(explainTimer);
  explainer.cancel();
  cellReader.cancel();
  inside.hideTimeline();
  if (drawing.isEmpty) inside.clear();
  else if (inside.isOpen()) explainTimer = setTimeout(() => explainer.request(), EXPLAIN_DELAY);
}

// Show one step of the timeline; the last step is the drawing itself.
function showStep(strokes, probabilities, isLast) {
  drawing.preview = isLast ? null : strokes;
  drawing.repaint();
  predictor.cancel();
  if (isLast) predictor.request();
  else ui.showStep(probabilities);
}

function reset(message) {
  predictor.cancel();
  ui.clearResult();
  ui.say(message);
}

// A busy server says nothing about the drawing, so its last answer stays.
function fail({ message, isOverloaded }) {
  if (!isOverloaded) ui.clearResult();
  ui.say(message, true);
}

function setBrush() {
  drawing.brush = ui.brush();
  ui.showBrush();
}

function chooseModel() {
  predictor.model = explainer.model = cellReader.model = ui.model();
  showCard();
  if (!drawing.isEmpty) onChange();
}

function showCard() {
  predictor.card().then(ui.showModel, fail);
}

function openPicture(file) {
  drawing.show(file).catch(() => fail({ message: "This file is not a picture that can be read." }));
}

// An action on the drawing; without one, say why nothing happens.
function withDrawing(action, message) {
  return () => (drawing.isEmpty ? reset(message) : action());
}

ui.listen({
  setBrush,
  chooseModel,
  openPicture,
  predict: withDrawing(() => predictor.request(), "Nothing is drawn yet. Draw a digit first."),
  clear: withDrawing(() => drawing.clear(), "There is nothing to clear."),
  undo: withDrawing(() => drawing.undo(), "There is nothing to undo."),
  setPreprocess: () => drawing.isEmpty || onChange(),
});
inside.listen({ open: explain, showStep });
cell.listen(() => cellReader.request());
drawWithPointer(ui.canvas, drawing);
drawWithKeys(ui.canvas, drawing, ui.sayPen);
setBrush();
showCard();
models().then(({ models, model }) => ui.showModels(models, ui.requestedModel ?? model), fail);
