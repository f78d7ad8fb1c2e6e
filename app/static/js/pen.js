// How a finger, a mouse, a pen or the arrow keys become strokes of the drawing.

import { SIDE } from "./canvas.js";

const STEP = 10; // of the drawing's 280, for one arrow key
const FINE_STEP = 2; // with Shift
const DIRECTIONS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  Home: [-1, -1], PageUp: [1, -1], End: [-1, 1], PageDown: [1, 1],
};

export function drawWithPointer(canvas, drawing) {
  let pointer = null; // the one that draws; other fingers and the palm do not
  let stroke = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = SIDE / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  const lift = (event) => {
    if (event.pointerId === pointer) pointer = null;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    stroke = drawing.begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    // All the places since the last frame. Browsers without them, or with none, have the event.
    const events = event.getCoalescedEvents?.() ?? [];
    drawing.extend(stroke, (events.length ? events : [event]).map(place));
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(type, lift);
  }
}

export function drawWithKeys(canvas, drawing, say) {
  let point = [SIDE / 2, SIDE / 2];
  let stroke = null; // while the pen is down

  const mark = (visible) => {
    drawing.marker = visible ? { point, down: stroke !== null } : null;
    drawing.repaint();
  };
  const lift = () => {
    if (stroke) say("Pen up.");
    stroke = null;
  };
  const move = ([right, down], step) => {
    const within = (value) => Math.min(SIDE, Math.max(0, value));
    point = [within(point[0] + right * step), within(point[1] + down * step)];
    if (!stroke) return;
    if (!drawing.strokes.includes(stroke)) stroke = drawing.begin(point); // undone meanwhile
    else drawing.extend(stroke, [point]);
  };

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in DIRECTIONS) {
      move(DIRECTIONS[event.key], event.shiftKey ? FINE_STEP : STEP);
    } else if (event.key === " " || event.key === "Enter") {
      if (event.repeat) return event.preventDefault();
      if (stroke) lift();
      else {
        stroke = drawing.begin(point);
        say("Pen down.");
      }
    } else return;
    event.preventDefault(); // else the page would scroll
    mark(true);
  });
  canvas.addEventListener("focus", () => mark(canvas.matches(":focus-visible")));
  canvas.addEventListener("pointerdown", () => mark(false));
  canvas.addEventListener("blur", () => {
    lift();
    mark(false);
  });
}
