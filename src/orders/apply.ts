import { type Alert, alert } from "../alert.ts";
import { publishStock } from "../catalog/publish_queue.ts";
import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { voidInvoices } from "../payments/invoices_store.ts";
import { commit, release } from "../stock/stock.ts";
import { type Goods, goodsOf } from "./goods_there.ts";
import { digitalShare } from "./digital.ts";
import { next } from "./life_cycle.ts";
import { addTimeline, insertOrder, itemsOf, lockOrder, type OrderRow, updateOrder } from "./orders_store.ts";
import { refundOwed, refundsInLedger, refundsOff } from "./refund_effects.ts";
import { enqueueReplies, type QueuedReply } from "./replies.ts";
import { concerns, isOpen, mirror, tellIfLate } from "./mirror.ts";
import { tellSoldOut } from "./sold_out.ts";
import { ownersHear, tellTill, tillOf } from "./till.ts";
import type { Effect, OrderEvent, OrderState, Outcome, QuotedLine } from "./types.ts";
import { QUOTE_JOB } from "./waiting.ts";

/** What became of an order, and what the life cycle said of the event. */
export interface Applied {
  order: OrderRow;
  outcome: Outcome;
}

/**
 * Lets an event happen to an order: the life cycle decides, and everything it decides is stored in the open
 * transaction (design §2: effects are rows). `order` is an id, or the row as this transaction has locked it. Throws when
 * there is no such order.
 */
export async function apply(
  tx: Tx,
  order: string | OrderRow,
  event: OrderEvent,
  now: number,
): Promise<Applied> {
  return await applyTo(tx, await lockedOrder(tx, order), event, now);
}

/** The order that is named, locked until the transaction ends; or as it is given. Throws when there is none. */
export async function lockedOrder(tx: Tx, order: string | OrderRow): Promise<OrderRow> {
  if (typeof order !== "string") return order;
  const locked = await lockOrder(tx, order);
  if (!locked) throw new Error(`there is no order ${order}`);
  return locked;
}

/** The same for an order that the transaction has locked already, and perhaps what was found out about its goods. */
export async function applyTo(
  tx: Tx,
  order: OrderRow,
  event: OrderEvent,
  now: number,
  goods?: Goods,
): Promise<Applied> {
  const outcome = next(await stateOf(tx, order, event, goods), event, now);
  const change = {
    ...columnsOf(outcome.state),
    reason: outcome.reason ?? order.reason,
    tracking: outcome.ignored ? order.tracking : trackingOf(order, event),
    paid_at: order.paid_at ?? (isPaid(outcome.state) ? now : null),
    updated_at: now,
  };
  if (!outcome.ignored) await updateOrder(tx, order.id, change);
  const changed: OrderRow = outcome.ignored ? order : { ...order, ...change };
  if (concerns(order, changed)) await mirror(tx, changed, now);
  const seq = await addTimeline(tx, order.id, now, [{ event: event.type, text: outcome.timeline }]);
  await tellTill(tx, order, changed, seq, now);
  return { order: await carryOut(tx, changed, outcome.effects, seq, now, goods), outcome };
}

/** Whether the life cycle takes an event of the customer, or answers that it can't be had. Nothing happens. */
export async function wouldTake(tx: Tx, order: OrderRow, event: OrderEvent, now: number): Promise<boolean> {
  return next(await stateOf(tx, order, event), event, now).ignored === undefined;
}

/**
 * Stores a new order and lets its first events happen to it. `intro` begins its timeline. `silently`: it is only listed,
 * nothing follows from it.
 */
export async function begin(
  tx: Tx,
  draft: OrderRow,
  o: { lines: QuotedLine[]; intro: string; events: OrderEvent[]; silently?: boolean },
  now: number,
): Promise<OrderRow> {
  let state: OrderState = { ...axesOf(draft), digital: "none", refunds: await refundsInLedger(tx, draft) };
  const timeline = [{ event: "requested", text: o.intro }];
  const effects: Effect[] = [];
  let reason = draft.reason;
  for (const event of o.events) {
    const outcome = next(state, event, now);
    state = outcome.state;
    reason = outcome.reason ?? reason;
    timeline.push({ event: event.type, text: outcome.timeline });
    effects.push(...outcome.effects);
  }
  const order: OrderRow = { ...draft, ...columnsOf(state), reason };
  await insertOrder(tx, order, o.lines);
  const seq = await addTimeline(tx, order.id, now, timeline);
  if (isOpen(order)) await mirror(tx, order, now);
  return o.silently ? order : await carryOut(tx, order, effects, seq, now);
}

/** Events that can make an order paid: then it counts what can be handed over at once. */
const PAYING: readonly OrderEvent["type"][] = ["paymentSeen", "accepted"];

