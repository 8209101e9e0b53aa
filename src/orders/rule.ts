import { formatSat } from "../money/msat.ts";
import { describe, eventNames } from "./situation.ts";
import type { Effect, OrderEvent, OrderState, Outcome } from "./types.ts";

/** The event with this name. */
export type EventOf<T extends OrderEvent["type"]> = Extract<OrderEvent, { type: T }>;

/** One cell of the life cycle's table. */
export type Rule<T extends OrderEvent["type"] = OrderEvent["type"]> = (
  order: OrderState,
  event: EventOf<T>,
) => Outcome;

/** Below this nothing can be invoiced or refunded over Lightning in whole sats: it is neither owed nor credited. */
export const SMALLEST_MSAT = 1000n;

/** What the customer still has to pay, msat; never negative. */
export function owed({ totalMsat, receivedMsat }: OrderState): bigint {
  return totalMsat > receivedMsat ? totalMsat - receivedMsat : 0n;
}

/** What of an order's money goes back or has gone back, msat: Σ of its refunds. */
export function goingBack({ refunds: { openMsat, outMsat, backMsat } }: OrderState): bigint {
  return openMsat + outMsat + backMsat;
}

/** The promise of what isn't in the ledger yet, as a sentence for the customer. */
export function promise(order: OrderState): string {
  const before = goingBack(order);
  const rest = order.receivedMsat - before;
  if (before === 0n) return `You'll get back the ${formatSat(rest)} that you paid.`;
  return rest > 0n
    ? `You'll get back the other ${formatSat(rest)} that you paid, too.`
    : "Everything that you paid goes back to you.";
}

/** The outcome of an event that the order takes. */
export function changed(
  order: OrderState,
  change: Partial<OrderState>,
  effects: Effect[],
  timeline: string,
): Outcome {
  return { state: { ...order, ...change }, effects, timeline };
}

/** The outcome of an event that can't be had in this state. */
export function refused(order: OrderState, event: OrderEvent, effects: Effect[] = [], why?: string): Outcome {
  const timeline = why ??
    `Nothing changed: ${eventNames[event.type]} has no effect on an order that ${describe(order)}.`;
  return { state: order, effects, timeline, ignored: true };
}

/** An event that means nothing in this state. */
export const no: Rule = (order, event) => refused(order, event);

/** A reason as a sentence that others can follow: merchants leave the full stop out. */
export function sentence(reason: string): string {
  const text = reason.trim();
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
