import type { Tx } from "../db/database.ts";
import type { RunningJob } from "../jobs/runner.ts";
import type { GuardedFetch } from "../web/guarded_fetch.ts";
import { findInvoiceByHash } from "./invoices_store.ts";
import { addressOf } from "./refund_destination.ts";
import { checkRefundInvoice, networkOf } from "./refund_invoice.ts";
import { lockWithSource } from "./refund_locks.ts";
import { askAnew } from "./refund_offers.ts";
import { amountText, note } from "./refund_telling.ts";
import { anyInvoice, findRefundByHash, type RefundRow, updateRefund } from "./refunds_store.ts";
import { type WalletError, walletError, type WalletErrorKind } from "./wallet.ts";
import { type LightningAddress } from "./wallets/lnaddress/address.ts";
import { askForInvoice, readPayRequest } from "./wallets/lnaddress/pay_request.ts";

/** What the server of an address made of the wish to send it something. */
export type FromAddress = { ok: true; bolt11: string } | { ok: false; error: WalletError };

/** It is paid at once, so that it needs no more than a payment takes. */
const LEAST_LEFT_MS = 60_000;
/** A server that is away for longer isn't waited for: the customer names another destination. */
const PATIENCE_MS = 3_600_000;
const AGAIN_MS = 60_000;

const GAVE_NONE: Record<WalletErrorKind, string> = {
  refused: "Its server says no, or takes no such amount.",
  unauthorized: "Its server says no.",
  not_implemented: "Its server says no.",
  busy: "Its server has too much to do.",
  unreachable: "Its server can't be reached.",
  no_answer: "Its server doesn't answer.",
  bad_answer: "Its server doesn't speak LNURL.",
};

/** Asks the server of a customer's address for an invoice of exactly what goes back. Ends with `signal`; never rejects. */
export async function invoiceFrom(
  web: GuardedFetch,
  o: { address: LightningAddress; refund: RefundRow },
  signal: AbortSignal,
): Promise<FromAddress> {
  const { address, refund } = o;
  try {
    const request = await readPayRequest(web, address, signal);
    const amountMsat = BigInt(refund.amount_msat);
    const { bolt11 } = await askForInvoice(web, { address, request, amountMsat }, signal);
    return { ok: true, bolt11: bolt11.toLowerCase() };
  } catch (fault) {
    return { ok: false, error: walletError(fault) };
  }
}

/**
 * Fixes the invoice that an approved refund's address gave, with its payment hash, before any wallet hears of it; or asks the
 * customer for another destination where that one can't be used. Answers when to go on (ms), null when the job is over.
 */
export async function bookFromAddress(
  tx: Tx,
  o: { id: string; job: RunningJob; from: FromAddress; destination: string },
  now: number,
): Promise<number | null> {
  const refund = await lockWithSource(tx, o.id);
  // Whoever came first has done it, or it was stopped meanwhile.
  if (
    refund?.state !== "approved" || refund.destination !== o.destination || refund.resolved !== null ||
    addressOf(refund) === null
  ) return 0;
  const { from } = o;
  if (!from.ok && from.error.temporary && now - (refund.approved_at ?? now) < PATIENCE_MS) {
    await updateRefund(tx, refund, { note: from.error.message }, now);
    return AGAIN_MS;
  }
  const checked = from.ok ? await check(tx, refund, from.bolt11, now) : null;
  if (!from.ok || !checked?.ok) {
    // The error names the address, and the timeline outlives what is known of the customer.
    const why = checked?.ok === false ? checked.reason : GAVE_NONE[from.ok ? "bad_answer" : from.error.kind];
    await note(tx, refund, { text: `The customer's Lightning address can't be used. ${why}` }, now);
    await askAnew(tx, refund, "Your Lightning address can't be used for it.", now);
    await o.job.complete(tx);
    return null;
  }
  const resolved = await updateRefund(tx, refund, {
    resolved: from.bolt11,
    payment_hash: checked.invoice.paymentHash,
    note: null,
  }, now);
  await note(tx, resolved, {
    text: `The customer's Lightning address gave an invoice for the refund of ${amountText(refund)}.`,
  }, now);
  return 0;
}

async function check(tx: Tx, refund: RefundRow, bolt11: string, now: number) {
  const own = await anyInvoice(tx, refund);
  const checked = checkRefundInvoice(bolt11, {
    amountMsat: BigInt(refund.amount_msat),
    network: (own === null ? null : networkOf(own)) ?? "bc",
    leastLeftMs: LEAST_LEFT_MS,
    now,
  });
  if (!checked.ok) return checked;
  const no = (reason: string) => ({ ok: false as const, reason });
  // LUD-06: exactly what was asked for.
  if (checked.invoice.amountMsat === null) return no("Its invoice is over no amount.");
  const { paymentHash } = checked.invoice;
  if (await findRefundByHash(tx, paymentHash)) return no("Its invoice has been used for another refund.");
  if (await findInvoiceByHash(tx, paymentHash)) return no("Its invoice is one of this shop's own.");
  return checked;
}
