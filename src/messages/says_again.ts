import type { MessageRow } from "./messages_store.ts";

/** Whose copy of a message an event is: the customer's or our own. */
type To = "recipient" | "self";
type Said = Pick<MessageRow, "type" | "body">;

/** An event that some relay is still to get, and what it says. */
export interface Unsent extends Said {
  event_id: string;
  /** As `partPurpose` made it. */
  purpose: string;
}

/** Why the event exists that brings part `i` of what is said for `purpose`. */
export function partPurpose(purpose: string, i: number, to: To): string {
  return `${purpose}:${i}:${to}`;
}

/**
 * Whether part `i` of what is said of an order takes the place of an earlier event about it. A later request tells how the order
 * stands, part by part, and its last part ends what the earlier one had more; of all else only the same words say the same.
 */
export function saysAgain(parts: readonly Said[], i: number, to: To, earlier: Unsent): boolean {
  const { type, body } = parts[i]!;
  const [nth, whose] = earlier.purpose.split(":").slice(-2);
  if (whose !== to || earlier.type !== type) return false;
  if (type !== "payment_request") return earlier.body === body;
  const isLast = parts.findLastIndex((part) => part.type === type) === i;
  return Number(nth) === i || isLast && Number(nth) > i;
}
