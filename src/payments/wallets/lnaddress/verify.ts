import { z } from "zod";
import type { GuardedFetch } from "../../../web/guarded_fetch.ts";
import { isProof } from "../../proof.ts";
import { type InvoiceRef, type InvoiceStatus, WalletError } from "../../wallet.ts";
import { askLnurl, LnurlRefusal } from "./pay_request.ts";

const answer = z.object({
  settled: z.boolean(),
  preimage: z.string().nullish(),
  pr: z.string().nullish(),
});

/**
 * Asks an invoice's `verify` URL (LUD-21). Its word counts only for this very invoice: it repeats it, or shows the preimage,
 * which must fit whenever it is there. `not_found` when it knows no such invoice.
 */
export async function askVerify(
  web: GuardedFetch,
  o: { invoice: InvoiceRef; url: string; name: string; now: number },
  signal: AbortSignal,
): Promise<InvoiceStatus> {
  const { invoice, name } = o;
  const value = await asked(web, o.url, name, signal);
  if (value === null) return { status: "not_found" };
  const read = answer.safeParse(value);
  if (!read.success) throw bad(name, "it doesn't say whether the invoice is settled");
  const { settled, pr, preimage } = read.data;
  const proof = preimage?.toLowerCase() || null;
  const same = pr?.toLowerCase().replace(/^lightning:/, "") === invoice.bolt11.toLowerCase();
  if (pr && !same) throw bad(name, "it speaks of another invoice");
  if (!settled) return { status: "open" };
  if (proof !== null && !isProof(proof, invoice.paymentHash)) {
    throw bad(name, "its proof of the payment is false");
  }
  if (!same && proof === null) throw bad(name, "it doesn't say which invoice is settled");
  // LUD-21 says neither when it was paid nor how much came.
  return { status: "settled", amountMsat: null, settledAt: o.now };
}

/** Null: no such invoice. */
async function asked(web: GuardedFetch, url: string, name: string, signal: AbortSignal): Promise<unknown> {
  try {
    return (await askLnurl(web, url, name, signal)).value;
  } catch (error) {
    // LUD-21: `{"status": "ERROR", "reason": "Not found"}`. Other refusals say nothing of the invoice.
    if (error instanceof LnurlRefusal && error.notFound) return null;
    throw error;
  }
}

function bad(name: string, why: string): WalletError {
  return new WalletError("bad_answer", `${name} can't be believed: ${why}`);
}
