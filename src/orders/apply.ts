import { publishStock } from "../catalog/publish_queue.ts";
import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { voidInvoices } from "../payments/invoices_store.ts";
import { commit, release } from "../stock/stock.ts";
import { next } from "./life_cycle.ts";
import { addTimeline, itemsOf, lockOrder, type OrderRow, updateOrder } from "./orders_store.ts";
import type { Effect, OrderEvent, OrderState, Outcome, ReplyKind } from "./types.ts";

/** What became of an order, and what the life cycle said of the event. */
export interface Applied {
  order: OrderRow;
  outcome: Outcome;
}

/**
 * Lets an event happen to an order: the life cycle decides, and everything it decides is stored in the open
 * transaction (design §2: effects are rows). Throws when there is no such order.
 */
export async function apply(tx: Tx, orderId: string, event: OrderEvent, now: number): Promise<Applied> {
  const order = await lockOrder(tx, orderId);
  if (!order) throw new Error(`there is no order ${orderId}`);
  return await applyTo(tx, order, event, now);
}

/** The same for an order that the transaction has locked already. */
export async function applyTo(tx: Tx, order: OrderRow, event: OrderEvent, now: number): Promise<Applied> {
  const items = await itemsOf(tx, [order.id]);
  const outcome = next(
    stateOf(order, items.length > 0 && items.every((item) => item.digital === 1)),
    event,
    now,
  );
  const { state } = outcome;
  const change = {
    payment: state.payment,
    fulfilment: state.fulfilment,
    received_msat: Number(state.receivedMsat),
    total_msat: Number(state.totalMsat),
    revision: state.revision,
    reason: outcome.reason ?? order.reason,
    tracking: event.type === "shipped" && !outcome.ignored
      ? JSON.stringify({ carrier: event.carrier, tracking: event.tracking })
      : order.tracking,
    paid_at: order.paid_at ?? (isPaid(state) ? now : null),
    updated_at: now,
  };
  await updateOrder(tx, order.id, change);
  const changed: OrderRow = { ...order, ...change };
  const seq = await addTimeline(tx, order.id, now, event.type, outcome.timeline);
  for (const [index, effect] of outcome.effects.entries()) {
    await carryOut(tx, changed, effect, `${seq}.${index}`, now);
  }
  return { order: changed, outcome };
}

/** An order's row as the life cycle sees it. */
export function stateOf(order: OrderRow, digital: boolean): OrderState {
  return {
    payment: order.payment,
    fulfilment: order.fulfilment,
    totalMsat: BigInt(order.total_msat),
    receivedMsat: BigInt(order.received_msat),
    revision: order.revision,
    digital,
  };
}

function isPaid(state: OrderState): boolean {
  return state.payment === "paid" || state.payment === "overpaid";
}

/** What must happen with the order's fact happens in its transaction; what leaves the database becomes a job. */
async function carryOut(tx: Tx, order: OrderRow, effect: Effect, number: string, now: number): Promise<void> {
  switch (effect.do) {
    case "releaseStock":
      return await release(tx, { orderId: order.id, now });
    case "commitStock": {
      const items = await itemsOf(tx, [order.id]);
      const lines = items.map((item) => ({ productId: item.product_id, quantity: item.quantity }));
      const taken = await commit(tx, { merchant: order.merchant, orderId: order.id, lines, now });
      // The event said that the stock is there, and this transaction has it locked.
      if (!taken.ok) throw new Error(`order ${order.id}: stock that was there is gone`);
      return await publishStock(tx, { merchant: order.merchant, productIds: taken.changed, now });
    }
    case "createInvoice":
      return await enqueue(
        tx,
        { kind: "invoice.create", payload: { order_id: order.id }, key: order.id },
        now,
      );
    case "resendInvoice":
      return await enqueueReply(tx, order, "payment_request", number, undefined, now);
    case "reply":
      return await enqueueReply(tx, order, effect.reply, number, effect.note, now);
    case "deliverDigital":
      return await enqueueReply(tx, order, "delivered", number, undefined, now);
    case "voidInvoice":
      return await voidInvoices(tx, order.id, now);
    case "notify":
      return;
  }
}

/** Queues an answer to the order's customer; `number` is unique for the fact that it tells. */
export async function enqueueReply(
  tx: Tx,
  order: OrderRow,
  reply: ReplyKind,
  number: string,
  note: string | undefined,
  now: number,
) {
  const payload = { order_id: order.id, reply, number, ...(note === undefined ? {} : { note }) };
  await enqueue(tx, { kind: "reply.send", payload, key: `${order.id}:${number}` }, now);
}
