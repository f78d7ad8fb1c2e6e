// The panel "Inside the network" and the timeline: shows the pictures that explain a prediction.

import * as cell from "./cell.js";

const find = (id) => document.getElementById(id);
const STAGES = { // by the API's names
  grey: "one channel",
  ink: "the ink",
  crop: "cropped to the ink",
  box: "longest side 20 pixels",
  input: "centered: the network's input",
  naive: "resized: the network's input",
};
const LAYERS = [ // of either model, by a part of the name
  ["pool", "the maximum of each 2×2 block"],
  ["conv1", "edges in the picture"],
  ["conv", "patterns in the maps of the previous layer"],
  ["dense", "all maps combined"],
];
let timeline = null; // { points, probabilities } of the drawing on the canvas
let drawnStrokes = [];

export const isOpen = () => find("inside").open;

function say(words, isError = false) {
  find("inside-message").classList.toggle("error", isError);
  find("inside-message").textContent = words;
}

// A busy server says nothing about the drawing, so its last explanation stays.
export function fail({ message, isOverloaded }) {
  if (!isOverloaded) clear();
  say(message, true);
}

export function clear() {
  find("inside-body").hidden = true;
  hideTimeline();
  say("Draw a digit to see how the network reads it.");
}

// Called when the drawing changes: a timeline belongs to one drawing.
export function hideTimeline() {
  timeline = null;
  find("timeline").hidden = true;
}

// What the server needs besides the picture to compute a timeline. A single point has none; limits
// are the server's.
export function timelineRequest({ picture, strokes }) {
  drawnStrokes = strokes;
  if (picture || countPoints(strokes) < 2) return {};
  const round = (number) => Math.round(number * 100) / 100;
  return {
    strokes: strokes.map(({ points }) => points.map((point) => point.map(round))),
    brush: strokes[0].brush,
  };
}

export function show({ digit, layers, saliency, stages, timeline: newTimeline }) {
  say("");
  find("inside-body").hidden = false;
  find("saliency").src = saliency;
  find("saliency").alt = `The ink that counts for a ${digit}, and the ink that counts against it`;
  find("explained").textContent = digit;
  fill("stages", stages.map(({ name, size, picture }) => ({
    name, src: picture, title: `${name} ${size.join("×")}`, text: STAGES[name] ?? "",
  })));
  // The last layer holds the probabilities, which the bars show already.
  const shown = layers.slice(0, -1);
  cell.setLayers(shown, stages.at(-1).picture);
  fill("layers", shown.map(({ name, shape, maps }) => ({
    name, src: maps, title: `${name}: ${describeShape(shape)}`, text: describeLayer(name),
  })));
  timeline = newTimeline;
  find("timeline").hidden = !timeline;
  if (!timeline) return;
  const last = timeline.points.length - 1;
  Object.assign(find("moment"), { max: last, value: last });
  describeStep(last);
}

// Connect the panel to handlers: `open` is called when it opens or closes, `showStep` with the
// strokes and probabilities of the chosen step, and whether it is the last one.
export function listen({ open, showStep }) {
  find("inside").addEventListener("toggle", () => open());
  find("moment").addEventListener("input", ({ target }) => {
    if (!timeline) return;
    const step = target.valueAsNumber;
    describeStep(step);
    const isLast = step === timeline.points.length - 1;
    showStep(firstPoints(timeline.points[step]), timeline.probabilities[step], isLast);
  });
}

function describeStep(step) {
  const words = `${timeline.points[step]} of ${timeline.points.at(-1)} points`;
  find("moment").setAttribute("aria-valuetext", words);
  find("points").textContent = words;
}

const countPoints = (strokes) => strokes.reduce((sum, { points }) => sum + points.length, 0);

// The strokes as they were after the first `count` points.
function firstPoints(count) {
  return drawnStrokes.map(({ brush, points }) => {
    const kept = points.slice(0, Math.max(0, count));
    count -= points.length;
    return { brush, points: kept };
  }).filter(({ points }) => points.length);
}

const describeLayer = (name) => LAYERS.find(([part]) => name.includes(part))?.[1] ?? "";

const describeShape = ([count, rows, columns]) =>
  rows ? `${count} maps of ${rows}×${columns}` : `${count} numbers`;

function fill(id, pictures) {
  find(id).replaceChildren(...pictures.map(({ name, src, title, text }) => {
    const figure = find("picture").content.firstElementChild.cloneNode(true);
    figure.dataset.name = name;
    const alt = text ? `${title}, ${text}` : title;
    Object.assign(figure.querySelector("img"), { src, alt });
    figure.querySelector("b").textContent = title;
    figure.querySelector("span").textContent = text;
    return figure;
  }));
}
