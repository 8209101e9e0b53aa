import type { Kysely } from "kysely";
import type { PaymentState, Tables } from "../../db/tables.ts";
import { comesOnChain } from "../../payments/chain/on_its_way.ts";
import { type InvoiceRow, invoicesOf } from "../../payments/invoices_store.ts";

/** What an order's payment page and LNURL may know of it: nothing of the customer, nothing of the goods. */
export interface Payable {
  orderId: string;
  merchant: string;
  shop: string;
  payment: PaymentState;
  /** What it waits for was seen on-chain and is in no block yet. */
  comesOnChain: boolean;
  /** Oldest first. */
  invoices: InvoiceRow[];
}

/** The form of a token: 16 bytes in base64url. */
const TOKEN = /^[\w-]{22}$/;

/** The order whose pages this token finds; null when there is none, or none any more. */
export async function findPayable(db: Kysely<Tables>, token: string, now: number): Promise<Payable | null> {
  if (!TOKEN.test(token)) return null;
  const row = await db.selectFrom("orders").innerJoin("merchants", "merchants.pubkey", "orders.merchant")
    .select([
      "orders.id",
      "orders.merchant",
      "orders.payment",
      "orders.total_msat",
      "orders.received_msat",
      "merchants.name",
    ])
    .where("orders.pay_token", "=", token).executeTakeFirst();
  if (!row) return null;
  const { id: orderId, merchant, payment, name: shop } = row;
  return {
    orderId,
    merchant,
    payment,
    comesOnChain: payment === "awaiting" && await comesOnChain(db, row, now),
    shop,
    invoices: await invoicesOf(db, orderId),
  };
}