async function stateOf(tx: Tx, order: OrderRow, event: OrderEvent, goods?: Goods): Promise<OrderState> {
  const digitalOf = async () => {
    // A till's has no goods here: with its payment it is complete.
    if (tillOf(order) !== null) return "whole";
    return await digitalShare(tx, order.merchant, goods?.items ?? await itemsOf(tx, [order.id]));
  };
  return {
    ...axesOf(order),
    digital: PAYING.includes(event.type) ? await digitalOf() : "none",
    refunds: await refundsInLedger(tx, order),
  };
}

function axesOf(order: OrderRow): Omit<OrderState, "digital" | "refunds"> {
  return {
    payment: order.payment,
    fulfilment: order.fulfilment,
    totalMsat: BigInt(order.total_msat),
    receivedMsat: BigInt(order.received_msat),
    revision: order.revision,
    confirmedElsewhere: order.mirror === "confirm",
  };
}

function columnsOf(state: OrderState) {
  return {
    payment: state.payment,
    fulfilment: state.fulfilment,
    // A quote is at most 1 BTC; what a number can't hold begins at 90,000.
    received_msat: Number(state.receivedMsat),
    total_msat: Number(state.totalMsat),
    revision: state.revision,
  };
}

function isPaid(state: OrderState): boolean {
  return state.payment === "paid" || state.payment === "overpaid";
}

/** What a correction leaves out stays as it was. */
function trackingOf(order: OrderRow, event: OrderEvent): string | null {
  if (event.type !== "shipped") return order.tracking;
  const before = JSON.parse(order.tracking ?? "{}") as { carrier?: string | null; tracking?: string | null };
  return JSON.stringify({
    carrier: event.carrier ?? before.carrier ?? null,
    tracking: event.tracking ?? before.tracking ?? null,
  });
}

/**
 * What must happen with the order's fact happens in its transaction; what leaves the database becomes a job. Answers the
 * order as it is then.
 */
async function carryOut(
  tx: Tx,
  changed: OrderRow,
  effects: Effect[],
  seq: number,
  now: number,
  goods?: Goods,
): Promise<OrderRow> {
  let order = changed;
  const replies: QueuedReply[] = [];
  for (const effect of effects) {
    switch (effect.do) {
      case "releaseStock":
        await release(tx, { orderId: order.id, now });
        break;
      case "commitStock":
        await sell(tx, order, now, goods);
        break;
      case "awaitStock":
        await tellIfLate(tx, order, now);
        break;
      case "awaitRate":
        await enqueue(
          tx,
          { kind: QUOTE_JOB, merchant: order.merchant, payload: { order_id: order.id }, key: order.id },
          now,
        );
        break;
      case "createInvoice":
        await enqueue(
          tx,
          // The wallet may be away for hours; how long the order waits for it is for the job to say.
          {
            kind: "invoice.create",
            merchant: order.merchant,
            payload: { order_id: order.id },
            key: order.id,
            maxAttempts: 1_000,
          },
          now,
        );
        break;
      case "voidInvoice":
        await voidInvoices(tx, order.id, now);
        break;
      case "resendInvoice":
        replies.push({ reply: "payment_request" });
        break;
      case "reply":
        replies.push({ reply: effect.reply, ...(effect.note !== undefined && { note: effect.note }) });
        break;
      case "deliverDigital":
        replies.push({ reply: "digital" });
        break;
      case "refund":
        order = await refundOwed(tx, order, effect.amountMsat, seq, now);
        break;
      case "cancelRefunds":
        order = await refundsOff(tx, order, now);
        break;
      case "notify":
        if (ownersHear(order, effect.what)) await alert(tx, alertOf(order, effect.what, seq), now);
        break;
    }
  }
  await enqueueReplies(tx, order, seq, replies, now);
  return order;
}

const ALERTS = {
  paid: "order_paid",
  refund_due: "refund_due",
  cancelled: "order_cancelled",
  cancel_requested: "cancel_requested",
} as const;

/** The line of the timeline that caused it names the fact. */
function alertOf(order: OrderRow, what: keyof typeof ALERTS, seq: number): Alert {
  return {
    merchant: order.merchant,
    kind: ALERTS[what],
    fact: `order:${order.id}:${seq}`,
    orderId: order.id,
  };
}

async function sell(tx: Tx, order: OrderRow, now: number, goods?: Goods): Promise<void> {
  const { lines, stock } = goods ?? await goodsOf(tx, order);
  const taken = await commit(tx, { merchant: order.merchant, orderId: order.id, lines, now }, stock);
  // The event said that the stock is there, and this transaction has it locked.
  if (!taken.ok) throw new Error(`order ${order.id}: stock that was there is gone`);
  await publishStock(tx, { merchant: order.merchant, productIds: taken.changed, now });
  await tellSoldOut(tx, { merchant: order.merchant, orderId: order.id, productIds: taken.soldOut }, now);
}
