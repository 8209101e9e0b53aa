import type { Tx } from "../db/database.ts";
import type { AutoApproval } from "../payments/refund_approval.ts";
import { offerDestination } from "../payments/refund_offers.ts";

/** A message of a verified sender that says where money can go. */
export interface DestinationInMessage {
  merchant: string;
  customer: string;
  /** A BOLT11 invoice, or a Lightning address. */
  destination: string;
  eventId: string;
  auto: AutoApproval | null;
}

/**
 * Takes it for a refund that is due to this sender. Answers the order that the refund is of (null: none), and
 * undefined when no refund is due to them.
 */
export async function refundTo(
  tx: Tx,
  message: DestinationInMessage,
  now: number,
): Promise<{ orderId: string | null } | undefined> {
  const refund = await offerDestination(tx, message, now);
  return refund ? { orderId: refund.order_id } : undefined;
}
