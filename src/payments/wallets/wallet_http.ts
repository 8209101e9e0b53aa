import { errorText } from "../../log.ts";
import { WalletError } from "../wallet.ts";

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
  #client: Deno.HttpClient | undefined;

  constructor(options: WalletHttpOptions) {
    this.#o = options;
  }

  /**
   * The answer to a question. 401 and 403 throw `unauthorized`; 429, 5xx and redirects throw, too; every other 4xx is the
   * caller's to read. `path` is relative to the base, without a slash before it.
   */
  async ask(method: string, path: string, question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const response = await this.open(method, path, question, signal);
    const text = await this.#read(response, signal);
    this.#check(response.status, question);
    return { status: response.status, body: parsed(text) };
  }

  /** The same, with the body left to be read as it comes: for streams. The caller looks at the status. */
  async open(method: string, path: string, question: HttpQuestion, signal: AbortSignal): Promise<Response> {
    const { base, headers } = this.#o;
    const url = new URL(path, base.href.endsWith("/") ? base : `${base.href}/`);
    for (const [name, value] of Object.entries(question.query ?? {})) url.searchParams.set(name, value);
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
      return await fetch(url, {
        method,
        headers: { accept: "application/json", ...(type && { "content-type": type }), ...headers },
        body,
        redirect: "manual",
        signal,
        ...this.#certificate(),
      });
    } catch (error) {
      throw this.#fault(error, signal);
    }
  }

  /** Ends connections. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #certificate(): { client?: Deno.HttpClient } {
    if (this.#o.caCert === undefined) return {};
    this.#client ??= Deno.createHttpClient({ caCerts: [this.#o.caCert] });
    return { client: this.#client };
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

  #check(status: number, { moves }: HttpQuestion): void {
    const { name } = this.#o;
    if (status === 401 || status === 403) {
      throw new WalletError("unauthorized", `${name} doesn't take the key, or not for this (HTTP ${status})`);
    }
    if (status === 429) throw new WalletError("busy", `${name} has had too many requests (HTTP 429)`);
    if (status >= 500) {
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
    // Deno tells where a request broke by these words alone.
    const connecting = /client error \(Connect\)|dns error|tcp connect error/i.exec(errorText(error));
    return connecting
      ? new WalletError(
        "unreachable",
        `${name}: no connection to ${base.host}: ${reasonOf(errorText(error))}`,
      )
      : new WalletError("no_answer", `${name}: the connection to ${base.host} broke`);
  }
}

/** The last part of Deno's text: the others hold the URL. */
function reasonOf(text: string): string {
  return text.split(": ").at(-1)!;
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
