import type { Tx } from "../db/database.ts";
import type { Msat } from "../money/msat.ts";
import { lockOrder, type OrderRow } from "../orders/orders_store.ts";
import type { FrozenRate, Traits } from "../orders/types.ts";
import type { AutoApproval } from "../payments/refund_approval.ts";
import { destine } from "../payments/refund_offers.ts";
import { refundOrder } from "../payments/refund_requests.ts";
import { alarm, amountText } from "../payments/refund_telling.ts";
import { lockRefund, type RefundRow, refundsOf, updateRefund } from "../payments/refunds_store.ts";
import { payable } from "../payments/refunds.ts";
import { atItsRate, straightened } from "./price.ts";

/** Money of an invoice that its till gives back. */
export interface RefundWish {
  orderId: string;
  /** What the till calls it: the same reference is the same refund, for ever. */
  reference: string;
  /** In msat, or in the invoice's own currency at its own rate; null: as much as is left. */
  amount: { msat: Msat } | { amount: string } | null;
  /** A BOLT11 invoice or a Lightning address; null: it isn't known (yet). */
  destination: string | null;
  reason: string;
  /** Null: a person approves each refund. */
  auto: AutoApproval | null;
}

/** A refusal's reason is for the program and who runs it. */
export type RefundTaken =
  | { ok: true; refund: RefundRow }
  | { ok: false; code: "not_found" | "conflict" | "amount" | "destination"; reason: string };

/**
 * Gives money of an invoice back through the ledger, once for each reference. Asked again it takes a destination, or another one,
 * as long as nobody has approved it. What is due by itself (paid late, or after it was cancelled) is the refund that is meant when
 * nothing else is left. Without a destination it is given back by hand.
 */
export async function refundInvoice(tx: Tx, wish: RefundWish, now: number): Promise<RefundTaken> {
  const order = await lockOrder(tx, wish.orderId);
  if (!order) return { ok: false, code: "not_found", reason: `There is no invoice ${wish.orderId}.` };
  const ledger = await refundsOf(tx, order.id);
  const amount = amountOf(order, wish.amount);
  if (amount === null) return no("amount", "This is no amount of the invoice's currency.");
  // Parts of a price are each rounded up, so that the last one of a whole comes to a little more than there is.
  const slack = wish.amount && "amount" in wish.amount ? BigInt(ledger.length + 1) * 1_000n : 1n;
  const known = ledger.find((one) => one.reference === wish.reference);
  if (known && amount !== undefined && !isWithin(BigInt(known.amount_msat), payable(amount), slack)) {
    return no("conflict", "There is a refund of another amount with this reference.");
  }
  const left = BigInt(order.received_msat - order.refunding_msat);
  const amountMsat = amount !== undefined && left > 0n && isWithin(left, amount, slack) ? left : amount;
  const opened = known ?? await open(tx, order, ledger, { ...wish, amountMsat }, now);
  if ("ok" in opened) return opened;
  return await send(tx, opened, wish, now);
}

/** Undefined: none was named; null: what was named is none. */
function amountOf(order: OrderRow, amount: RefundWish["amount"]): Msat | null | undefined {
  if (amount === null) return undefined;
  if ("msat" in amount) return amount.msat;
  const { asked } = JSON.parse(order.traits) as Traits;
  const wanted = asked && straightened({ amount: amount.amount, currency: asked.currency });
  if (!wanted) return null;
  return atItsRate(wanted, order.rate === null ? null : JSON.parse(order.rate) as FrozenRate);
}

/** Whether an amount is what was asked for, or less by so little as rounding makes. */
function isWithin(amount: Msat, asked: Msat, slack: Msat): boolean {
  return asked >= amount && asked - amount < slack;
}

async function open(
  tx: Tx,
  order: OrderRow,
  ledger: RefundRow[],
  wish: RefundWish & { amountMsat: Msat | undefined },
  now: number,
): Promise<RefundRow | Extract<RefundTaken, { ok: false }>> {
  const { reference, amountMsat, reason } = wish;
  const due = ledger.filter((one) => one.state === "due" && one.reference === null);
  const fits = due.find((one) => amountMsat === undefined || Number(payable(amountMsat)) === one.amount_msat);
  if (fits && order.received_msat - order.refunding_msat < 1_000) {
    return await updateRefund(tx, fits, { reference }, now);
  }
  const fact = `till:${order.id}:${reference}`;
  const asked = { orderId: order.id, reason, fact, ...(amountMsat !== undefined && { amountMsat }) };
  const opened = await refundOrder(tx, asked, now);
  if (!opened.ok) return opened;
  // What is opened by the order's own life is told by what wasn't there.
  const before = new Set(ledger.map(({ id }) => id));
  const row = (await refundsOf(tx, order.id)).find(({ id }) => !before.has(id)) ?? opened.refund;
  const named = await updateRefund(tx, row, { reference }, now);
  if (wish.destination === null) {
    const detail = `A till gives back ${
      amountText(row)
    } and doesn't say where to: ncc refund by-hand ${row.id}`;
    await alarm(tx, named, { kind: "refund_due", fact: "by_hand", detail }, now);
  }
  return named;
}

async function send(tx: Tx, refund: RefundRow, wish: RefundWish, now: number): Promise<RefundTaken> {
  const { destination, auto } = wish;
  const row = await lockRefund(tx, refund.id) ?? refund;
  if (destination === null || row.destination === destination.toLowerCase()) return { ok: true, refund: row };
  if (row.state !== "due") {
    return no("conflict", "This refund is approved already: its destination stands.");
  }
  const destined = await destine(
    tx,
    row,
    { destination, auto, by: "The till", eventId: null, due: [row] },
    now,
  );
  if (!destined.ok) return no("destination", destined.reason);
  return { ok: true, refund: await lockRefund(tx, row.id) ?? destined.refund };
}

function no(
  code: "conflict" | "amount" | "destination",
  reason: string,
): Extract<RefundTaken, { ok: false }> {
  return { ok: false, code, reason };
}
