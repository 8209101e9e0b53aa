import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { parseBounded } from "../bounded_json.ts";
import { errorText } from "../log.ts";
import { AddressGuard, NotPublicError } from "./address_guard.ts";
import { decoded } from "./content_coding.ts";

/** What is asked of a foreign server. */
export interface WebQuestion {
  /** Default: GET. */
  method?: "GET" | "POST";
  /** Of the URL's own origin; nobody whom a redirect names gets them. */
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** The longest body that is taken, as it comes and decoded. Default: 256 KiB. */
  mostBytes?: number;
  /** How many redirects of a GET are followed, 3 at most. Default: 3. With 0 the redirect itself is the answer. */
  redirects?: number;
}

/** What a foreign server answered, whatever its status is. */
export interface WebAnswer {
  status: number;
  /** The URL that answered in the end. */
  url: string;
  /** Null when it isn't said. */
  type: string | null;
  body: Uint8Array;
}

export type FetchTrouble =
  /** The URL, or one that it led to, may not be opened; that one wasn't connected to. */
  | "refused"
  /** There was no connection. */
  | "unreachable"
  /** It was asked, and no whole answer came. */
  | "no_answer"
  /** What it answered can't be used: too long, no HTTP, no JSON, redirects without end. */
  | "bad_answer";

/** The reason names the host and nothing else of the URL. */
export type NotFetched = { ok: false; trouble: FetchTrouble; reason: string };
export type Fetched = { ok: true; answer: WebAnswer } | NotFetched;
export type FetchedJson = { ok: true; status: number; url: string; value: unknown } | NotFetched;

export interface GuardedFetchOptions {
  guard?: AddressGuard;
  /** PEM of certificates to trust instead of the machine's list, for servers of a test. */
  ca?: string;
}

const MOST_BYTES = 256 * 1024;
const MOST_HEADER_BYTES = 16 * 1024;
const MOST_REDIRECTS = 3;
const MOST_DEPTH = 16;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * The one way to a URL that somebody else has named: LNURL, webhooks, images (design §11). HTTPS only, the address that was
 * checked is the one that is dialled, every redirect is looked at as the first URL was, and nothing is believed about lengths.
 * It sends no cookies and no credentials, and keeps no connection.
 */
export class GuardedFetch {
  readonly #guard: AddressGuard;
  readonly #ca: string | undefined;

  constructor(o: GuardedFetchOptions = {}) {
    this.#guard = o.guard ?? new AddressGuard();
    this.#ca = o.ca;
  }

  /** Asks; all of it ends when `signal` does, as `no_answer`. Never rejects. */
  async ask(url: string, question: WebQuestion, signal: AbortSignal): Promise<Fetched> {
    const { method = "GET", headers: _, ...rest } = question;
    const most = method === "GET" ? Math.min(question.redirects ?? MOST_REDIRECTS, MOST_REDIRECTS) : 0;
    let asked: WebQuestion = question;
    for (let [target, followed] = [url, 0];; followed++) {
      const refusal = this.#guard.refuse(target, "https:");
      if (refusal !== null) return no("refused", target, refusal);
      const fetched = await this.#once(new URL(target), asked, signal);
      if (!fetched.ok || fetched.next === null || most === 0) return fetched;
      if (followed === most) return no("bad_answer", target, `it leads on after ${most} redirects`);
      if (new URL(fetched.next, target).origin !== new URL(target).origin) asked = rest;
      target = new URL(fetched.next, target).href;
    }
  }

  /** The same for JSON. Refusals (a status of 400 and more) have a body, too, `undefined` where that is no JSON. */
  async json(url: string, question: WebQuestion, signal: AbortSignal): Promise<FetchedJson> {
    const headers = { accept: "application/json", ...question.headers };
    const fetched = await this.ask(url, { ...question, headers }, signal);
    if (!fetched.ok) return fetched;
    const { status, body, url: answered } = fetched.answer;
    const limits = { chars: question.mostBytes ?? MOST_BYTES, depth: MOST_DEPTH };
    const parsed = parseBounded(new TextDecoder().decode(body), limits);
    if (parsed.ok) return { ok: true, status, url: answered, value: parsed.value };
    if (status >= 400) return { ok: true, status, url: answered, value: undefined };
    return no("bad_answer", answered, `${parsed.reason} (HTTP ${status})`);
  }

