import { z } from "zod";
import { WalletError } from "../../wallet.ts";
import type { HttpAnswer, WalletHttp } from "../wallet_http.ts";
import { readRow, type Row } from "./payment.ts";

const looked = z.object({ paid: z.boolean(), details: z.unknown().optional() });
const refusal = z.object({ detail: z.string(), status: z.string().optional() });
const LONGEST_WORDS = 300;

/**
 * The wallet's row for a payment hash; null when it has none. Asks the node, too, while it is pending. Where a wallet has paid
 * itself it is the row of what went out.
 */
export async function rowOf(
  http: WalletHttp,
  name: string,
  paymentHash: string,
  signal: AbortSignal,
): Promise<Row | null> {
  const answer = await http.ask("GET", `api/v1/payments/${paymentHash}`, {}, signal);
  if (answer.status === 404) return null;
  const read = looked.safeParse(answer.body);
  if (answer.status !== 200 || !read.success) throw new WalletError("bad_answer", wordsOf(name, answer));
  // LNbits answers everybody who knows the hash, whatever the key; whose payment it is, it tells the wallet alone.
  if (read.data.details === undefined || read.data.details === null) {
    throw new WalletError("unauthorized", `${name} doesn't take the key for this payment`);
  }
  const row = readRow(read.data.details);
  if (row.payment_hash !== paymentHash || read.data.paid !== (row.status === "success")) {
    throw new WalletError("bad_answer", `${name} contradicts itself about a payment`);
  }
  return row;
}

/** What LNbits says of a refusal, for people. */
export function wordsOf(name: string, answer: HttpAnswer): string {
  const read = refusal.safeParse(answer.body);
  const words = read.success ? read.data.detail.slice(0, LONGEST_WORDS) : "it doesn't answer as LNbits does";
  return `${name}: ${words} (HTTP ${answer.status})`;
}

/** The state that an error of a payment or an invoice (HTTP 520) leaves it in; null when it doesn't say. */
export function stateIn({ body }: HttpAnswer): string | null {
  const read = refusal.safeParse(body);
  return read.success ? read.data.status ?? null : null;
}
