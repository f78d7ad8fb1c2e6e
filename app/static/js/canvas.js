// The drawing: its strokes and its pixels. Strokes are kept in the coordinates of a 280 × 280
// square and every picture is painted from them, so screen size and zoom never change a digit.

export const SIDE = 280;
const MAX_SIDE = 1024; // pixels of the longer side of an uploaded picture
const MAX_PNG = 1_500_000; // characters of a data URL; longer ones are sent as JPEG

export class Drawing {
  strokes = []; // of { brush, points: [[x, y], …] }
  preview = null; // strokes shown instead, while the timeline is moved
  picture = null; // a canvas with an uploaded picture, shown instead of strokes
  brush = 18; // diameter of the next stroke
  marker = null; // { point, isDown }: the pen moved by the keyboard; never part of the drawing
  #canvas;
  #onChange;

  constructor(canvas, onChange) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    new ResizeObserver(() => this.repaint()).observe(canvas);
    window.addEventListener("resize", () => this.repaint()); // zoom changes devicePixelRatio
  }

  get isEmpty() {
    return !this.picture && !this.strokes.length;
  }

  begin(point) {
    const stroke = { brush: this.brush, points: [point] };
    this.#replace([...this.strokes, stroke]);
    return stroke;
  }

  // Has no effect on the drawing if the stroke was undone while the pen was down.
  extend(stroke, points) {
    stroke.points.push(...points);
    this.#replace(this.strokes, this.picture);
  }

  undo() {
    this.#replace(this.strokes.slice(0, -1));
  }

  clear() {
    this.#replace([]);
  }

  // Show a file, scaled down so that a phone's photo fits the server's limit. Rejects if the file
  // is not a picture.
  async show(file) {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side * scale));
    const picture = this.#newCanvas(width, height);
    const context = picture.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    this.#replace([], picture);
  }

  // The picture to send to the server: the uploaded one, or the strokes in white on black.
  dataUrl() {
    if (this.picture) {
      const png = this.picture.toDataURL("image/png"); // keeps transparency
      return png.length <= MAX_PNG ? png : this.picture.toDataURL("image/jpeg", 0.9);
    }
    const square = this.#newCanvas(SIDE, SIDE);
    const context = square.getContext("2d");
    context.fillRect(0, 0, SIDE, SIDE); // black
    this.#paintStrokes(context, this.strokes);
    return square.toDataURL("image/png");
  }

  repaint() {
    const side = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
    const context = this.#canvas.getContext("2d");
    context.setTransform(side / SIDE, 0, 0, side / SIDE, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    if (this.picture) this.#paintPicture(context);
    this.#paintStrokes(context, this.preview ?? this.strokes);
    if (this.marker) this.#paintMarker(context);
  }

  #replace(strokes, picture = null) {
    Object.assign(this, { strokes, picture, preview: null });
    this.repaint();
    this.#onChange();
  }

  // A copy of the element is a canvas without its pixels.
  #newCanvas(width, height) {
    return Object.assign(this.#canvas.cloneNode(), { width, height });
  }

  #color(name) {
    return getComputedStyle(this.#canvas).getPropertyValue(name);
  }

  #paintStrokes(context, strokes) {
    context.strokeStyle = context.fillStyle = "white";
    context.lineCap = context.lineJoin = "round";
    for (const { brush, points } of strokes) {
      context.lineWidth = brush;
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x, y));
      context.stroke();
      context.beginPath(); // a stroke of one point has no length: paint it as a dot
      context.arc(...points[0], brush / 2, 0, 2 * Math.PI);
      context.fill();
    }
  }

  #paintPicture(context) {
    const { width, height } = this.picture;
    const scale = SIDE / Math.max(width, height);
    context.fillStyle = this.#color("--backdrop");
    context.fillRect(0, 0, SIDE, SIDE);
    const [left, top] = [(SIDE - width * scale) / 2, (SIDE - height * scale) / 2];
    context.drawImage(this.picture, left, top, width * scale, height * scale);
  }

  #paintMarker(context) {
    const { point, isDown } = this.marker;
    context.beginPath();
    context.arc(...point, Math.max(this.brush / 2, 4), 0, 2 * Math.PI);
    context.lineWidth = isDown ? 4 : 2;
    context.strokeStyle = this.#color("--accent");
    context.stroke();
  }
}
