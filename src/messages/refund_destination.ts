import type { Tx } from "../db/database.ts";
import type { Terms } from "../orders/place.ts";
import { refundTo } from "../orders/refund_destination.ts";

/** A BOLT11 invoice as people paste it: alone, as a `lightning:` link, or within a sentence. */
const INVOICE = /(?<![a-z0-9])ln(?:bcrt|bc|tbs|tb)[0-9a-z]{100,7080}(?![a-z0-9])/i;

/**
 * A customer's text with an invoice in it, while a refund is due to them: that is where the refund goes, and they are answered.
 * Answers the order that it belongs to (null: it is of none), undefined when it is plain chat. Design §5: the destination
 * comes only from the verified sender.
 */
export async function takeRefundInvoice(
  tx: Tx,
  message: { merchant: string; customer: string; text: string; eventId: string },
  terms: Terms,
  now: number,
): Promise<{ orderId: string | null } | undefined> {
  const bolt11 = INVOICE.exec(message.text)?.[0];
  if (bolt11 === undefined) return undefined;
  const { merchant, customer, eventId } = message;
  return await refundTo(tx, { merchant, customer, bolt11, eventId, auto: terms.autoRefund ?? null }, now);
}
