import type { Tx } from "../db/database.ts";
import type { Terms } from "../orders/place.ts";
import { refundTo } from "../orders/refund_destination.ts";

/** A BOLT11 invoice as people paste it: alone, as a `lightning:` link, or within a sentence. */
const INVOICE = /(?<![a-z0-9])ln(?:bcrt|bc|tbs|tb)[0-9a-z]{100,7080}(?![a-z0-9])/i;

/**
 * A Lightning address, which looks like an e-mail address: it is one when the message is nothing else, or says so before it.
 * What is no address after all is found out later.
 */
const ADDRESS =
  /^(?:⚡️?\s*)?([\w.+-]{1,64}@[\w.:-]{4,253}?)[.,!]?$|(?:lightning:|\b(?:lightning|ln)[ -]?address(?: is)?:?\s+)([\w.+-]{1,64}@[\w.:-]{4,253}?)(?=[.,;!)]?(?:\s|$))/i;

/**
 * A customer's text with an invoice or a Lightning address in it, while a refund is due to them: that is where the refund goes,
 * and they are answered. Answers the order that it belongs to (null: it is of none), undefined when it is plain chat. Design §5:
 * the destination comes only from the verified sender.
 */
export async function takeRefundDestination(
  tx: Tx,
  message: { merchant: string; customer: string; text: string; eventId: string },
  terms: Terms,
  now: number,
): Promise<{ orderId: string | null } | undefined> {
  const destination = destinationIn(message.text);
  if (destination === undefined) return undefined;
  const { merchant, customer, eventId } = message;
  return await refundTo(
    tx,
    { merchant, customer, destination, eventId, auto: terms.autoRefund ?? null },
    now,
  );
}

/** Where money can go, as a message says it; undefined when it says nothing of that. */
export function destinationIn(text: string): string | undefined {
  const [, alone, named] = ADDRESS.exec(text.trim()) ?? [];
  return INVOICE.exec(text)?.[0] ?? alone ?? named;
}
