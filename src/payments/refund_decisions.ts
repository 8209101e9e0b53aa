import type { Tx } from "../db/database.ts";
import { decodeBolt11 } from "./bolt11.ts";
import { approved, payOut } from "./refund_approval.ts";
import { ended } from "./refund_end.ts";
import { addressOf, bolt11Of } from "./refund_destination.ts";
import { expiryOf } from "./refund_invoice.ts";
import { lockWithSource } from "./refund_locks.ts";
import { askAnew } from "./refund_offers.ts";
import { amountText, note } from "./refund_telling.ts";
import { type RefundRow, updateRefund } from "./refunds_store.ts";
import { isOpen, withdraw } from "./refunds.ts";

/** What became of a person's decision about a refund. A refusal's reason is for that person. */
export type Decided = { ok: true; refund: RefundRow } | {
  ok: false;
  code: "not_found" | "conflict";
  reason: string;
};

const EXPIRED = "Your invoice has expired.";

/**
 * Approves a refund: destination, amount and payment hash are fixed (design §5), and it is paid. Of a Lightning address the
 * hash is fixed when it gives its invoice, once, before the wallet hears of it. `paymentHash`, `destination`: what the person
 * has seen, so that nothing else is approved. `canPay`: there is a wallet to pay with.
 */
export async function approveRefund(
  tx: Tx,
  o: {
    id: string;
    by: string;
    paymentHash?: string | undefined;
    destination?: string | undefined;
    canPay: boolean;
  },
  now: number,
): Promise<Decided> {
  const refund = await lockWithSource(tx, o.id);
  if (!refund) return missing(o.id);
  if (refund.state !== "due") return conflict(refund, "can't be approved");
  if (!o.canPay) {
    return no(
      "There is no wallet to pay with. Set NCC_WALLET_SPEND, or pay it yourself and mark it: ncc refund by-hand.",
    );
  }
  if (refund.destination === null) {
    return no("It has no destination yet: the customer was asked for a Lightning invoice.");
  }
  const hashSeen = o.paymentHash ?? refund.payment_hash;
  const seen = o.destination ?? refund.destination;
  if (hashSeen !== refund.payment_hash || seen.toLowerCase() !== refund.destination) {
    return no("The customer has sent another destination meanwhile. Look at it again.");
  }
  if (addressOf(refund) === null && hasExpired(refund.destination, now)) {
    await askAnew(tx, refund, EXPIRED, now);
    return no("The customer's invoice has expired; they are asked for another one.");
  }
  return { ok: true, refund: await approved(tx, refund, o.by, now) };
}

/** Notes that a person has given the money back another way, or knows that it has gone. */
export async function refundByHand(
  tx: Tx,
  o: { id: string; by: string; note: string },
  now: number,
): Promise<Decided> {
  const refund = await lockWithSource(tx, o.id);
  if (!refund) return missing(o.id);
  if (!["due", "approved", "unknown"].includes(refund.state)) {
    return conflict(refund, "can't be marked as paid by hand");
  }
  const row = await updateRefund(tx, refund, {
    state: "by_hand",
    note: o.note,
    approved_by: o.by,
    approved_at: now,
    ended_at: now,
  }, now);
  await ended(tx, row, `The merchant has given back ${amountText(row)} by hand.`, now);
  return { ok: true, refund: row };
}

/** Ends a refund that nothing was paid for. The customer, to whom it was promised, hears why. */
export async function cancelRefund(
  tx: Tx,
  o: { id: string; reason: string },
  now: number,
): Promise<Decided> {
  const refund = await lockWithSource(tx, o.id);
  if (!refund) return missing(o.id);
  if (!isOpen(refund)) return conflict(refund, "can't be cancelled");
  const row = await withdraw(tx, refund, o.reason, now);
  await note(tx, row, {
    text: `The refund of ${amountText(row)} was cancelled by the merchant: ${o.reason}`,
    say: `The merchant has withdrawn the refund of ${amountText(row)}: ${o.reason}`,
  }, now);
  return { ok: true, refund: row };
}

/**
 * A person has looked into the wallet and knows that nothing was paid for a refund in doubt: it goes to the same invoice again
 * (a payment hash is paid once at most); where that one has expired, to another one of the same address, or of the customer's.
 */
export async function retryRefund(tx: Tx, id: string, now: number): Promise<Decided> {
  const refund = await lockWithSource(tx, id);
  if (!refund) return missing(id);
  if (refund.state !== "unknown" || refund.destination === null) return conflict(refund, "isn't in doubt");
  const expired = hasExpired(bolt11Of(refund) ?? "", now);
  const anew = expired && addressOf(refund) !== null;
  if (expired && !anew) return { ok: true, refund: await askAnew(tx, refund, EXPIRED, now) };
  const change = anew ? { resolved: null, payment_hash: null, asked_at: null, approved_at: now } : {};
  const row = await updateRefund(tx, refund, { state: "approved", ...change }, now);
  await payOut(tx, row, now);
  const where = anew ? "another invoice of the same address" : "the same invoice again";
  await note(tx, row, {
    text: `The merchant says that ${amountText(row)} weren't paid; they are sent to ${where}.`,
  }, now);
  return { ok: true, refund: row };
}

function hasExpired(bolt11: string, now: number): boolean {
  const read = decodeBolt11(bolt11);
  return !read.ok || expiryOf(read.invoice) <= now;
}

function missing(id: string): Decided {
  return { ok: false, code: "not_found", reason: `There is no refund ${id}.` };
}

function no(reason: string): Decided {
  return { ok: false, code: "conflict", reason };
}

function conflict({ state }: RefundRow, what: string): Decided {
  return no(`This refund ${what}: it is ${WORDS[state]}.`);
}

const WORDS: Record<RefundRow["state"], string> = {
  due: "due and not approved",
  approved: "approved and about to be paid",
  sending: "being paid at this moment",
  sent: "sent already",
  by_hand: "paid by hand already",
  unknown: "in doubt: the wallet hasn't said whether it paid",
  cancelled: "cancelled",
};
