import type { Int, IntOrNull, IntZero, Text, TextOrNull, Word } from "./columns.ts";

/**
 * Money that goes back. `due` waits for a person (or the limit) to approve it; `approved` has its destination fixed and is
 * paid out by a job; `unknown`: the wallet was asked and never answered, so that it is never paid again blindly.
 */
export type RefundState = "due" | "approved" | "sending" | "sent" | "by_hand" | "unknown" | "cancelled";

/** The states of a refund, for lists. */
export const refundStates = [
  "due",
  "approved",
  "sending",
  "sent",
  "by_hand",
  "unknown",
  "cancelled",
] as const satisfies readonly RefundState[];

/** One refund: never more than was received (`refunding_msat` of its order or its unmatched payment). */
export interface RefundsTable {
  id: Text;
  merchant: Text;
  order_id: TextOrNull;
  /** A payment that matches no order. */
  payment_id: TextOrNull;
  customer: TextOrNull;
  amount_msat: Int;
  /** A sentence for the merchant. */
  reason: Text;
  state: Word<RefundState>;
  /** A BOLT11 invoice or a Lightning address that the verified customer sent; fixed at approval. */
  destination: TextOrNull;
  /** The BOLT11 invoice that the address gave after the approval. */
  resolved: TextOrNull;
  /** The message that brought it. */
  destination_event: TextOrNull;
  payment_hash: TextOrNull;
  /** The wallet that pays it. */
  wallet: TextOrNull;
  fee_msat: IntOrNull;
  approved_by: TextOrNull;
  approved_at: IntOrNull;
  /** When the wallet was last asked to pay this destination without saying clearly that it didn't. */
  asked_at: IntOrNull;
  ended_at: IntOrNull;
  /** What became of it last, or what the person says who ended it; for the merchant. */
  note: TextOrNull;
  /** The customer's invoices that couldn't be used and were answered. */
  refusals: IntZero;
  /** What the program that asked for it calls it; null: a person asked, or nobody. */
  reference: TextOrNull;
  created_at: Int;
  updated_at: Int;
}
