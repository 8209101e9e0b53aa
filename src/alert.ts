import type { Tx } from "./db/database.ts";
import { enqueue } from "./jobs/queue.ts";

/** What a merchant's owners can be told; each kind can be switched off. */
export const alertKinds = [
  "order_paid",
  "order_cancelled",
  "cancel_requested",
  "refund_due",
  "refund_sent",
  "refund_unknown",
  "payment_unmatched",
  "payment_lost",
  "sold_out",
  "delivery_failed",
  "wallet_down",
  "wallet_up",
  "refund_wallet_down",
  "refund_wallet_up",
  "relay_down",
  "relay_up",
  "signer_down",
  "signer_up",
  "rates_down",
  "rates_up",
  "btc_down",
  "btc_up",
  "medusa_down",
  "medusa_up",
  "second_instance",
  "key_retired",
  "clock_jump",
  "chat",
] as const;
export type AlertKind = typeof alertKinds[number];

/** A fact that a merchant's owners should hear of. */
export interface Alert {
  merchant: string;
  kind: AlertKind;
  /** Names the fact, for ever: the same fact is told once, however often it is found. */
  fact: string;
  orderId?: string;
  /** A sentence for the owners, where the kind and the order don't say enough. No customer's data, no secret. */
  detail?: string;
}

/** Has the owners told, once, after the transaction that states the fact has committed. */
export async function alert(tx: Tx, alert: Alert, now: number): Promise<void> {
  const { merchant, kind, fact, orderId, detail } = alert;
  const payload = {
    merchant,
    kind,
    fact,
    ...(orderId !== undefined && { order_id: orderId }),
    ...(detail !== undefined && { detail }),
  };
  await enqueue(tx, { kind: "owners.tell", merchant, key: `${merchant}:${fact}`, payload }, now);
}
