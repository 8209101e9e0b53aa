import type { Tx } from "../db/database.ts";
import { comesOnChain } from "../payments/chain/on_its_way.ts";
import { linksOf, openInvoiceOf } from "../payments/invoices_store.ts";
import { refundsOf } from "../payments/refunds_store.ts";
import type { PaymentLink } from "../payments/wallet.ts";
import { itemsOf, lockOrder, type OrderItemRow, type OrderRow } from "./orders_store.ts";

/** An order with what an answer to its customer may need. */
export interface OrderSubject {
  order: OrderRow;
  items: OrderItemRow[];
  invoice: {
    id: string;
    bolt11: string;
    amountMsat: bigint;
    expiresAt: number;
    /** Further ways to pay it. */
    links: PaymentLink[];
  } | null;
  /** What it waits for was seen on-chain and is in no block yet. */
  comesOnChain: boolean;
  /** Amounts of its refunds, msat, that the customer hasn't said the destination of. */
  refundsAwaited: bigint[];
}

/** The order, its lines and its open invoice, as they belong together; undefined when there is no such order. */
export async function loadSubject(tx: Tx, orderId: string, now: number): Promise<OrderSubject | undefined> {
  // Lines and invoices change only under the order's lock.
  const order = await lockOrder(tx, orderId);
  if (!order) return undefined;
  const invoice = await openInvoiceOf(tx, orderId);
  return {
    order,
    items: await itemsOf(tx, [orderId]),
    invoice: invoice?.bolt11 && invoice.expires_at !== null
      ? {
        id: invoice.id,
        bolt11: invoice.bolt11,
        amountMsat: BigInt(invoice.amount_msat),
        expiresAt: invoice.expires_at,
        links: linksOf(invoice),
      }
      : null,
    comesOnChain: order.payment === "awaiting" && await comesOnChain(tx, order, now),
    refundsAwaited: order.refunding_msat === 0 ? [] : await refundsAwaited(tx, orderId),
  };
}

async function refundsAwaited(tx: Tx, orderId: string): Promise<bigint[]> {
  const due = (await refundsOf(tx, orderId)).filter((refund) =>
    refund.state === "due" && refund.destination === null
  );
  return due.map((refund) => BigInt(refund.amount_msat));
}
