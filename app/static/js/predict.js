// The only file that talks to the server. One request is in flight at a time; what the next one
// sends is read when it is sent, so the newest drawing wins and answers never come out of order.

const PATIENCE = 15_000; // milliseconds

export class Predictor {
  #address;
  #flight = null; // the AbortController of the request on its way
  #wanted = false;

  // address: what to ask; model: whom, null for the default; read: () → the body to send;
  // show: (prediction) → void; fail: (sentence) → void
  constructor({ address, model, read, show, fail }) {
    this.#address = address;
    Object.assign(this, { model, read, show, fail });
  }

  async ask() {
    this.#wanted = true;
    if (this.#flight) return; // it is read again when that one is back
    const flight = (this.#flight = new AbortController());
    while (this.#wanted) {
      this.#wanted = false;
      const [handle, value] = await this.#post(flight.signal).then(
        (prediction) => [this.show, prediction],
        (error) => [this.fail, error.message],
      );
      if (flight !== this.#flight) return; // forgotten meanwhile
      handle(value);
    }
    this.#flight = null;
  }

  // No answer to anything asked so far will be shown.
  forget() {
    this.#wanted = false;
    this.#flight?.abort();
    this.#flight = null;
  }

  card() {
    return send(this.#of("api/model"));
  }

  #of(address) {
    return this.model === null ? address : `${address}?model=${encodeURIComponent(this.model)}`;
  }

  async #post(signal) {
    return send(this.#of(this.#address), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(this.read()),
      signal,
    });
  }
}

// The names of the models there are, and of the one that answers if none is asked for.
export const models = () => send("api/models");

// The OpenAPI document.
export const contract = () => send("api/openapi.json");

// The JSON of an answer; an Error with a sentence for the reader if there is none.
async function send(address, { signal, ...options } = {}) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE);
  signal?.addEventListener("abort", () => late.abort(), { once: true });
  let answer;
  try {
    const response = await fetch(address, { ...options, signal: late.signal });
    answer = await response.json();
  } catch (error) {
    throw new Error(
      error instanceof SyntaxError
        ? "The server gave an answer that cannot be read."
        : "The server cannot be reached. Is it still running?",
    );
  } finally {
    clearTimeout(timer);
  }
  if (answer.error) throw new Error(answer.error.message);
  return answer;
}
