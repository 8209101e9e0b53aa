import type { Tx } from "../db/database.ts";
import { lockOrder } from "../orders/orders_store.ts";
import { lockPayment } from "./payments_store.ts";
import { findRefund, lockRefund, type RefundRow } from "./refunds_store.ts";

/** The refund with this id, locked after its order or payment; undefined when there is none. */
export async function lockWithSource(tx: Tx, id: string): Promise<RefundRow | undefined> {
  const known = await findRefund(tx, id);
  if (!known) return undefined;
  if (known.order_id !== null) await lockOrder(tx, known.order_id);
  else if (known.payment_id !== null) await lockPayment(tx, known.payment_id);
  return await lockRefund(tx, id);
}
