import { errorText } from "../log.ts";
import { fetchCertified, NotConnected } from "./own_certificate.ts";

/** Why there is no answer that could be read. `no_answer` and `bad_answer` leave open whether it happened. */
export type HttpFaultKind =
  /** The server doesn't take the credentials, or not for this (401, 403). */
  | "unauthorized"
  /** Too many requests, or a fault of its own: later. */
  | "busy"
  /** Nothing was sent. */
  | "unreachable"
  /** It was sent and no answer came, or none that says what was done: it may have happened. */
  | "no_answer"
  /** It answered something that can't be used. */
  | "bad_answer";

/** The message names the server, and holds neither paths nor secrets. */
export class HttpFault extends Error {
  /** `status`: of the answer; null when there was none. */
  constructor(readonly kind: HttpFaultKind, message: string, readonly status: number | null = null) {
    super(message);
    this.name = "HttpFault";
  }
}

/** An answer by HTTP, of 2xx or 4xx. */
export interface HttpAnswer {
  status: number;
  /** Parsed JSON; the text where it is none; undefined when it is empty. */
  body: unknown;
}

export interface HttpQuestion {
  json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  form?: Record<string, string>;
  /** A list is a key that is there several times. */
  query?: Record<string, string | readonly string[]>;
  /** Of this question alone. */
  headers?: Record<string, string>;
  /** It changes something there, money moves: whatever isn't a clear answer leaves open whether it happened. */
  moves?: boolean;
  /** Every status is the caller's to read, for servers that refuse in a way of their own: gRPC's and JSON-RPC's say 500. */
  plain?: boolean;
}

export interface HttpClientOptions {
  /** For people, as in "LNbits at host: …". */
  name: string;
  /** Paths are appended to it. */
  base: URL;
  headers?: Record<string, string>;
  /** PEM of the certificate that the server shows, where it is its own. */
  caCert?: string;
  /** The longest answer that is read. Default: 4 MiB. */
  mostBytes?: number;
}

const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Asks one server's HTTP interface. The URL is the operator's own, so it may be of this machine or of a private network; no
 * redirect is followed, because it would carry the secret elsewhere. What somebody else has named is `GuardedFetch`'s.
 */
export class HttpClient {
  readonly #o: HttpClientOptions;
  readonly #closed = new AbortController();

  constructor(options: HttpClientOptions) {
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
    if (signal.aborted) throw new HttpFault("unreachable", `${name} wasn't asked: the time was up before`);
    const url = this.url(path);
    for (const [key, value] of Object.entries(question.query ?? {})) {
      for (const one of typeof value === "string" ? [value] : value) url.searchParams.append(key, one);
    }
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
        headers: {
          accept: "application/json",
          ...(type && { "content-type": type }),
          ...headers,
          ...question.headers,
        },
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
        if (bytes > (this.#o.mostBytes ?? MOST_BYTES)) {
          throw new HttpFault("bad_answer", `${this.#o.name} answers without end`);
        }
        text += decoder.decode(chunk, { stream: true });
      }
    } catch (error) {
      throw error instanceof HttpFault ? error : this.#fault(error, signal);
    }
    return text + decoder.decode();
  }

  /** Throws for the statuses that say something by themselves, as `ask` does for questions that aren't `plain`. */
  check(status: number, { moves }: HttpQuestion): void {
    const { name } = this.#o;
    if (status === 401 || status === 403) {
      throw new HttpFault(
        "unauthorized",
        `${name} doesn't take the key, or not for this (HTTP ${status})`,
        status,
      );
    }
    if (status === 429) throw new HttpFault("busy", `${name} has had too many requests (HTTP 429)`, status);
    if (status >= 500 || status === 408) {
      throw new HttpFault(
        moves ? "no_answer" : "busy",
        `${name} has a fault of its own (HTTP ${status})`,
        status,
      );
    }
    if (status >= 300 && status < 400) {
      throw new HttpFault(
        "bad_answer",
        `${name} sends us elsewhere (HTTP ${status}): its URL must be the final one`,
        status,
      );
    }
  }

  /** What happened on the way. Only what failed before anything was sent is `unreachable`. */
  #fault(error: unknown, signal: AbortSignal): HttpFault {
    const { name, base } = this.#o;
    if (signal.aborted) return new HttpFault("no_answer", `${name} didn't answer in time`);
    const why = unconnected(error);
    return why !== null
      ? new HttpFault("unreachable", `${name}: no connection to ${base.host}: ${why}`)
      : new HttpFault("no_answer", `${name}: the connection to ${base.host} broke`);
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
