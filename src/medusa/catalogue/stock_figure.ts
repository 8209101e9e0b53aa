import type { MedusaOrderState } from "../../db/tables.ts";
import { MAX_ON_HAND } from "../../stock/stock.ts";

/** Units of a product that an order of ours is about. */
export interface OwnUnits {
  quantity: number;
  /** `held`: reserved here for an order that isn't paid; `committed`: sold here; `released`: neither any more. */
  here: "held" | "committed" | "released";
  /** How far the order is in Medusa. */
  there: MedusaOrderState;
  /** Whether the answer to a call is missing. */
  calling: boolean;
  /** When (ms) a call of ours was last sent, and when one last changed Medusa's stock. */
  calledAt: number | null;
  stockAt: number | null;
}

/** A call whose answer is missing for longer is taken for one whose answer won't come soon. */
const IN_FLIGHT_MS = 10 * 60_000;

/**
 * What is on hand here when Medusa's sales channel could sell `available` (null = unlimited): Medusa has taken off what our unpaid
 * orders hold there, while here that is on hand and held; and it still counts what was sold here and isn't known there yet. Null
 * when the figure says nothing: a call of ours changes the stock, or did so after `readAt` (ms), when the reading began.
 */
export function onHand(
  available: number | null,
  orders: readonly OwnUnits[],
  readAt: number,
  now: number,
): { onHand: number | null } | null {
  if (orders.some((order) => (order.stockAt ?? -Infinity) >= readAt || isInFlight(order, now))) return null;
  if (available === null) return { onHand: null };
  const held = sum(
    orders.filter(({ here, there }) => here === "held" && (there === "placed" || there === "held")),
  );
  const sold = sum(orders.filter(({ here, there }) => here === "committed" && there === "wanted"));
  return { onHand: Math.min(Math.max(0, available + held - sold), MAX_ON_HAND) };
}

/** Whether Medusa's stock may be changing for an order just now. */
function isInFlight({ there, calling, calledAt }: OwnUnits, now: number): boolean {
  return (calling || there === "cancelling") && (calledAt ?? 0) > now - IN_FLIGHT_MS;
}

function sum(orders: readonly OwnUnits[]): number {
  return orders.reduce((total, { quantity }) => total + quantity, 0);
}
