import type { Tx } from "../db/database.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import type { Held } from "../orders/payment_held.ts";
import type { OrderEvent } from "../orders/types.ts";
import type { Wallet } from "./wallet.ts";

/** What payments need of orders: the functions of `orders/`, passed in by the composition root. */
export interface OrdersPort {
  /** The order, locked until the transaction ends. Orders are locked before their invoices. */
  orderOf(tx: Tx, orderId: string): Promise<OrderRow | undefined>;
  /** Lets an event happen to an order: to this id's, or to one that this transaction has locked and not changed since. */
  apply(tx: Tx, order: string | OrderRow, event: OrderEvent, now: number): Promise<{ order: OrderRow }>;
  /** The invoice's money waits with the wallet: whether it is to be taken (the goods are reserved then) or given back. */
  paymentHeld(
    tx: Tx,
    payment: { order: string | OrderRow; invoice: string; now: number },
  ): Promise<Held>;
  /**
   * Money for the order has arrived, by the wallet's own word. The order as for `apply`. `paidAt`: when, or null when it shall
   * count however late that was.
   */
  paymentArrived(
    tx: Tx,
    payment: { order: string | OrderRow; amountMsat: bigint; paidAt: number | null; now: number },
  ): Promise<unknown>;
}

/** The wallets that a merchant receives with, in the order in which they are asked; none: the shop can't take payments. */
export type WalletsOf = (merchant: string) => readonly Wallet[];

/** Whether the order waits for money. */
export function isUnpaid(order: OrderRow): boolean {
  return order.payment === "quoting" || order.payment === "awaiting";
}

/** Whether it is this invoice's money, waiting with the wallet, that the order has accepted: it is to be taken. */
export function isHeldBy(order: OrderRow, invoiceId: string): boolean {
  return order.payment === "held" && order.held_invoice === invoiceId;
}

/** What is still to be paid, msat. */
export function owedMsat(order: Pick<OrderRow, "total_msat" | "received_msat">): bigint {
  return BigInt(order.total_msat) - BigInt(order.received_msat);
}
