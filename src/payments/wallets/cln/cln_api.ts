import { WalletError, type WalletErrorKind } from "../../wallet.ts";
import type { NodeOptions } from "../node_options.ts";
import { WalletHttp } from "../wallet_http.ts";

/** Core Lightning's codes. */
export const CODE = {
  unknownCommand: -32601,
  badParameters: -32602,
  labelExists: 900,
  waitTimedOut: 904,
  noSuchLabel: 905,
  otherStatus: 906,
} as const;

/** clnrest: what it says of runes. */
const RUNES = [1501, 1502, 1503];
/** Longer words of a server are cut. */
const LONGEST_WORDS = 200;

/** A refusal in Core Lightning's words. */
export class ClnError extends WalletError {
  constructor(kind: WalletErrorKind, readonly code: number, message: string, readonly data: unknown) {
    super(kind, message);
    this.name = "ClnError";
  }
}

export interface ClnApiOptions extends Pick<NodeOptions, "base" | "caCert"> {
  rune: string;
}

/** Core Lightning's plugin clnrest: every command is a POST, and an answer is HTTP 201. */
export class ClnApi {
  readonly #http: WalletHttp;
  readonly #rune: string;

  constructor({ base, rune, caCert }: ClnApiOptions) {
    this.#rune = rune;
    this.#http = new WalletHttp({
      name: "Core Lightning",
      base,
      headers: { rune },
      ...(caCert !== undefined && { caCert }),
    });
  }

  /** The command's answer; its refusals are thrown as ClnErrors. `moves`: it moves money. */
  async call(
    command: string,
    json: Record<string, unknown>,
    signal: AbortSignal,
    o: { moves?: boolean } = {},
  ): Promise<unknown> {
    // clnrest: a command's refusal comes as HTTP 500.
    const { status, body } = await this.#http.ask(
      "POST",
      `v1/${command}`,
      { json, ...o, plain: true },
      signal,
    );
    if (status === 200 || status === 201) return body;
    const refusal = this.#refusal(body);
    if (refusal) throw refusal;
    this.#http.check(status, o);
    throw new WalletError("not_implemented", `there is no clnrest at this address (HTTP ${status})`);
  }

  close(): void {
    this.#http.close();
  }

  #refusal(body: unknown): ClnError | null {
    if (typeof body !== "object" || body === null || !("message" in body) || !("code" in body)) return null;
    const { code, message } = body;
    if (typeof code !== "number" || typeof message !== "string") return null;
    const words = message.replaceAll(this.#rune, "***").slice(0, LONGEST_WORDS);
    return new ClnError(
      kindOf(code, message),
      code,
      `Core Lightning says: ${words}`,
      "data" in body ? body.data : undefined,
    );
  }
}

function kindOf(code: number, message: string): WalletErrorKind {
  if (RUNES.includes(code)) return /rate|too soon/i.test(message) ? "busy" : "unauthorized";
  return code === CODE.unknownCommand ? "not_implemented" : "refused";
}
