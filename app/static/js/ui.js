// The only file that touches the page around the drawing: its controls, its words and its bars.

const find = (id) => document.getElementById(id);
const percent = (share) => `${Math.min(99.9, share * 100).toFixed(1)}%`; // 100% would be certainty
const named = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

export const canvas = find("canvas");
export const asked = new URLSearchParams(location.search).get("model"); // in the page's address
export const model = () => find("models").value;
export const preprocess = () => document.querySelector("[name=preprocess]:checked").value;
export const brush = () => find("brush").valueAsNumber;

const bars = Array.from({ length: 10 }, (_, digit) => {
  const bar = find("bar").content.firstElementChild.cloneNode(true);
  bar.setAttribute("aria-label", digit);
  bar.querySelector(".name").textContent = digit;
  find("probabilities").append(bar);
  return bar;
});

export function say(words, isError = false) {
  const message = find("message");
  message.classList.toggle("error", isError);
  if (message.textContent !== words) message.textContent = words; // said once, not at every move
}

export function sayPen(words) {
  find("pen").textContent = words;
}

export function setEmpty(isEmpty) {
  find("paper").toggleAttribute("data-empty", isEmpty);
}

export function showBrush() {
  find("dot").style.setProperty("--brush", brush() / Number(find("brush").max));
}

export function showModels(names, chosen) {
  find("models").replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

export function showModel({ name, parameters, test }) {
  const size = parameters ? `, ${parameters.toLocaleString("en")} parameters` : "";
  const score = test ? `, reads ${(test.accuracy * 100).toFixed(2)}% of MNIST's test digits right` : "";
  find("model").textContent = `Model ${name}${size}${score}.`;
}

export function showPrediction({ digit, confidence, probabilities, is_digit, input }) {
  showNumbers(String(digit), percent(confidence), probabilities);
  document.body.classList.toggle("doubtful", !is_digit);
  Object.assign(find("input"), { src: input, hidden: false });
  const [, second] = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  if (!is_digit) say("This does not look like one digit");
  else if (confidence >= 0.9) say(`This is ${named(digit)}.`);
  else say(`Probably ${named(digit)}, perhaps ${named(second)}.`);
}

// While the time-line is moved: the answer at a moment of the drawing.
export function showMoment(probabilities) {
  const confidence = Math.max(...probabilities);
  const digit = String(probabilities.indexOf(confidence));
  document.body.classList.remove("doubtful");
  showNumbers(digit, percent(confidence), probabilities);
  say(`At this moment it would be ${named(Number(digit))}.`);
}

export function clearResult() {
  showNumbers("–", "", Array(10).fill(0));
  document.body.classList.remove("doubtful");
  find("input").hidden = true;
  find("input").removeAttribute("src");
}

function showNumbers(digit, confidence, probabilities) {
  find("digit").textContent = digit;
  find("confidence").textContent = confidence;
  bars.forEach((bar, index) => {
    const share = probabilities[index];
    bar.setAttribute("aria-valuenow", (share * 100).toFixed(1));
    bar.setAttribute("aria-valuetext", percent(share));
    bar.classList.toggle("best", String(index) === digit);
    bar.querySelector(".percent").textContent = confidence && percent(share);
    bar.querySelector(".fill").style.setProperty("--share", share);
  });
}

// Each handler is named for what the reader wants; `open` is given a File.
export function listen({ predict, clear, undo, setBrush, reframe, choose, open }) {
  find("predict").addEventListener("click", predict);
  find("clear").addEventListener("click", clear);
  find("undo").addEventListener("click", undo);
  find("brush").addEventListener("input", setBrush);
  find("preprocess").addEventListener("change", reframe);
  find("models").addEventListener("change", choose);
  find("file").addEventListener("change", ({ target }) => {
    if (target.files.length) open(target.files[0]);
    target.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    if (!isUndo) return;
    event.preventDefault();
    undo();
  });
  const take = (files, source) => {
    if (files.length) open(files[0]);
    else say(`There is no picture ${source}.`, true);
  };
  document.addEventListener("paste", (event) => take(event.clipboardData.files, "to paste"));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    take(event.dataTransfer.files, "in what was dropped");
  });
}
