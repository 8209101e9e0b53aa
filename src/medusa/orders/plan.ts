import type { FulfilmentState, MedusaOrderState } from "../../db/tables.ts";
import { addDecimal, compareDecimal, parseDecimal } from "../../money/decimal.ts";
import { type MedusaOrder, sumOf } from "./medusa_order.ts";
import type { Wanted } from "./wanted.ts";

/** Our side of an order. */
export interface Ours {
  wanted: Wanted;
  fulfilment: FulfilmentState;
  /** The invoice waits until Medusa has confirmed the goods. */
  waits: boolean;
  /** Of lines, zone and country as they are now. */
  contentHash: string;
  /** Of name, address and contact as they are now. */
  detailsHash: string;
  refunds: Refunds;
}

/** What of an order's money goes back, in msat. */
export interface Refunds {
  /** All that is in our ledger, and what of it has gone back. */
  inLedger: bigint;
  back: bigint;
  /** What an amount of Medusa's currency is, by the rate that the order was paid at. */
  msatOf(amount: string): bigint;
  /** Sums that differ by less are the same: one is rounded to sats, the other to cents. */
  tolerance: bigint;
}

/** What we noted of it. */
export interface Noted {
  state: MedusaOrderState;
  contentHash: string;
  detailsHash: string | null;
}

/** Their side: null: there is none; `unknown`: we asked for one and have no answer. */
export type Theirs = MedusaOrder | null | "unknown";

/** What comes next. Each is one call to Medusa, or one fact for our order; after it the plan is made anew. */
export type Step =
  /** Look whether an order with our address is there. */
  | { do: "find" }
  | { do: "draft" }
  /** Delete a draft that isn't wanted, or not as it is. */
  | { do: "discard" }
  /** Make the draft an order: it holds its goods from then on. */
  | { do: "convert" }
  /** Look whether Medusa still has all that it sold: its lock is of one process only. */
  | { do: "check" }
  /** Tell our order that its goods are held. */
  | { do: "confirm" }
  | { do: "cancel" }
  /** Begin another order in Medusa: one that was cancelled or refused doesn't come back. */
  | { do: "again" }
  /** Bring name, address and contact up to date. */
  | { do: "correct" }
  | { do: "collect" }
  | { do: "markPaid"; collection: string }
  | { do: "fulfil" }
  | { do: "ship"; fulfilment: string }
  | { do: "deliver"; fulfilment: string }
  | { do: "complete" }
  /** Note in Medusa what has gone back: so much in all, msat. */
  | { do: "refund"; payment: string; backMsat: bigint }
  /** The merchant gave money back in Medusa: so much in all, msat. */
  | { do: "refundedThere"; msat: bigint }
  /** Tell our order what the merchant did in Medusa. */
  | { do: "shippedThere" }
  | { do: "deliveredThere" }
  | { do: "cancelledThere" }
  /** Both sides are at the same end, for now; `problem`: they aren't, and nobody but the merchant can mend it. */
  | { do: "rest"; problem?: string };

const HALF_A_CENT = { units: 5n, scale: 3 };
const FURTHER: Record<FulfilmentState, number> = { none: 0, unfulfilled: 0, shipped: 1, delivered: 2 };

/**
 * What brings an order of ours and Medusa's order to the same end, one step at a time; whatever happened before, whoever did it, and
 * wherever we were cut off. Pure.
 */
export function nextStep(ours: Ours, noted: Noted, theirs: Theirs): Step {
  if (theirs === "unknown") return { do: "find" };
  if (theirs === null) return withoutOrder(ours, noted);
  if (theirs.status === "draft") return withDraft(ours, noted);
  if (theirs.status === "canceled") return withCancelled(ours, noted);
  return withOrder(ours, noted, theirs);
}

function wanted({ wanted }: Ours): boolean {
  return wanted === "placed" || wanted === "paid";
}

function withoutOrder(ours: Ours, { state }: Noted): Step {
  if (!wanted(ours)) return { do: "rest" };
  return state === "wanted" ? { do: "draft" } : { do: "again" };
}

function withDraft(ours: Ours, noted: Noted): Step {
  return wanted(ours) && noted.contentHash === ours.contentHash ? { do: "convert" } : { do: "discard" };
}

