import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import { formatSat, type Msat } from "../../../money/msat.ts";
import type { FetchTrouble, GuardedFetch } from "../../../web/guarded_fetch.ts";
import { WalletError, type WalletErrorKind } from "../../wallet.ts";
import type { LightningAddress } from "./address.ts";

/** What the server of a Lightning address takes (LUD-06). */
export interface PayRequest {
  callback: URL;
  leastMsat: Msat;
  mostMsat: Msat;
  /** SHA-256 of its metadata: invoices should commit to it. */
  metadataHash: string;
  /** Characters of a comment that it takes (LUD-12). */
  commentLength: number;
  /** The key that signs its zap receipts (NIP-57); null when it offers none. */
  zapKey: string | null;
  /** Hosts that have answered for the address. */
  hosts: string[];
}

/** What it made of a wish for an invoice. */
export interface LnurlInvoice {
  bolt11: string;
  /** Where it says whether the invoice is paid (LUD-21). */
  verify: string | null;
}

/** The server said no. */
export class LnurlRefusal extends WalletError {
  /** `notFound`: it knows nothing of what it was asked about. */
  constructor(message: string, readonly notFound: boolean) {
    super("refused", message);
  }
}

const MOST_URL = 2_000;
const MOST_REASON = 100;

/** Millisatoshi. Servers write any number, and some a text. */
const amount = z.union([z.number().nonnegative().finite(), z.string().regex(/^\d{1,18}$/).transform(Number)]);
const payRequest = z.object({
  tag: z.literal("payRequest"),
  callback: z.string().max(MOST_URL),
  minSendable: amount,
  maxSendable: amount,
  metadata: z.string(),
  commentAllowed: z.number().nullish(),
  allowsNostr: z.boolean().nullish(),
  nostrPubkey: z.string().nullish(),
  payerData: z.record(z.string(), z.object({ mandatory: z.boolean().optional() }).nullable()).nullish(),
});
const invoice = z.object({ pr: z.string().min(1).max(8_000), verify: z.string().max(MOST_URL).nullish() });
const refusal = z.object({ status: z.string().regex(/^error$/i), reason: z.unknown() });

const KINDS: Record<FetchTrouble, WalletErrorKind> = {
  refused: "refused",
  unreachable: "unreachable",
  no_answer: "no_answer",
  bad_answer: "bad_answer",
};

/** Asks the server of an address what it takes. LUD-06, LUD-16. Throws WalletErrors. */
export async function readPayRequest(
  web: GuardedFetch,
  address: LightningAddress,
  signal: AbortSignal,
): Promise<PayRequest> {
  const { value, host } = await askLnurl(web, address.url, address.host, signal);
  const read = payRequest.safeParse(value);
  if (!read.success) throw bad(address.host, `no LNURL-pay request (${fieldOf(read.error)})`);
  const { callback, commentAllowed, allowsNostr, nostrPubkey, payerData } = read.data;
  const url = URL.parse(callback);
  if (!url) throw bad(address.host, "an LNURL-pay request without a callback's URL");
  // LUD-18: who pays is nobody's business but the shop's and the customer's.
  if (Object.values(payerData ?? {}).some((asked) => asked?.mandatory)) {
    throw new WalletError("refused", `${address.host} wants to know who pays: it can't be used`);
  }
  return {
    callback: url,
    leastMsat: BigInt(Math.ceil(read.data.minSendable)),
    mostMsat: BigInt(Math.floor(read.data.maxSendable)),
    metadataHash: bytesToHex(sha256(utf8ToBytes(read.data.metadata))),
    commentLength: Math.floor(commentAllowed ?? 0),
    zapKey: allowsNostr === true && /^[0-9a-f]{64}$/.test(nostrPubkey ?? "") ? nostrPubkey! : null,
    hosts: [...new Set([hostOf(address.url), host, url.hostname])],
  };
}

/** Asks for an invoice of exactly this amount. Throws a WalletError of kind `refused` where the address doesn't take it. */
export async function askForInvoice(
  web: GuardedFetch,
  o: { address: LightningAddress; request: PayRequest; amountMsat: Msat; params?: Record<string, string> },
  signal: AbortSignal,
): Promise<LnurlInvoice> {
  const { address, request: { leastMsat, mostMsat, callback } } = o;
  if (o.amountMsat < leastMsat || o.amountMsat > mostMsat) {
    throw new WalletError(
      "refused",
      `${address.text} takes ${formatSat(leastMsat)} to ${formatSat(mostMsat)} at once, not ${
        formatSat(o.amountMsat)
      }`,
    );
  }
  const url = new URL(callback);
  for (const [name, value] of Object.entries({ amount: String(o.amountMsat), ...o.params })) {
    url.searchParams.set(name, value);
  }
  const { value } = await askLnurl(web, url.href, address.host, signal);
  const read = invoice.safeParse(value);
  if (!read.success) throw bad(address.host, `no invoice (${fieldOf(read.error)})`);
  const { pr, verify } = read.data;
  return { bolt11: pr.trim().replace(/^lightning:/i, ""), verify: verify || null };
}

/** The JSON that an LNURL server answers, its refusals thrown. LUD-01: `{"status": "ERROR", "reason": …}`. */
export async function askLnurl(
  web: GuardedFetch,
  url: string,
  name: string,
  signal: AbortSignal,
): Promise<{ value: unknown; host: string }> {
  const fetched = await web.json(url, {}, signal);
  if (!fetched.ok) throw new WalletError(KINDS[fetched.trouble], fetched.reason);
  const { status, value } = fetched;
  if (status === 429 || status >= 500) {
    throw new WalletError("busy", `${name} has too much to do, or a fault of its own (HTTP ${status})`);
  }
  const refused = refusal.safeParse(value);
  if (refused.success) {
    const reason = plain(refused.data.reason);
    throw new LnurlRefusal(`${name} says: ${reason}`, status === 404 || /not.?found/i.test(reason));
  }
  if (status === 404) throw new LnurlRefusal(`${name} knows nothing of it (HTTP 404)`, true);
  if (status >= 300) throw bad(name, `HTTP ${status}`);
  return { value, host: hostOf(fetched.url) };
}

function bad(name: string, what: string): WalletError {
  return new WalletError("bad_answer", `${name} answers ${what}`);
}

function hostOf(url: string): string {
  return new URL(url).hostname;
}

function fieldOf(error: z.ZodError): string {
  return error.issues[0]?.path.join(".") || "no object";
}

/** A stranger's words on one line. */
function plain(reason: unknown): string {
  if (typeof reason !== "string") return "no";
  const clean = reason.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return clean.length > MOST_REASON ? `${clean.slice(0, MOST_REASON)}…` : clean || "no";
}
