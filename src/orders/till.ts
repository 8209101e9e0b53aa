import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import type { OrderRow } from "./orders_store.ts";
import type { Effect } from "./types.ts";

/**
 * Orders that no customer has sent: another program (a till) has asked for an invoice, and brings it to whoever pays. They live
 * as all orders do, without lines and without anybody here who is spoken to; the program is called when their state changes.
 */
export const TILL_DIALECT = "till";

/** The job {order_id, seq, state} that calls a till. */
export const TILL_CALL_JOB = "till.call";
/** With the pauses of the job it is tried for three days. */
const MAX_ATTEMPTS = 80;

const PREFIX = "till:";

/** What stands for a till where orders have their customer. */
export function customerOfTill(till: string): string {
  return `${PREFIX}${till}`;
}

/** The till that has asked for this order; null for a customer's. */
export function tillOf({ customer }: { customer: string }): string | null {
  return customer.startsWith(PREFIX) ? customer.slice(PREFIX.length) : null;
}

/** The key of an order's customer, who is told what becomes of it and says where refunds go; null: there is nobody. */
export function personOf({ customer }: { customer: string | null }): string | null {
  return customer === null || tillOf({ customer }) !== null ? null : customer;
}

/** What a till is told of its invoice. */
export const tillStates = [
  "creating",
  "open",
  "underpaid",
  "paid",
  "expired",
  "cancelled",
  "failed",
  "refund_due",
  "refunded",
] as const;
export type TillState = typeof tillStates[number];

/**
 * An order's state as its till reads it. `paid` stays paid when somebody pays a second time: then only the excess goes back.
 * `refund_due` is one whose whole money does.
 */
export function tillState(
  { payment, fulfilment, received_msat }: Pick<OrderRow, "payment" | "fulfilment" | "received_msat">,
): TillState {
  switch (payment) {
    case "quoting":
      return received_msat > 0 ? "underpaid" : "creating";
    case "awaiting":
    case "held":
      return received_msat > 0 ? "underpaid" : "open";
    case "paid":
    case "overpaid":
      return "paid";
    case "rejected":
    case "failed":
      return "failed";
    case "refund_due":
      return fulfilment === "none" ? "refund_due" : "paid";
    case "expired":
    case "cancelled":
    case "refunded":
      return payment;
  }
}

/**
 * Whether the owners hear of it. Of a till's orders only what needs a person: who asked for the invoice hears the rest, tells
 * its own people, and has nothing to be shipped from here.
 */
export function ownersHear(
  order: Pick<OrderRow, "customer">,
  what: Extract<Effect, { do: "notify" }>["what"],
): boolean {
  return tillOf(order) === null || what === "refund_due";
}

/** Has the till called, and whoever waits for the order here woken, if its state is another one now. */
export async function tellTill(
  tx: Tx,
  before: OrderRow,
  after: OrderRow,
  seq: number,
  now: number,
): Promise<void> {
  if (tillOf(after) === null || tillState(before) === tillState(after)) return;
  await callTill(tx, after, seq, now);
}

/** Has the till called with the order's state. `seq`, the line of the timeline that it is about, names the call. */
export async function callTill(tx: Tx, order: OrderRow, seq: number, now: number): Promise<void> {
  if (tillOf(order) === null) return;
  tx.wake("till", order.id);
  const state = tillState(order);
  // Nobody waits to hear that there is nothing to pay yet.
  if (state === "creating") return;
  await enqueue(tx, {
    kind: TILL_CALL_JOB,
    merchant: order.merchant,
    payload: { order_id: order.id, seq, state },
    key: order.id,
    maxAttempts: MAX_ATTEMPTS,
  }, now);
}
