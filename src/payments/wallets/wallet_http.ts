import { errorText } from "../../log.ts";
import { WalletError } from "../wallet.ts";
import { fetchCertified, NotConnected } from "./own_certificate.ts";

/** A wallet's answer by HTTP, of 2xx or 4xx. */
export interface HttpAnswer {
  status: number;
  /** Parsed JSON; the text where it is none; undefined when it is empty. */
  body: unknown;
}

export interface HttpQuestion {
  json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  form?: Record<string, string>;
  query?: Record<string, string>;
  /** It moves money: whatever isn't a clear answer leaves open whether it happened. */
  moves?: boolean;
  /** Every status is the caller's to read, for servers that refuse in a way of their own: gRPC's and JSON-RPC's say 500. */
  plain?: boolean;
}

export interface WalletHttpOptions {
  /** For people, as in "LNbits at host: …". */
  name: string;
  /** Paths are appended to it. */
  base: URL;
  headers?: Record<string, string>;
  /** PEM of the certificate that the server shows, where it is its own. */
  caCert?: string;
}

/** More than any wallet has to say. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Asks one wallet's HTTP interface. The URL is the operator's own, so it may be of this machine or of a private network; no
 * redirect is followed, because it would carry the secret elsewhere. Throws WalletErrors that hold neither paths nor secrets.
 */
export class WalletHttp {
  readonly #o: WalletHttpOptions;
  readonly #closed = new AbortController();

  constructor(options: WalletHttpOptions) {
    this.#o = options;
  }

  /**
   * The answer to a question. 401 and 403 throw `unauthorized`; 408, 429, 5xx and redirects throw, too; every other 4xx
   * is the caller's to read. `path` is relative to the base, without a slash before it.
   */
  async ask(method: string, path: string, question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const response = await this.open(method, path, question, signal);
    const text = await this.#read(response, signal);
    if (!question.plain) this.check(response.status, question);
    return { status: response.status, body: parsed(text) };
  }

  /** The same, with the body left to be read as it comes: for streams. The caller looks at the status. */
  async open(method: string, path: string, question: HttpQuestion, signal: AbortSignal): Promise<Response> {
    const { name, headers } = this.#o;
    if (signal.aborted) throw new WalletError("unreachable", `${name} wasn't asked: the time was up before`);
    const url = this.url(path);
    for (const [key, value] of Object.entries(question.query ?? {})) url.searchParams.set(key, value);
    const type = question.json !== undefined
      ? "application/json"
      : question.form !== undefined
      ? "application/x-www-form-urlencoded"
      : null;
    const body = question.json !== undefined
      ? JSON.stringify(question.json)
      : question.form !== undefined
      ? new URLSearchParams(question.form).toString()
      : null;
    try {
      const asked = {
        method,
        headers: { accept: "application/json", ...(type && { "content-type": type }), ...headers },
        body,
        signal: AbortSignal.any([signal, this.#closed.signal]),
      };
      return this.#o.caCert === undefined
        ? await fetch(url, { ...asked, redirect: "manual" })
        : await fetchCertified(url, asked, this.#o.caCert);
    } catch (error) {
      throw this.#fault(error, signal);
    }
  }

  /** Where a path is that is relative to the base. */
  url(path: string): URL {
    const { href } = this.#o.base;
    return new URL(path, href.endsWith("/") ? href : `${href}/`);
  }

  /** Ends connections, with what is under way. */
  close(): void {
    this.#closed.abort();
  }

  async #read(response: Response, signal: AbortSignal): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    let bytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.byteLength;
        if (bytes > MOST_BYTES) throw new WalletError("bad_answer", `${this.#o.name} answers without end`);
        text += decoder.decode(chunk, { stream: true });
      }
    } catch (error) {
      throw error instanceof WalletError ? error : this.#fault(error, signal);
    }
    return text + decoder.decode();
  }

  /** Throws for the statuses that say something by themselves, as `ask` does for questions that aren't `plain`. */
  check(status: number, { moves }: HttpQuestion): void {
    const { name } = this.#o;
    if (status === 401 || status === 403) {
      throw new WalletError("unauthorized", `${name} doesn't take the key, or not for this (HTTP ${status})`);
    }
    if (status === 429) throw new WalletError("busy", `${name} has had too many requests (HTTP 429)`);
    if (status >= 500 || status === 408) {
      throw new WalletError(moves ? "no_answer" : "busy", `${name} has a fault of its own (HTTP ${status})`);
    }
    if (status >= 300 && status < 400) {
      throw new WalletError(
        "bad_answer",
        `${name} sends us elsewhere (HTTP ${status}): its URL must be the final one`,
      );
    }
  }

  /** What happened on the way. Only what failed before anything was sent is `unreachable`. */
  #fault(error: unknown, signal: AbortSignal): WalletError {
    const { name, base } = this.#o;
    if (signal.aborted) return new WalletError("no_answer", `${name} didn't answer in time`);
    const why = unconnected(error);
    return why !== null
      ? new WalletError("unreachable", `${name}: no connection to ${base.host}: ${why}`)
      : new WalletError("no_answer", `${name}: the connection to ${base.host} broke`);
  }
}

/** Deno tells where a request broke by the words of its cause alone; what stands before these holds the URL. */
const CONNECTING = /client error \(Connect\): |^Fetch failed: /i;

/** Why there was no connection; null when there was one. */
function unconnected(error: unknown): string | null {
  if (error instanceof NotConnected) return errorText(error);
  if (error instanceof Deno.errors.NotCapable) return "this program isn't allowed to connect there";
  const text = errorText(error instanceof Error && error.cause ? error.cause : error);
  const found = CONNECTING.exec(text);
  return found === null ? null : text.slice(found.index + found[0].length);
}

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
