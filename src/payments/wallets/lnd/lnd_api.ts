import { WalletError, type WalletErrorKind } from "../../wallet.ts";
import { jsonLines } from "../ndjson.ts";
import type { NodeOptions } from "../node_options.ts";
import { type HttpQuestion, WalletHttp } from "../wallet_http.ts";

/** gRPC's codes that LND's gateway hands on; most refusals of its own have none but 2. */
export const CODE = { unknown: 2, notFound: 5, alreadyExists: 6, unimplemented: 12 } as const;

/** What it says of a path that it doesn't know; what it doesn't find is told in other words. */
const NO_SUCH_PATH = "Not Found";
/** Longer words of a server are cut. */
const LONGEST_WORDS = 200;

/** A refusal in LND's words. */
export class LndError extends WalletError {
  constructor(kind: WalletErrorKind, readonly code: number, message: string) {
    super(kind, message);
    this.name = "LndError";
  }
}

export interface LndApiOptions extends Pick<NodeOptions, "base" | "caCert"> {
  macaroon: Uint8Array;
}

/** LND's REST interface: JSON over HTTP, with 64-bit integers as strings and bytes as base64. */
export class LndApi {
  readonly #http: WalletHttp;
  readonly #secrets: string[];

  constructor({ base, macaroon, caCert }: LndApiOptions) {
    // LND takes it in hex.
    const headers = { "grpc-metadata-macaroon": macaroon.toHex() };
    this.#http = new WalletHttp({ name: "LND", base, headers, ...(caCert !== undefined && { caCert }) });
    const base64 = macaroon.toBase64();
    this.#secrets = [macaroon.toHex(), base64, base64.replaceAll("+", "-").replaceAll("/", "_")];
  }

  /** LND's answer; its refusals are thrown as LndErrors. */
  async ask(method: string, path: string, question: HttpQuestion, signal: AbortSignal): Promise<unknown> {
    // LND: most refusals, also of a macaroon, come as HTTP 500.
    const { status, body } = await this.#http.ask(method, path, { ...question, plain: true }, signal);
    const refusal = this.#refusal(body);
    if (refusal && (status < 200 || status > 299)) throw refusal;
    this.#http.check(status, question);
    if (status < 200 || status > 299) {
      throw elsewhere(status);
    }
    return body;
  }

  /** What a streaming method says, message by message. Ends when LND ends it; throws what it refuses with. */
  async *stream(
    method: string,
    path: string,
    question: HttpQuestion,
    signal: AbortSignal,
  ): AsyncGenerator<unknown> {
    const response = await this.#http.open(method, path, question, signal);
    if (response.body === null) {
      return this.#http.check(response.status, question);
    }
    if (!response.ok && !(response.headers.get("content-type") ?? "").includes("json")) {
      await response.body.cancel();
      this.#http.check(response.status, question);
      throw elsewhere(response.status);
    }
    for await (const line of jsonLines(response.body)) {
      const refusal = this.#refusal(line);
      if (refusal) throw refusal;
      if (!response.ok || !isObject(line) || !("result" in line)) {
        throw new WalletError(
          "bad_answer",
          `LND's stream says nothing that is known (HTTP ${response.status})`,
        );
      }
      yield line.result;
    }
  }

  close(): void {
    this.#http.close();
  }

  /** Streams wrap it in `error`, older versions name the code otherwise. */
  #refusal(body: unknown): LndError | null {
    if (!isObject(body)) return null;
    const it = isObject(body.error) ? body.error : body;
    const message = it.message ?? it.error;
    const code = it.code ?? it.grpc_code;
    if (typeof message !== "string" || typeof code !== "number") return null;
    // The gateway's own word, and not about an invoice or a payment.
    if (code === CODE.notFound && message === NO_SUCH_PATH) {
      return new LndError(
        "not_implemented",
        CODE.unimplemented,
        "LND doesn't have this interface, or not at this address",
      );
    }
    let words = message;
    for (const secret of this.#secrets) words = words.replaceAll(secret, "***");
    return new LndError(kindOf(code, message), code, `LND says: ${words.slice(0, LONGEST_WORDS)}`);
  }
}

/** What a refusal means. LND: a macaroon that isn't valid is an unknown error like any other, so that the words decide. */
function kindOf(code: number, message: string): WalletErrorKind {
  if (code === 7 || code === 16) return "unauthorized";
  if (/permission denied|verification failed|macaroon|root key/i.test(message)) return "unauthorized";
  if (code === 4 || code === 8 || code === 14) return "busy";
  if (/wallet (is )?locked|starting up|not yet ready|waiting to start/i.test(message)) return "busy";
  if (code === CODE.unimplemented) return "not_implemented";
  return "refused";
}

function elsewhere(status: number): WalletError {
  return new WalletError("not_implemented", `there is no LND at this address (HTTP ${status})`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
