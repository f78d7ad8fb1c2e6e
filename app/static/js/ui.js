// The only file that touches the page around the drawing: controls, messages and bars.

const find = (id) => document.getElementById(id);
const percent = (share) => `${Math.min(99.9, share * 100).toFixed(1)}%`; // never a certain 100%
const withArticle = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

export const canvas = find("canvas");
export const requestedModel = new URLSearchParams(location.search).get("model"); // or null
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
  // A screen reader repeats the message whenever it is set, so set it only if it is new.
  if (message.textContent !== words) message.textContent = words;
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
  find("models").replaceChildren(...names.map((name) => new Option(name)));
  find("models").value = chosen;
}

export function showModel({ name, parameters, test }) {
  const size = parameters ? `, ${parameters.toLocaleString("en")} parameters` : "";
  const score = test ? `, ${(test.accuracy * 100).toFixed(2)}% accuracy on MNIST's test set` : "";
  find("model").textContent = `Model ${name}${size}${score}.`;
}

// The same sentences as `describe` in digitvision.widget.
function describe({ is_digit, confidence, digit, probabilities }) {
  if (!is_digit) return "This does not look like one digit.";
  if (confidence >= 0.9) return `This is ${withArticle(digit)}.`;
  const [, second] = probabilities.map((p, i) => [p, i]).sort(([a], [b]) => b - a);
  return `Probably ${withArticle(digit)}, perhaps ${withArticle(second[1])}.`;
}

export function showPrediction(prediction) {
  const { digit, confidence, probabilities, is_digit, input } = prediction;
  showNumbers(String(digit), percent(confidence), probabilities);
  document.body.classList.toggle("doubtful", !is_digit);
  Object.assign(find("input"), { src: input, hidden: false });
  say(describe(prediction));
}

// The probabilities at one step of the timeline.
export function showStep(probabilities) {
  const confidence = Math.max(...probabilities);
  const digit = probabilities.indexOf(confidence);
  document.body.classList.remove("doubtful");
  showNumbers(String(digit), percent(confidence), probabilities);
  say(`Up to this point, the drawing is read as ${withArticle(digit)}.`);
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

// Connect the controls to handlers. `openPicture` is called with a File, the others with nothing.
export function listen(handlers) {
  const { predict, clear, undo, setBrush, setPreprocess, chooseModel, openPicture } = handlers;
  find("predict").addEventListener("click", () => predict());
  find("clear").addEventListener("click", () => clear());
  find("undo").addEventListener("click", () => undo());
  find("brush").addEventListener("input", () => setBrush());
  find("preprocess").addEventListener("change", () => setPreprocess());
  find("models").addEventListener("change", () => chooseModel());
  document.addEventListener("keydown", (event) => {
    const isShortcut = (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!isShortcut || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    undo();
  });
  listenForPictures(openPicture);
}

function listenForPictures(openPicture) {
  const openFirst = (files, message) => (files.length ? openPicture(files[0]) : say(message, true));
  find("file").addEventListener("change", ({ target }) => {
    if (target.files.length) openPicture(target.files[0]);
    target.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    openFirst(clipboardData.files, "There is no picture to paste.");
  });
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
    openFirst(event.dataTransfer.files, "There is no picture in what was dropped.");
  });
}
