// The only file that talks to the server. One request is in flight at a time; what the next one
// sends is read when it is sent, so the newest drawing wins and answers never come out of order.

const PATIENCE = 15_000; // milliseconds

export class Predictor {
  #address;
  #query;
  #flight = null; // the AbortController of the request on its way
  #wanted = false;

  // address: what to ask; read: () → the body to send; show: (prediction) → void; fail: (sentence) → void
  constructor({ address, model, read, show, fail }) {
    this.#address = address;
    this.#query = model === null ? "" : `?model=${encodeURIComponent(model)}`;
    Object.assign(this, { read, show, fail });
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
    return send(`api/model${this.#query}`);
  }

  async #post(signal) {
    return send(`${this.#address}${this.#query}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(this.read()),
      signal,
    });
  }
}

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