function withCancelled(ours: Ours, { state }: Noted): Step {
  const byUs = state === "cancelling" || state === "cancelled";
  if (!byUs) return wanted(ours) ? { do: "cancelledThere" } : { do: "rest" };
  return wanted(ours) ? { do: "again" } : { do: "rest" };
}

function withOrder(ours: Ours, noted: Noted, theirs: MedusaOrder): Step {
  if (!wanted(ours)) return ending(theirs);
  if (noted.contentHash !== ours.contentHash) {
    // What was paid for isn't exchanged behind the merchant's back.
    return isCollected(theirs)
      ? { do: "rest", problem: "The order was changed after it had been paid for in Medusa." }
      : { do: "cancel" };
  }
  if (noted.state !== "held") return { do: "check" };
  if (ours.waits) return { do: "confirm" };
  if (noted.detailsHash !== ours.detailsHash) return { do: "correct" };
  if (ours.wanted === "paid" && !isCollected(theirs)) return collecting(theirs);
  return ours.wanted === "paid" ? ofGoods(ours, theirs) : { do: "rest" };
}

/** An order that isn't wanted any more ends, unless its goods have left. */
function ending(theirs: MedusaOrder): Step {
  return theirs.fulfilments.some((one) => one.canceledAt === null)
    ? {
      do: "rest",
      problem: "It is cancelled here, but Medusa has a fulfilment of it: cancel that there first.",
    }
    : { do: "cancel" };
}

function isCollected(theirs: MedusaOrder): boolean {
  const payments = theirs.collections.flatMap((one) => one.payments);
  const sum = parseDecimal(sumOf(payments.map(({ captured }) => captured)))!;
  const zero = { units: 0n, scale: 0 };
  // Medusa doesn't round totals: less than half a cent is nothing that is owed.
  return sum.units > 0n &&
    compareDecimal(addDecimal(sum, HALF_A_CENT), parseDecimal(theirs.total) ?? zero) >= 0;
}

function collecting(theirs: MedusaOrder): Step {
  const open = theirs.collections.find((one) =>
    one.status === "not_paid" && sameAmount(one.amount, theirs.total)
  );
  return open ? { do: "markPaid", collection: open.id } : { do: "collect" };
}

function sameAmount(a: string, b: string): boolean {
  const [x, y] = [parseDecimal(a), parseDecimal(b)];
  return x !== null && y !== null && compareDecimal(x, y) === 0;
}

/** How far goods are there: as far as all of them are. */
export function fulfilmentOf({ items }: MedusaOrder): FulfilmentState {
  if (items.every((item) => item.delivered >= item.quantity)) return "delivered";
  return items.every((item) => item.shipped >= item.quantity) ? "shipped" : "unfulfilled";
}

/** Refunds begun there and here meet in one sum: whoever is behind follows. */
function refunding({ refunds }: Ours, theirs: MedusaOrder): Step | null {
  const payments = theirs.collections.flatMap((one) => one.payments);
  const there = refunds.msatOf(sumOf(payments.map(({ refunded }) => refunded)));
  if (there > refunds.inLedger + refunds.tolerance) return { do: "refundedThere", msat: there };
  const paid = payments.find(({ captured, refunded }) => captured !== refunded);
  if (paid && refunds.back > there + refunds.tolerance) {
    return { do: "refund", payment: paid.id, backMsat: refunds.back };
  }
  return null;
}

function ofGoods(ours: Ours, theirs: MedusaOrder): Step {
  const money = refunding(ours, theirs);
  if (money) return money;
  const [here, there] = [FURTHER[ours.fulfilment], FURTHER[fulfilmentOf(theirs)]];
  if (there > here) return there === 2 ? { do: "deliveredThere" } : { do: "shippedThere" };
  if (here > there) {
    const open = theirs.fulfilments.filter((one) => one.canceledAt === null);
    const unshipped = open.find((one) => one.shippedAt === null);
    if (unshipped) return { do: "ship", fulfilment: unshipped.id };
    if (theirs.items.some((item) => item.fulfilled < item.quantity)) return { do: "fulfil" };
    const undelivered = open.find((one) => one.deliveredAt === null);
    return undelivered ? { do: "deliver", fulfilment: undelivered.id } : { do: "rest" };
  }
  return here === 2 && theirs.status === "pending" ? { do: "complete" } : { do: "rest" };
}
