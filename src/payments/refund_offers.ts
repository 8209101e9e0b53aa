import type { Tx } from "../db/database.ts";
import { formatSat, type Msat } from "../money/msat.ts";
import { decodeBolt11 } from "./bolt11.ts";
import { findInvoiceByHash } from "./invoices_store.ts";
import { approveByItself, type AutoApproval } from "./refund_approval.ts";
import { checkRefundInvoice, networkOf, type ReadRefundInvoice } from "./refund_invoice.ts";
import { alarm, amountText, askFor, note, tell } from "./refund_telling.ts";
import { lockWithSource } from "./refund_locks.ts";
import { readLightningAddress } from "./wallets/lnaddress/address.ts";
import { anyInvoice, dueTo, findRefundByHash, type RefundRow, updateRefund } from "./refunds_store.ts";

/** Where money can be sent to, as somebody wrote it in a message. */
export interface OfferedDestination {
  merchant: string;
  /** The verified sender: nobody else decides where a refund goes. */
  customer: string;
  /** A BOLT11 invoice, or a Lightning address. */
  destination: string;
  /** The message's event: it is answered once. */
  eventId: string;
  /** Null: a person approves each refund. */
  auto: AutoApproval | null;
}

/** After so many destinations that couldn't be used a person reads them: two programs must not talk for ever. */
const MOST_REFUSALS = 10;

/**
 * Takes a customer's invoice or Lightning address as the destination of a refund that is due to them, or tells them why it
 * can't be used. An address gives its invoice when the refund is paid. A later one takes the place of an earlier one until the refund is approved. Null when none is due to this sender: then the message
 * is no matter of refunds.
 */
export async function offerDestination(
  tx: Tx,
  offered: OfferedDestination,
  now: number,
): Promise<RefundRow | null> {
  const due = await dueTo(tx, offered.merchant, offered.customer);
  if (due.length === 0) return null;
  const destination = offered.destination.toLowerCase();
  const refund = await lockWithSource(tx, bestFor(due, destination).id);
  if (refund?.state !== "due" || refund.refusals >= MOST_REFUSALS) return null;
  const { eventId, auto } = offered;
  const destined = await destine(tx, refund, { destination, eventId, auto, by: "The customer", due }, now);
  if (!destined.ok) {
    await refuse(tx, refund, destined.reason, offered, now);
    return refund;
  }
  const [amount, where] = [amountText(refund), destined.what];
  const text = destined.approved
    ? `Thank you: ${amount} are being sent to your ${where}.`
    : `Thank you: ${amount} will be sent to your ${where} as soon as the merchant has confirmed it.`;
  await tell(tx, destined.refund, text, `answer:${eventId}`, now);
  return destined.refund;
}

/** Where a refund can go, as somebody says who may. */
export interface NamedDestination extends Pick<OfferedDestination, "destination" | "auto"> {
  /** Begins a sentence. */
  by: "The customer" | "The till";
  /** The message that says so; null: there is none. */
  eventId: string | null;
  /** All that is due to whoever says it. */
  due: RefundRow[];
}

/** What became of it; a refusal's reason is for whoever named the destination. */
export type Destined =
  | { ok: true; refund: RefundRow; what: "invoice" | "Lightning address"; approved: boolean }
  | { ok: false; reason: string };

/** Has a locked refund that is due go there. It is approved by itself where that is allowed; else the owners are told. */
export async function destine(
  tx: Tx,
  refund: RefundRow,
  named: NamedDestination,
  now: number,
): Promise<Destined> {
  const destination = named.destination.toLowerCase();
  const address = readLightningAddress(destination);
  const checked = address === null ? await check(tx, refund, destination, named.due, now) : null;
  if (checked?.ok === false) return checked;
  const destined = await updateRefund(tx, refund, {
    destination,
    resolved: null,
    destination_event: named.eventId,
    payment_hash: checked?.invoice.paymentHash ?? null,
  }, now);
  const what = address === null ? "invoice" : "Lightning address";
  const article = address === null ? "an" : "a";
  await note(tx, destined, {
    text: `${named.by} sent ${article} ${what} for the refund of ${amountText(refund)}.`,
  }, now);
  const approved = named.auto !== null && await approveByItself(tx, destined, named.auto, now);
  if (!approved) {
    await alarm(tx, destined, {
      kind: "refund_due",
      fact: "destination",
      detail: `${named.by} has said where ${
        amountText(refund)
      } shall go: approve it with ncc refund approve ${refund.id}`,
    }, now);
  }
  return { ok: true, refund: destined, what, approved };
}

