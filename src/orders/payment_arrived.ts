import type { Tx } from "../db/database.ts";
import { type Applied, applyTo, lockedOrder } from "./apply.ts";
import { goodsOf } from "./goods_there.ts";
import { type OrderRow, updateOrder } from "./orders_store.ts";

/** Who has paid a part gets at least this long for the rest. */
const TIME_FOR_THE_REST_MS = 15 * 60_000;

/**
 * Tells an order that the wallet has received money for it. Only a wallet's `lookup()` may be the reason to call this.
 * Whether the goods can be given decides between a sale and a refund (design §5: a late payment is honoured while
 * stock allows), and `paidAt` (ms; null: whenever that was, it isn't late).
 */
export async function paymentArrived(
  tx: Tx,
  payment: { order: string | OrderRow; amountMsat: bigint; paidAt: number | null; now: number },
): Promise<Applied> {
  const { amountMsat, paidAt, now } = payment;
  const order = await lockedOrder(tx, payment.order);
  const goods = await goodsOf(tx, order);
  // Nobody knows any more where the goods would go.
  const nowhere = order.forgotten_at !== null && goods.items.some((item) => item.digital === 0);
  const stock = nowhere ? "short" : goods.stock.there;
  const lateMs = paidAt === null || order.expires_at === null ? 0 : Math.max(0, paidAt - order.expires_at);
  const applied = await applyTo(tx, order, { type: "paymentSeen", amountMsat, stock, lateMs }, now, goods);
  const { payment: state, expires_at } = applied.order;
  const until = now + TIME_FOR_THE_REST_MS;
  if ((state !== "awaiting" && state !== "quoting") || expires_at === null || expires_at >= until) {
    return applied;
  }
  await updateOrder(tx, order.id, { expires_at: until });
  return { ...applied, order: { ...applied.order, expires_at: until } };
}
