import type { Tx } from "../db/database.ts";
import type { Random } from "../random.ts";
import { follow } from "./amend.ts";
import { applyTo, begin } from "./apply.ts";
import { draftOrder, type Origin, unreadable } from "./draft.ts";
import { lockOrderByKey, type OrderRow } from "./orders_store.ts";
import type { Traits } from "./types.ts";

/** A customer's wish to cancel, and whether it is answered where we have no such order. */
export interface Cancellation {
  customerOrderId: string;
  traits: Traits;
  /** In what words an order is answered that we don't have; null: not at all. */
  dialect: string | null;
}

/**
 * Cancels a customer's own order as far as it can be, and tells them. Relays deliver in any order: the cancellation of an
 * order that we don't have is kept in its place, so that the order doesn't begin when it comes. Null when nothing was done.
 */
export async function cancelByCustomer(
  tx: Tx,
  origin: Omit<Origin, "dialect">,
  { customerOrderId, traits, dialect }: Cancellation,
  random: Random,
  now: number,
): Promise<OrderRow | null> {
  const known = await lockOrderByKey(tx, { ...origin, customerOrderId });
  if (known) return origin.stale ? known : await cancelKnown(tx, known, origin, now);
  if (dialect === null || origin.stale) return null;
  const draft = draftOrder({ ...origin, dialect }, unreadable(customerOrderId, traits), random.uuid(), now);
  return await begin(tx, draft, {
    lines: [],
    intro: "The customer cancels an order that we don't have.",
    events: [{ type: "customerCancelled", unknown: true }],
  }, now);
}

async function cancelKnown(
  tx: Tx,
  known: OrderRow,
  origin: Omit<Origin, "dialect">,
  now: number,
): Promise<OrderRow> {
  // Written before the version that we have: it isn't this one that the customer doesn't want.
  if (origin.askedAtSeconds < known.asked_at_seconds) {
    return (await applyTo(tx, known, { type: "requested" }, now)).order;
  }
  const { dialect } = known;
  // The order's own shape stays what its answers have.
  const order = await follow(tx, known, { ...origin, dialect }, JSON.parse(known.traits));
  return (await applyTo(tx, order, { type: "customerCancelled" }, now)).order;
}
