"use strict";

/** ncc waits 8 s for the wallet. */
const INVOICE_MS = 12_000;
const ANSWER_MS = 8_000;
const EVENT_MS = 3_000;
const PAGE = 100;

/**
 * Why ncc didn't do what it was asked for. `kind`: "unreachable" (asked again it may), "refused" (it says why), "bad_answer". Its
 * message holds no secret.
 */
class NccError extends Error {
  constructor(kind, message, { status, pointers = [] } = {}) {
    super(message);
    this.kind = kind;
    this.status = status ?? null;
    /** The fields that it doesn't take. */
    this.pointers = pointers;
  }
}

/** ncc's API of invoices. Every method throws an `NccError`. */
class NccClient {
  #url;
  #token;

  constructor({ url, token }) {
    this.#url = url;
    this.#token = token;
  }

  /** The invoice of this reference; made when there is none, or for another amount as long as it isn't paid. */
  async ask({ reference, amount, currency, description }) {
    const body = { reference, amount, currency, description };
    return invoiceIn(await this.#call("POST", "/api/v1/invoices", { body, ms: INVOICE_MS }));
  }

  /** The invoice; null when ncc knows none by this id. */
  async read(id) {
    try {
      return invoiceIn(await this.#call("GET", `/api/v1/invoices/${encodeURIComponent(id)}`));
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  /** The invoice; null when there is none of this reference. */
  async find(reference) {
    const [found] = invoicesIn(
      await this.#call("GET", `/api/v1/invoices?reference=${encodeURIComponent(reference)}`),
    );
    return found ?? null;
  }

  /** Those made since `since` (ms since 1970), by reference. */
  async since(since) {
    const found = new Map();
    for (let cursor = "";;) {
      const more = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.#call("GET", `/api/v1/invoices?limit=${PAGE}${more}`);
      const invoices = invoicesIn(page);
      for (const one of invoices) found.set(one.reference, one);
      cursor = page.next_cursor ?? "";
      if (cursor === "" || Date.parse(invoices.at(-1)?.created_at) < since) return found;
    }
  }

  /** Offers it no more; what is paid stays paid. */
  async cancel(id) {
    return invoiceIn(
      await this.#call("POST", `/api/v1/invoices/${encodeURIComponent(id)}/cancel`, { body: {} }),
    );
  }

  /**
   * Gives money of it back, once for each reference; all that is left without an amount. Without a destination, or with one that
   * ncc doesn't take, it is given back by hand.
   */
  async refund(id, { destination, ...wish }) {
    const path = `/api/v1/invoices/${encodeURIComponent(id)}/refund`;
    try {
      return invoiceIn(await this.#call("POST", path, { body: { ...wish, destination } }));
    } catch (error) {
      if (destination === undefined || !error.pointers?.includes("/destination")) throw error;
      return invoiceIn(await this.#call("POST", path, { body: wish }));
    }
  }

  async #call(method, path, { body, ms = ANSWER_MS } = {}) {
    return await ask(`${this.#url}${path}`, {
      method,
      ms,
      headers: { authorization: `Bearer ${this.#token}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }
}

/** Tells ncc of an event. Throws an `NccError`. */
async function tell(url, { headers, body }) {
  await ask(`${url}/hooks/medusa`, { method: "POST", ms: EVENT_MS, headers, body });
}

/** The answer's JSON; null without one. */
async function ask(url, { method, ms, headers, body }) {
  const { host } = new URL(url);
  const asked = {
    method,
    headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
    body,
    // It is sent nowhere else.
    redirect: "manual",
    signal: AbortSignal.timeout(ms),
  };
  let status, text;
  try {
    const response = await fetch(url, asked);
    status = response.status;
    text = await response.text();
  } catch (error) {
    const why = error.name === "TimeoutError" ? `doesn't answer within ${ms / 1000} s` : "can't be reached";
    throw new NccError("unreachable", `ncc at ${host} ${why}`);
  }
  const answer = jsonOf(text);
  if (status >= 200 && status < 300) return answer;
  const said = typeof answer?.detail === "string" ? answer.detail : `HTTP ${status}`;
  const pointers = Array.isArray(answer?.errors) ? answer.errors.map((one) => one?.pointer) : [];
  const kind = status >= 500 || status === 429 ? "unreachable" : "refused";
  throw new NccError(kind, `ncc at ${host} says: ${said}`, { status, pointers });
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The invoice in an answer, as far as the plugin reads it. */
function invoiceIn(answer) {
  const texts = ["id", "reference", "state", "amount", "currency", "amount_msat"];
  if (texts.some((name) => typeof answer?.[name] !== "string")) {
    throw new NccError("bad_answer", "ncc's answer is no invoice: are plugin and ncc of the same version?");
  }
  if (!Array.isArray(answer.refunds)) {
    throw new NccError("bad_answer", "ncc's answer is an invoice without refunds");
  }
  return answer;
}

function invoicesIn(answer) {
  if (!Array.isArray(answer?.data)) throw new NccError("bad_answer", "ncc's answer is no list of invoices");
  return answer.data.map(invoiceIn);
}

module.exports = { NccClient, NccError, tell };
