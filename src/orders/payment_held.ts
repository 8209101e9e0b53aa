import type { Tx } from "../db/database.ts";
import { hold } from "../stock/stock.ts";
import { applyTo, lockedOrder } from "./apply.ts";
import { goodsOf } from "./goods_there.ts";
import { type OrderRow, updateOrder } from "./orders_store.ts";

/** What is to be done about money that waits with the wallet. */
export type Held = "take" | "give back";

/**
 * Tells an order that its payment is there and waits for us (design §5, `holdinvoice`): when its goods can be had they are
 * reserved, and the money is to be taken; else it goes back, and the order is refused. An order that waits for no payment gets
 * none, and of several invoices' only the first. Doing it again gives the same answer and changes nothing.
 */
export async function paymentHeld(
  tx: Tx,
  payment: { order: string | OrderRow; invoice: string; now: number },
): Promise<Held> {
  const { invoice, now } = payment;
  const order = await lockedOrder(tx, payment.order);
  if (order.payment === "held") return order.held_invoice === invoice ? "take" : "give back";
  if (order.payment !== "awaiting" || order.forgotten_at !== null) return "give back";
  const goods = await goodsOf(tx, order);
  if (goods.stock.there === "short") {
    const reason = "It was sold to somebody else before your payment came. The payment goes back to you.";
    await applyTo(tx, order, { type: "stockRefused", reason }, now, goods);
    return "give back";
  }
  if (goods.stock.there === "available") {
    const { merchant, id: orderId } = order;
    const reserved = await hold(tx, { merchant, orderId, lines: goods.lines, now });
    if (!reserved.ok) throw new Error(`order ${orderId}: stock that was there is gone`);
  }
  await updateOrder(tx, order.id, { held_invoice: invoice });
  await applyTo(tx, { ...order, held_invoice: invoice }, { type: "paymentHeld" }, now);
  return "take";
}
