// How one cell of a feature map is computed: patch × filter, added up over the maps before it.

const find = (id) => document.getElementById(id);
const SIDE = 96; // CSS pixels, of an enlarged map
const GRID_ROWS = 8; // of the picture of all maps of a layer
const AXES = ["map", "row", "column"];
let layers = []; // { name, shape, maps: a data URL } each, from input to output
let input = ""; // data URL of the 28×28 input
let place = null; // [layer, map, row, column] of the chosen cell

export const isChosen = () => Boolean(place);
export const request = () => ({ cell: place });

// Called with a new explanation; the same cell stays chosen if the network has it.
export function setLayers(newLayers, newInput) {
  layers = newLayers;
  input = newInput;
  if (place && !layerOf(place[0])) place = null;
  find("cell").hidden = !place;
}

// Connect the choice of a cell to `ask`, which is called when another one is chosen.
export function listen(ask) {
  const choose = (...newPlace) => {
    place = newPlace;
    ask();
  };
  for (const type of ["pointermove", "click"]) {
    find("layers").addEventListener(type, ({ target, offsetX, offsetY }) => {
      const layer = layerOf(target.closest("figure")?.dataset.name);
      if (!target.matches("img") || !isMap(layer)) return;
      choose(layer.name, ...cellAt(layer, offsetX / target.width, offsetY / target.height));
    });
  }
  find("place").addEventListener("input", () => {
    const layer = layerOf(find("layer").value);
    const values = AXES.map((id, axis) => clamp(Number(find(id).value) || 0, layer.shape[axis]));
    choose(layer.name, ...values);
  });
}

// Show the answer to `request`.
export function show({ layer, map, row, column, terms, rest, bias, value }) {
  const index = layers.findIndex(({ name }) => name === layer);
  const before = layers[index - 1];
  const isPool = !terms[0].filter;
  find("cell").hidden = false;
  fillPlace([layer, map, row, column]);
  const step = isPool ? 2 : 1;
  const seen = { row: row * step, column: column * step, side: terms[0].patch.length };
  find("terms").replaceChildren(...terms.map((term) => showTerm(term, before, seen)));
  enlarge(find("result"), layers[index], map, { row, column, side: 1 });
  find("sum").textContent = isPool
    ? `The maximum of the patch is ${number(value)}.`
    : describeSum(terms, rest, bias, value, before);
}

const layerOf = (name) => layers.find((layer) => layer.name === name);
const isMap = (layer) => layer?.shape.length === 3;
const clamp = (value, length) => Math.min(Math.max(Math.floor(value), 0), length - 1);
const number = (value) => value.toFixed(2).replace(/^-(?=0\.00$)/, "").replace("-", "−");
const across = (maps) => Math.max(1, Math.floor(maps / GRID_ROWS)); // columns of the grid

// The map, row and column at a point of the picture of all maps, in shares of its width and height.
function cellAt({ shape: [maps, rows, columns] }, x, y) {
  const [u, v] = [x * across(maps), (y * maps) / across(maps)];
  const map = clamp(v, maps) * across(maps) + clamp(u, across(maps));
  return [clamp(map, maps), clamp((v % 1) * rows, rows), clamp((u % 1) * columns, columns)];
}

function fillPlace([layer, ...values]) {
  const names = layers.filter(isMap).map(({ name }) => name);
  find("layer").replaceChildren(...names.map((name) => new Option(name, name)));
  find("layer").value = layer;
  const { shape } = layerOf(layer);
  AXES.forEach((id, axis) => Object.assign(find(id), { max: shape[axis] - 1, value: values[axis] }));
}

function showTerm({ map, patch, filter, sum }, before, seen) {
  const node = find("term").content.firstElementChild.cloneNode(true);
  const [whole, ...grids] = node.children;
  enlarge(whole.querySelector("div"), before, map, seen);
  whole.querySelector("figcaption").textContent = before ? `${before.name}, map ${map}` : "input";
  fillGrid(grids[0], patch, "patch");
  if (!filter) grids.slice(1).forEach((grid) => grid.remove());
  else {
    fillGrid(grids[1], filter, "× filter");
    const products = patch.map((line, y) => line.map((value, x) => value * filter[y][x]));
    fillGrid(grids[2], products, `= products, sum ${number(sum)}`);
  }
  return node;
}

function describeSum(terms, rest, bias, value, before) {
  const others = before ? before.shape[0] - terms.length : 0;
  const parts = terms.map(({ sum }) => number(sum));
  if (others) parts.push(`${number(rest)} (the other ${others} maps)`);
  const total = terms.reduce((all, { sum }) => all + sum, rest + bias);
  const end = total < 0 ? "below 0, so ReLU makes it 0." : "ReLU keeps it.";
  return `${[...parts, `${number(bias)} (bias)`].join(" + ")} = ${number(total)}: ${end}`;
}

// Show one map of a layer, or the input, with a frame around the cells that count.
function enlarge(node, layer, map, { row, column, side }) {
  const [maps, rows, columns] = layer?.shape ?? [1, 28, 28];
  const [x, y] = [map % across(maps), Math.floor(map / across(maps))];
  const scale = SIDE / columns;
  const width = across(maps) * (columns + 1) - 1;
  Object.assign(node.style, {
    backgroundImage: `url(${layer?.maps ?? input})`,
    backgroundSize: `${width * scale}px auto`,
    backgroundPosition: `${-x * (columns + 1) * scale}px ${-y * (rows + 1) * scale}px`,
  });
  const [left, top, length] = [column, row, side].map((cells) => `${cells * scale}px`);
  Object.assign(node.firstElementChild.style, { left, top, width: length, height: length });
}

// Fill a figure with a square of numbers: amber above zero, blue below.
function fillGrid(figure, rows, caption) {
  const values = rows.flat();
  const most = Math.max(...values.map(Math.abs), 1e-9);
  figure.querySelector("figcaption").textContent = caption;
  figure.querySelector("div").style.setProperty("--columns", rows.length);
  figure.querySelector("div").replaceChildren(...values.map((value) => {
    const box = document.createElement("span");
    box.textContent = number(value);
    box.className = value < 0 ? "negative" : "positive";
    box.style.setProperty("--share", Math.abs(value) / most);
    return box;
  }));
}
