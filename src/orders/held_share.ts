import type { Tx } from "../db/database.ts";
import { hasPaidBefore } from "./orders_store.ts";
import type { Reservation, Terms } from "./terms.ts";
import type { OrderEvent } from "./types.ts";

/**
 * How much of a product keys like this customer's may hold together: for one that never paid here the shop's share, so that
 * fresh keys can't lock the stock by orders that nobody pays (design §5); for others no limit, which is nothing.
 */
export async function heldShare(
  tx: Tx,
  { merchant, customer }: { merchant: string; customer: string },
  { maxHeldShare }: Terms,
): Promise<{ share?: number }> {
  if (maxHeldShare === undefined || maxHeldShare >= 1) return {};
  return await hasPaidBefore(tx, [merchant], customer) ? {} : { share: maxHeldShare };
}

const NOTES: Record<Reservation, string | null> = {
  usual: null,
  brief:
    "It holds more than the share of new customers, as the only unpaid order of its goods: to be paid in a shorter time.",
  unheld:
    "Nothing is held for it: unpaid orders of new customers hold their share already. Assigned at payment.",
};

/** What the timeline says of an order whose goods aren't reserved as usual; nothing for others. */
export function reservationNote(reservation: Reservation): OrderEvent[] {
  const text = NOTES[reservation];
  return text === null ? [] : [{ type: "noted", text }];
}
