import { WalletError, type WalletErrorKind } from "../wallet.ts";

/** NIP-47's kinds. */
export const INFO = 13194;
export const REQUEST = 23194;
export const RESPONSE = 23195;
/** Notifications: `NOTIFICATION` under NIP-44, the legacy kind under NIP-04. */
export const NOTIFICATION = 23197;
export const LEGACY_NOTIFICATION = 23196;

/** What a wallet service says of itself in its info event. */
export interface NwcInfo {
  methods: string[];
  /** The cipher of requests: NIP-44 whenever it is offered; no `encryption` tag means NIP-04 (NIP-47). Null: neither. */
  cipher: "nip04" | "nip44" | null;
}

/** Reads an info event (kind 13194). */
export function readInfo(event: { content: string; tags: string[][] }): NwcInfo {
  const words = (text: string) => text.split(/[\s,]+/).filter((word) => word !== "");
  const tag = event.tags.find(([name]) => name === "encryption");
  const offered = tag ? words(tag.slice(1).join(" ")) : ["nip04"];
  const cipher = offered.includes("nip44_v2") ? "nip44" : offered.includes("nip04") ? "nip04" : null;
  return { methods: words(event.content), cipher };
}

/** A response's content. */
export type NwcResponse = { ok: true; result: Record<string, unknown> } | { ok: false; error: NwcError };

/** An error by NIP-47's code. */
export class NwcError extends WalletError {
  constructor(readonly code: string, message: string) {
    super(KINDS[code] ?? "refused", `${code}: ${printable(message)}`);
  }
}

const KINDS: Record<string, WalletErrorKind> = {
  RATE_LIMITED: "busy",
  INTERNAL: "busy",
  NOT_IMPLEMENTED: "not_implemented",
  UNAUTHORIZED: "unauthorized",
  RESTRICTED: "unauthorized",
};

/** Reads a decrypted response; throws a WalletError of kind `bad_answer` for what isn't one. */
export function readResponse(text: string, method: string): NwcResponse {
  const body = parseObject(text);
  if (!body) throw new WalletError("bad_answer", "the wallet's answer is no JSON object");
  const error = isObject(body.error) ? body.error : null;
  if (error) {
    const code = typeof error.code === "string" ? printable(error.code) : "OTHER";
    return {
      ok: false,
      error: new NwcError(code, typeof error.message === "string" ? error.message : "no reason given"),
    };
  }
  // Some wallets leave the type out; another method's answer is a mistake.
  if (body.result_type !== undefined && body.result_type !== method) {
    throw new WalletError("bad_answer", `the wallet answered ${method} with another method's result`);
  }
  if (!isObject(body.result)) throw new WalletError("bad_answer", "the wallet's answer has no result");
  return { ok: true, result: body.result };
}

/** The payment hash of a decrypted notification of money that came; undefined for other notifications, null for an unreadable one. */
export function readNotification(text: string): string | null | undefined {
  const body = parseObject(text);
  if (!body) return null;
  if (body.notification_type !== "payment_received" && body.notification_type !== "hold_invoice_accepted") {
    return undefined;
  }
  const hash = isObject(body.notification) ? body.notification.payment_hash : null;
  return typeof hash === "string" && /^[0-9a-f]{64}$/i.test(hash) ? hash.toLowerCase() : null;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** A wallet chose these words: they are cut, and can't move a terminal's cursor. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is meant
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, 200);
}