/**
 * Takes a destination that can't be used (any more) off a locked refund, and asks the customer for another. Where there is
 * nobody to be asked the owners are told.
 */
export async function askAnew(tx: Tx, refund: RefundRow, why: string, now: number): Promise<RefundRow> {
  const asked = await updateRefund(tx, refund, {
    state: "due",
    destination: null,
    resolved: null,
    destination_event: null,
    payment_hash: null,
    approved_by: null,
    approved_at: null,
    asked_at: null,
    note: why,
  }, now);
  if (asked.customer === null) {
    await note(tx, asked, { text: `${why} It needs another destination.` }, now);
    await alarm(tx, asked, {
      kind: "refund_due",
      fact: `anew:${refund.payment_hash ?? refund.destination}`,
      detail:
        `A refund of ${amountText(refund)} couldn't be sent to where the till said. Have it name another ` +
        `destination, or give it back by hand: ncc refund by-hand ${refund.id}`,
    }, now);
    return asked;
  }
  const say = `Your refund of ${amountText(refund)} couldn't be sent: ${why}`;
  await note(tx, asked, {
    text: `${why} The customer is asked for another invoice.`,
    // What an order's answers say of a refund that waits for an invoice they say by themselves.
    say: refund.order_id === null ? `${say} ${askFor(refund)}` : say,
    purpose: `anew:${refund.payment_hash}`,
  }, now);
  return asked;
}

/** The refund that an invoice is meant for: one of its amount, one that still waits for an invoice, the oldest. */
function bestFor(due: RefundRow[], bolt11: string): RefundRow {
  const read = decodeBolt11(bolt11);
  const amount = read.ok ? read.invoice.amountMsat : null;
  const fits = amount === null ? due : due.filter((refund) => BigInt(refund.amount_msat) === amount);
  const among = fits.length > 0 ? fits : due;
  return among.find((refund) => refund.destination === null) ?? among[0]!;
}

async function check(
  tx: Tx,
  refund: RefundRow,
  bolt11: string,
  due: RefundRow[],
  now: number,
): Promise<ReadRefundInvoice> {
  const own = await anyInvoice(tx, refund);
  const checked = checkRefundInvoice(bolt11, {
    amountMsat: BigInt(refund.amount_msat),
    network: (own === null ? null : networkOf(own)) ?? "bc",
    now,
  });
  if (!checked.ok) return due.length > 1 ? { ok: false, reason: `${checked.reason} ${allOf(due)}` } : checked;
  const { paymentHash } = checked.invoice;
  const other = await findRefundByHash(tx, paymentHash);
  if (other && other.id !== refund.id) {
    return { ok: false, reason: "It has been used for another refund: each needs an invoice of its own." };
  }
  if (await findInvoiceByHash(tx, paymentHash)) {
    return { ok: false, reason: "It is one of this shop's own invoices." };
  }
  return checked;
}

function allOf(due: RefundRow[]): string {
  const amounts: Msat[] = due.map((refund) => BigInt(refund.amount_msat));
  return `Your refunds are ${amounts.map(formatSat).join(" and ")}, each with an invoice of its own.`;
}

async function refuse(
  tx: Tx,
  refund: RefundRow,
  reason: string,
  offered: OfferedDestination,
  now: number,
): Promise<void> {
  await updateRefund(tx, refund, { refusals: refund.refusals + 1 }, now);
  await note(tx, refund, { text: `The customer's invoice for the refund can't be used: ${reason}` }, now);
  const text = `Your invoice can't be used for your refund. ${reason} ${askFor(refund)}`;
  await tell(tx, refund, text, `answer:${offered.eventId}`, now);
}
