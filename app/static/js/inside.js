// The panel "Inside the network" and the time-line: pictures of what the server explains.

const find = (id) => document.getElementById(id);
const STAGES = {
  grey: "one channel",
  ink: "its ink",
  crop: "cut out",
  box: "20 pixels long",
  input: "centred, as it sees it",
  naive: "shrunk, as it sees it",
};
const LAYERS = {
  conv1: "edges in the picture",
  conv1_pool: "the strongest of each 2×2",
  conv2: "patterns among the edges",
  conv2_pool: "the strongest of each 2×2",
  dense: "pieces of digits, weighed together",
};
let moments = null; // { points, probabilities } of the drawing on the canvas
let drawn = []; // its strokes

export const isOpen = () => find("inside").open;

export function say(words, isError = false) {
  find("inside-message").classList.toggle("error", isError);
  find("inside-message").textContent = words;
}

export function fail(words) {
  clear();
  say(words, true);
}

export function clear() {
  find("inside-body").hidden = true;
  hideTimeline();
  say("Draw a digit, and see what the network makes of it.");
}

// The time-line belongs to one drawing: it goes when that changes.
export function hideTimeline() {
  moments = null;
  find("timeline").hidden = true;
}

// What the server needs besides the picture, for a time-line: strokes of more than a single point.
export function replay({ picture, strokes }) {
  drawn = strokes;
  const round = (number) => Math.round(number * 100) / 100;
  const count = strokes.reduce((sum, { points }) => sum + points.length, 0);
  if (picture || count < 2 || strokes.length > 100 || count > 20_000) return {};
  return {
    strokes: strokes.map(({ points }) => points.map((point) => point.map(round))),
    brush: strokes[0].brush,
  };
}

export function show({ digit, layers, saliency, stages, timeline }) {
  say("");
  find("inside-body").hidden = false;
  find("saliency").src = saliency;
  find("saliency").alt = `The ink that speaks for a ${digit}, and against it`;
  find("explained").textContent = digit;
  fill("stages", stages, ({ name, size, picture }) => [
    picture, `${name} ${size.join("×")}`, STAGES[name] ?? "",
  ]);
  fill("layers", layers.slice(0, -1), ({ name, shape, maps }) => [ // the last one is the bars
    maps, `${name}: ${inWords(shape)}`, LAYERS[name] ?? "",
  ]);
  moments = timeline;
  find("timeline").hidden = !timeline;
  if (!timeline) return;
  const last = timeline.points.length - 1;
  Object.assign(find("moment"), { max: last, value: last });
  nameMoment(last);
}

export function listen({ open, scrub }) {
  find("inside").addEventListener("toggle", open);
  find("moment").addEventListener("input", ({ target }) => {
    if (!moments) return;
    const at = target.valueAsNumber;
    nameMoment(at);
    const isLast = at === moments.points.length - 1;
    scrub(firstPoints(moments.points[at]), moments.probabilities[at], isLast);
  });
}

function nameMoment(at) {
  const words = `${moments.points[at]} of ${moments.points.at(-1)} points`;
  find("moment").setAttribute("aria-valuetext", words);
  find("points").textContent = words;
}

function firstPoints(count) {
  return drawn.map(({ brush, points }) => {
    const kept = points.slice(0, Math.max(0, count));
    count -= points.length;
    return { brush, points: kept };
  }).filter(({ points }) => points.length);
}

const inWords = ([count, rows, columns]) =>
  rows ? `${count} maps of ${rows}×${columns}` : `${count} numbers`;

function fill(id, items, describe) {
  find(id).replaceChildren(...items.map((item) => {
    const figure = find("picture").content.firstElementChild.cloneNode(true);
    const [src, name, words] = describe(item);
    figure.dataset.name = item.name;
    Object.assign(figure.querySelector("img"), { src, alt: `${name}, ${words}` });
    figure.querySelector("b").textContent = name;
    figure.querySelector("span").textContent = words;
    return figure;
  }));
}
