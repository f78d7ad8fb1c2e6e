// The only file that talks to the server. A Predictor has at most one request in flight and starts
// at most ten a second. It reads the state of the page when it sends a request, so the newest
// drawing is always the last one sent, and answers never arrive out of order.

const INTERVAL = 100; // milliseconds from the start of a request to the start of the next one
const TIMEOUT = 15; // seconds
const MAX_RETRY_DELAY = 5; // seconds, whatever the server asks for

export class Predictor {
  #path;
  #loop = null; // the AbortController of the loop that sends requests, while it runs
  #isOutdated = false; // has the state changed since the last request?
  #earliest = 0; // the performance.now() before which no request starts

  // path: of the API; model: a name, or null for the default; read: () → the body of a request;
  // show: (answer) → void; fail: (RequestError) → void
  constructor({ path, model, read, show, fail }) {
    this.#path = path;
    Object.assign(this, { model, read, show, fail });
  }

  // Ask about the state of the page, now or as soon as the interval allows.
  async request() {
    this.#isOutdated = true;
    if (this.#loop) return; // it sees the change before it ends
    const loop = (this.#loop = new AbortController());
    while (this.#isOutdated) {
      const delay = this.#earliest - performance.now();
      if (delay > 0) await sleep(delay);
      if (loop !== this.#loop) return; // cancelled
      this.#isOutdated = false;
      this.#earliest = performance.now() + INTERVAL;
      const [handle, value] = await send(this.#address(this.#path), this.read, loop.signal).then(
        (answer) => [this.show, answer],
        (error) => [this.fail, error],
      );
      if (loop !== this.#loop) return; // cancelled
      handle(value);
    }
    this.#loop = null;
  }

  // Drop every request made so far: none of their answers will be shown.
  cancel() {
    this.#isOutdated = false;
    this.#loop?.abort();
    this.#loop = null;
  }

  // The model card.
  card() {
    return send(this.#address("api/model"));
  }

  #address(path) {
    return this.model === null ? path : `${path}?model=${encodeURIComponent(this.model)}`;
  }
}

// The names of all models, and the name of the default one.
export const models = () => send("api/models");

// Its message is a sentence for the reader.
class RequestError extends Error {
  constructor(message, isOverloaded = false) {
    super(message);
    this.isOverloaded = isOverloaded; // the server refused because it is busy
  }
}

// Return the JSON of an answer; throw a RequestError if there is none. The request is a POST of
// what `read` returns, or a GET without it. A busy server that says when to retry is asked again
// once, about what `read` returns then.
async function send(address, read, signal) {
  let response, answer;
  try {
    response = await exchange(address, read, signal);
    const seconds = response.status === 503 ? Number(response.headers.get("Retry-After")) : 0;
    if (seconds > 0) {
      await sleep(1000 * Math.min(seconds, MAX_RETRY_DELAY));
      response = await exchange(address, read, signal);
    }
    answer = await response.json();
  } catch (error) {
    throw new RequestError(explain(error));
  }
  if (answer.error) throw new RequestError(answer.error.message, response.status === 503);
  return answer;
}

function exchange(address, read, signal) {
  const timeout = AbortSignal.timeout(1000 * TIMEOUT);
  const options = { signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
  if (read) {
    const headers = { "Content-Type": "application/json" };
    Object.assign(options, { method: "POST", headers, body: JSON.stringify(read()) });
  }
  return fetch(address, options);
}

function explain({ name }) {
  if (name === "SyntaxError") return "The server sent an answer that cannot be read.";
  if (name === "TimeoutError") return `The server did not answer within ${TIMEOUT} seconds.`;
  return "The server cannot be reached. Is it still running?";
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
