import type { Tx } from "../db/database.ts";
import { refersTo } from "../dialects/dialects.ts";
import { readTextTwin } from "../dialects/text_twins.ts";
import { apply } from "../orders/apply.ts";
import { listOrders, type OrderRow } from "../orders/orders_store.ts";
import { attachMessages, listMessages } from "./messages_store.ts";

/** A text about an order is about one of the last few. */
const RECENT_ORDERS = 10;
/** And where it came before the order itself, it is among the customer's last few messages. */
const RECENT_MESSAGES = 10;

const NOTE = "The customer says that it is paid. Only the wallet decides that; nothing was changed.";

/** Finds the order that a message speaks of, notes a claim of payment in its timeline, and answers its id. */
export async function orderSpokenOf(
  tx: Tx,
  from: { merchant: string; customer: string; orderRef: string | null; claim: boolean },
  now: number,
): Promise<string | null> {
  const { merchant, customer, orderRef, claim } = from;
  if (orderRef === null) return null;
  const orders = await listOrders(tx, { merchant, customer }, { limit: RECENT_ORDERS });
  const order = orders.find((one) => one.customer_order_id === orderRef) ??
    orders.find((one) => refersTo(orderRef, one.customer_order_id));
  if (!order) return null;
  if (claim) await apply(tx, order.id, { type: "noted", text: NOTE }, now);
  return order.id;
}

/** Relays deliver in any order: texts about this order that came before it are put with it. */
export async function adoptTexts(tx: Tx, order: OrderRow): Promise<void> {
  const { merchant, customer } = order;
  const recent = await listMessages(tx, { merchant, customer }, { limit: RECENT_MESSAGES });
  const about = recent.filter((message) => {
    if (message.direction !== "in" || message.type !== "claim" || message.order_id !== null) return false;
    const ref = readTextTwin(message.body)?.orderRef ?? null;
    return ref !== null && refersTo(ref, order.customer_order_id);
  });
  await attachMessages(tx, about.map((message) => message.seq), order.id);
}