  /** One question to one server. `next`: where it says to ask instead. */
  #once(
    url: URL,
    { method = "GET", headers, body, mostBytes = MOST_BYTES }: WebQuestion,
    signal: AbortSignal,
  ): Promise<{ ok: true; answer: WebAnswer; next: string | null } | NotFetched> {
    return new Promise((resolve) => {
      let connected = false;
      const fails = (trouble: FetchTrouble, reason: string) => over(no(trouble, url.href, reason));
      const late = () => fails("no_answer", "no answer in time");
      const over = (outcome: Parameters<typeof resolve>[0]) => {
        signal.removeEventListener("abort", late);
        resolve(outcome);
        asking.destroy();
      };
      const asking = request(url, {
        method,
        headers: { "user-agent": "ncc", "accept-encoding": "identity", ...headers },
        lookup: this.#guard.lookup,
        // No connection is shared: one that waits was checked for somebody else's question.
        agent: false,
        maxHeaderSize: MOST_HEADER_BYTES,
        ...(this.#ca !== undefined && { ca: this.#ca }),
      });
      asking.on("socket", (socket) => socket.once("secureConnect", () => connected = true));
      asking.on("error", (error: NodeJS.ErrnoException) => {
        if (error instanceof NotPublicError) return fails("refused", error.message);
        if (error.code?.startsWith("HPE_")) return fails("bad_answer", `no HTTP (${error.message})`);
        fails(connected ? "no_answer" : "unreachable", reasonOf(error));
      });
      // Left alone it keeps the connection open and says nothing.
      asking.on("upgrade", () => fails("bad_answer", "it wants to speak something else than HTTP"));
      asking.on("response", (response) => {
        read(response, mostBytes).then(async (bytes) => {
          if (bytes === null) return fails("no_answer", "the connection broke");
          const plain = await decoded(bytes, response.headers["content-encoding"], mostBytes);
          if (!plain.ok) return fails("bad_answer", plain.reason);
          const status = response.statusCode ?? 0;
          const type = response.headers["content-type"] ?? null;
          const { location } = response.headers;
          const leads = REDIRECTS.includes(status) && location !== undefined;
          if (leads && !URL.canParse(location, url)) return fails("bad_answer", "it leads to no URL");
          over({
            ok: true,
            answer: { status, url: url.href, type, body: plain.bytes },
            next: leads ? location : null,
          });
        }, (error) => fails("bad_answer", errorText(error)));
      });
      if (signal.aborted) return late();
      signal.addEventListener("abort", late, { once: true });
      asking.end(body);
    });
  }
}

/** The whole body, null when it broke off. Throws when it is too long. */
function read(response: IncomingMessage, mostBytes: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const tooLong = () => reject(new Error(`it answers more than ${mostBytes} bytes`));
    if (Number(response.headers["content-length"]) > mostBytes) return tooLong();
    response.on("data", (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes > mostBytes) return tooLong();
      chunks.push(chunk);
    });
    response.on("end", () => resolve(joined(chunks, bytes)));
    response.on("error", () => resolve(null));
  });
}

function joined(chunks: Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

function no(trouble: FetchTrouble, url: string, reason: string): NotFetched {
  return { ok: false, trouble, reason: `${URL.parse(url)?.host || "the URL"}: ${reason}` };
}

/** Certificates' errors list every name that they are for. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ERR_TLS_CERT_ALTNAME_INVALID") return "its certificate is for another name";
  return error.message || (error.code ?? "the connection broke");
}
