import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import type { InvoiceRow } from "./invoices_store.ts";

/** Up to when (ms) the wallet's list was compared with the books; null: never. */
export async function sweptTo(
  db: Kysely<Tables>,
  key: { merchant: string; wallet: string },
): Promise<number | null> {
  const row = await db.selectFrom("sweeps").select("swept_to")
    .where("merchant", "=", key.merchant).where("wallet", "=", key.wallet).executeTakeFirst();
  return row?.swept_to ?? null;
}

/** Moves the mark on, never back. */
export async function noteSwept(
  tx: Tx,
  o: { merchant: string; wallet: string; to: number; now: number },
): Promise<void> {
  await tx.insertInto("sweeps").values({
    merchant: o.merchant,
    wallet: o.wallet,
    swept_to: o.to,
    updated_at: o.now,
  }).onConflict((c) =>
    c.columns(["merchant", "wallet"]).doUpdateSet({ swept_to: o.to, updated_at: o.now })
      .where("sweeps.swept_to", "<=", o.to)
  ).execute();
}

/** When the merchant first asked for an invoice; null: never. */
export async function firstInvoiceAt(db: Kysely<Tables>, merchant: string): Promise<number | null> {
  const row = await db.selectFrom("invoices").select((eb) => eb.fn.min("created_at").as("at"))
    .where("merchant", "=", merchant).executeTakeFirst();
  const at = row?.at ?? null;
  return at === null ? null : Number(at);
}

/** What a sweep has to know of an invoice. */
type Known = Pick<InvoiceRow, "id" | "merchant" | "state">;

/** Invoices by payment hash, whoever's they are. */
export async function invoicesByHash(db: Kysely<Tables>, hashes: string[]): Promise<Map<string, Known>> {
  if (hashes.length === 0) return new Map();
  const rows = await db.selectFrom("invoices").select(["payment_hash", "id", "merchant", "state"])
    .where("payment_hash", "in", hashes).execute();
  return new Map(rows.map((row) => [row.payment_hash!, row]));
}

/** Invoices by their wallet's own names for them, whoever's they are. */
export async function invoicesByRef(
  db: Kysely<Tables>,
  wallet: string,
  refs: string[],
): Promise<Map<string, Known>> {
  if (refs.length === 0) return new Map();
  const rows = await db.selectFrom("invoices").select(["wallet_ref", "id", "merchant", "state"])
    .where("wallet", "=", wallet).where("wallet_ref", "in", refs).execute();
  return new Map(rows.map((row) => [row.wallet_ref!, row]));
}

/** Which of these payments are in the books. */
export async function bookedHashes(db: Kysely<Tables>, hashes: string[]): Promise<Set<string>> {
  if (hashes.length === 0) return new Set();
  const rows = await db.selectFrom("payments").select("payment_hash").where("payment_hash", "in", hashes)
    .execute();
  return new Set(rows.map((row) => row.payment_hash));
}

/** The merchant's orders whose id begins with these hex digits. */
export async function ordersThatBegin(
  db: Kysely<Tables>,
  merchant: string,
  digits: string,
): Promise<string[]> {
  const rows = await db.selectFrom("orders").select("id").where("merchant", "=", merchant)
    .where("id", "like", `${digits}%`).limit(2).execute();
  return rows.map((row) => row.id);
}

/** The oldest attempt of an order at this wallet, for this amount, whose answer never came. */
export async function unansweredAttempt(
  tx: Tx,
  o: { orderId: string; wallet: string; amountMsat: bigint },
): Promise<InvoiceRow | undefined> {
  return await tx.selectFrom("invoices").selectAll()
    .where("order_id", "=", o.orderId).where("wallet", "=", o.wallet)
    .where("amount_msat", "=", Number(o.amountMsat)).where("payment_hash", "is", null)
    .where("state", "in", ["creating", "void", "failed"])
    .orderBy("attempt").executeTakeFirst();
}

/** Orders with an attempt at this wallet whose answer never came, the newest first. */
export async function unansweredOrders(
  db: Kysely<Tables>,
  o: { merchant: string; wallet: string; limit: number },
): Promise<string[]> {
  const rows = await db.selectFrom("invoices").select("order_id").distinct().select("created_at")
    .where("merchant", "=", o.merchant).where("wallet", "=", o.wallet).where("payment_hash", "is", null)
    .where("state", "in", ["creating", "void", "failed"])
    .orderBy("created_at", "desc").limit(o.limit).execute();
  return [...new Set(rows.map((row) => row.order_id))];
}
