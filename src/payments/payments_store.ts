import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { PaymentsTable, Tables } from "../db/tables.ts";
import type { Msat } from "../money/msat.ts";

export type PaymentRow = Selectable<PaymentsTable>;

/** Money that a wallet says has arrived. */
export interface NewPayment {
  id: string;
  merchant: string;
  wallet: string;
  paymentHash: string;
  /** Null: no order is known for it. */
  orderId: string | null;
  invoiceId: string | null;
  amountMsat: Msat;
  settledAt: number;
  now: number;
}

/** Writes a payment down; false when this payment hash is in the books already, and nothing changes. */
export async function recordPayment(tx: Tx, payment: NewPayment): Promise<boolean> {
  const result = await tx.insertInto("payments").values({
    id: payment.id,
    merchant: payment.merchant,
    wallet: payment.wallet,
    payment_hash: payment.paymentHash,
    order_id: payment.orderId,
    invoice_id: payment.invoiceId,
    amount_msat: payment.amountMsat,
    state: payment.orderId === null ? "unmatched" : "matched",
    settled_at: payment.settledAt,
    created_at: payment.now,
  }).onConflict((c) => c.column("payment_hash").doNothing()).executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows) === 1;
}

/** The payment with this hash, locked until the transaction ends. */
export async function lockPaymentByHash(tx: Tx, paymentHash: string): Promise<PaymentRow | undefined> {
  return await tx.selectFrom("payments").selectAll().where("payment_hash", "=", paymentHash)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

/** The same money by another name: nothing else of the payment changes. */
export async function renamePayment(tx: Tx, from: string, to: string): Promise<void> {
  await tx.updateTable("payments").set({ payment_hash: to }).where("payment_hash", "=", from).execute();
}

export async function lockPayment(tx: Tx, id: string): Promise<PaymentRow | undefined> {
  return await tx.selectFrom("payments").selectAll().where("id", "=", id)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

/** Whether it waits for somebody to say whose it is: no order has it, and none of it goes back. */
export function isUnassigned(payment: PaymentRow): boolean {
  return payment.state === "unmatched" && payment.refunding_msat === 0;
}

/** Makes an unassigned payment an order's. */
export async function matchPayment(
  tx: Tx,
  id: string,
  o: { orderId: string; invoiceId: string | null },
): Promise<void> {
  await tx.updateTable("payments").set({ order_id: o.orderId, invoice_id: o.invoiceId, state: "matched" })
    .where("id", "=", id).execute();
}

export async function paymentsOf(db: Kysely<Tables>, orderId: string): Promise<PaymentRow[]> {
  return await db.selectFrom("payments").selectAll().where("order_id", "=", orderId)
    .orderBy("created_at").orderBy("id").execute();
}

export async function findPayment(db: Kysely<Tables>, id: string): Promise<PaymentRow | undefined> {
  return await db.selectFrom("payments").selectAll().where("id", "=", id).executeTakeFirst();
}

/** What a list of payments may be narrowed to. */
export interface PaymentFilter {
  merchant?: string | undefined;
  orderId?: string | undefined;
  state?: PaymentRow["state"] | undefined;
}

/** Newest first, after the row that `after` names (keyset). */
export async function listPayments(
  db: Kysely<Tables>,
  filter: PaymentFilter,
  page: Slice<[createdAt: number, id: string]>,
): Promise<PaymentRow[]> {
  return await db.selectFrom("payments").selectAll()
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.orderId !== undefined, (q) => q.where("order_id", "=", filter.orderId!))
    .$if(filter.state !== undefined, (q) => q.where("state", "=", filter.state!))
    .where(isAfter(page.after, ["created_at", "id"], "<"))
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(page.limit).execute();
}
