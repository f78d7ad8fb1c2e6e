// The drawing: owns its strokes and its pixels. Strokes are kept in the coordinates of a 280 × 280
// square and everything is painted from them, so screen size and sharpness never change a digit.

export const SIDE = 280;
const LONGEST = 1024; // pixels of an uploaded picture's longer side
const LARGEST = 1_500_000; // characters of a data URL, well inside the server's limit

export class Drawing {
  strokes = []; // of { brush, points: [[x, y], …] }
  picture = null; // a canvas with an uploaded picture, shown instead of strokes
  brush = 18;
  marker = null; // { point, down }: the keyboard's pen, on the screen only
  #canvas;
  #changed;

  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#changed = changed;
    new ResizeObserver(() => this.repaint()).observe(canvas);
    window.addEventListener("resize", () => this.repaint()); // zoom changes the device's pixels
  }

  get isEmpty() {
    return !this.picture && !this.strokes.length;
  }

  begin(point) {
    const stroke = { brush: this.brush, points: [point] };
    this.#become([...this.strokes, stroke]);
    return stroke;
  }

  extend(stroke, points) {
    stroke.points.push(...points); // of no effect if it was undone while the pen was down
    this.#become(this.strokes, this.picture);
  }

  undo() {
    this.#become(this.strokes.slice(0, -1));
  }

  clear() {
    this.#become([]);
  }

  // Scaled down here, so that a phone's photo fits the server's limit. Rejects what is no picture.
  async show(file) {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const picture = this.#blank(Math.ceil(bitmap.width * scale), Math.ceil(bitmap.height * scale));
    const context = picture.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, picture.width, picture.height);
    bitmap.close();
    this.#become([], picture);
  }

  // What the server is sent: the uploaded picture itself, or the strokes on a 280 × 280 canvas.
  dataUrl() {
    if (this.picture) {
      const png = this.picture.toDataURL("image/png"); // keeps transparency
      return png.length <= LARGEST ? png : this.picture.toDataURL("image/jpeg", 0.9);
    }
    const square = this.#blank(SIDE, SIDE);
    const context = square.getContext("2d");
    context.fillRect(0, 0, SIDE, SIDE); // black
    this.#paintStrokes(context);
    return square.toDataURL("image/png");
  }

  repaint() {
    const side = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
    const context = this.#canvas.getContext("2d");
    context.setTransform(side / SIDE, 0, 0, side / SIDE, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    if (this.picture) this.#paintPicture(context);
    this.#paintStrokes(context);
    if (this.marker) this.#paintMarker(context);
  }

  #become(strokes, picture = null) {
    Object.assign(this, { strokes, picture });
    this.repaint();
    this.#changed();
  }

  #blank(width, height) {
    return Object.assign(this.#canvas.cloneNode(), { width, height });
  }

  #paintStrokes(context) {
    context.strokeStyle = context.fillStyle = "white";
    context.lineCap = context.lineJoin = "round";
    for (const { brush, points } of this.strokes) {
      context.lineWidth = brush;
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x, y));
      context.stroke();
      context.beginPath(); // a stroke of one point has no length, yet it is a dot
      context.arc(...points[0], brush / 2, 0, 2 * Math.PI);
      context.fill();
    }
  }

  #paintPicture(context) {
    const { width, height } = this.picture;
    const scale = SIDE / Math.max(width, height);
    context.fillStyle = "#7d828c"; // dark ink and light ink both show through transparency
    context.fillRect(0, 0, SIDE, SIDE);
    const [left, top] = [(SIDE - width * scale) / 2, (SIDE - height * scale) / 2];
    context.drawImage(this.picture, left, top, width * scale, height * scale);
  }

  #paintMarker(context) {
    const { point, down } = this.marker;
    context.beginPath();
    context.arc(...point, Math.max(this.brush / 2, 4), 0, 2 * Math.PI);
    context.lineWidth = down ? 4 : 2;
    context.strokeStyle = "#ffb454";
    context.stroke();
  }
}
