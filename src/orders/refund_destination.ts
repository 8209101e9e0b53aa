import type { Tx } from "../db/database.ts";
import type { AutoApproval } from "../payments/refund_approval.ts";
import { offerDestination } from "../payments/refund_offers.ts";

/** A message of a verified sender that has an invoice in it. */
export interface InvoiceInMessage {
  merchant: string;
  customer: string;
  bolt11: string;
  eventId: string;
  auto: AutoApproval | null;
}

/**
 * Takes the invoice for a refund that is due to this sender. Answers the order that the refund is of (null: none), and
 * undefined when no refund is due to them.
 */
export async function refundTo(
  tx: Tx,
  message: InvoiceInMessage,
  now: number,
): Promise<{ orderId: string | null } | undefined> {
  const refund = await offerDestination(tx, message, now);
  return refund ? { orderId: refund.order_id } : undefined;
}
