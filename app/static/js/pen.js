// Turns pointer events (mouse, finger, pen) and arrow keys into strokes of the drawing.

import { SIDE } from "./canvas.js";

const STEP = 10; // of the drawing's 280, for one arrow key
const FINE_STEP = 2; // with Shift
const DIRECTIONS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  Home: [-1, -1], PageUp: [1, -1], End: [-1, 1], PageDown: [1, 1],
};

export function drawWithPointer(canvas, drawing) {
  let pointer = null; // id of the pointer that draws; other fingers and the palm are ignored
  let stroke = null;

  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = SIDE / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  const release = (event) => {
    if (event.pointerId === pointer) pointer = null;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    stroke = drawing.begin(position(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    // All positions since the last frame. Some browsers do not support this or return none.
    const events = event.getCoalescedEvents?.() ?? [];
    drawing.extend(stroke, (events.length ? events : [event]).map(position));
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(type, release);
  }
}

export function drawWithKeys(canvas, drawing, say) {
  let point = [SIDE / 2, SIDE / 2];
  let stroke = null; // while the pen is down

  const setMarker = (isVisible) => {
    drawing.marker = isVisible ? { point, isDown: stroke !== null } : null;
    drawing.repaint();
  };
  const penUp = () => {
    if (stroke) say("Pen up.");
    stroke = null;
  };
  const penDown = () => {
    stroke = drawing.begin(point);
    say("Pen down.");
  };
  const move = ([right, down], step) => {
    const clip = (value) => Math.min(SIDE, Math.max(0, value));
    point = [clip(point[0] + right * step), clip(point[1] + down * step)];
    if (!stroke) return;
    if (drawing.strokes.includes(stroke)) drawing.extend(stroke, [point]);
    else stroke = drawing.begin(point); // the old stroke was undone meanwhile
  };

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isMove = event.key in DIRECTIONS;
    if (!isMove && event.key !== " " && event.key !== "Enter") return;
    event.preventDefault(); // no scrolling
    if (isMove) move(DIRECTIONS[event.key], event.shiftKey ? FINE_STEP : STEP);
    else if (event.repeat) return;
    else if (stroke) penUp();
    else penDown();
    setMarker(true);
  });
  canvas.addEventListener("focus", () => setMarker(canvas.matches(":focus-visible")));
  canvas.addEventListener("pointerdown", () => setMarker(false));
  canvas.addEventListener("blur", () => {
    penUp();
    setMarker(false);
  });
}
