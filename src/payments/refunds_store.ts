import { type Kysely, type Selectable, sql, type Updateable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { RefundsTable, RefundState, Tables } from "../db/tables.ts";
import type { RefundSums } from "../orders/types.ts";

export type RefundRow = Selectable<RefundsTable>;

export async function insertRefund(
  tx: Tx,
  row: Pick<
    RefundRow,
    "id" | "merchant" | "order_id" | "payment_id" | "customer" | "amount_msat" | "reason" | "created_at"
  >,
): Promise<RefundRow> {
  return await tx.insertInto("refunds").values({ ...row, state: "due", updated_at: row.created_at })
    .returningAll().executeTakeFirstOrThrow();
}

export async function findRefund(db: Kysely<Tables>, id: string): Promise<RefundRow | undefined> {
  return await db.selectFrom("refunds").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The refund, locked until the transaction ends. Its order or payment is locked before it, always. */
export async function lockRefund(tx: Tx, id: string): Promise<RefundRow | undefined> {
  return await tx.selectFrom("refunds").selectAll().where("id", "=", id)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

/** Changes a locked refund and answers how it stands then. */
export async function updateRefund(
  tx: Tx,
  refund: RefundRow,
  change: Updateable<RefundsTable>,
  now: number,
): Promise<RefundRow> {
  return await tx.updateTable("refunds").set({ ...change, updated_at: now }).where("id", "=", refund.id)
    .returningAll().executeTakeFirstOrThrow();
}

/** The refund that goes, went or may go to this payment hash. */
export async function findRefundByHash(
  db: Kysely<Tables>,
  paymentHash: string,
): Promise<RefundRow | undefined> {
  return await db.selectFrom("refunds").selectAll().where("payment_hash", "=", paymentHash)
    .executeTakeFirst();
}

/** An order's refunds, oldest first. */
export async function refundsOf(db: Kysely<Tables>, orderId: string): Promise<RefundRow[]> {
  return await db.selectFrom("refunds").selectAll().where("order_id", "=", orderId)
    .orderBy("created_at").orderBy("id").execute();
}

/** The refunds of several orders, oldest first. */
export async function refundsOfOrders(db: Kysely<Tables>, orderIds: string[]): Promise<RefundRow[]> {
  if (orderIds.length === 0) return [];
  return await db.selectFrom("refunds").selectAll().where("order_id", "in", orderIds)
    .orderBy("created_at").orderBy("id").execute();
}

/** The refunds of an unmatched payment, oldest first. */
export async function refundsOfPayment(db: Kysely<Tables>, paymentId: string): Promise<RefundRow[]> {
  return await db.selectFrom("refunds").selectAll().where("payment_id", "=", paymentId)
    .orderBy("created_at").orderBy("id").execute();
}

/** What waits for a destination or an approval of a customer's, oldest first. */
export async function dueTo(tx: Tx, merchant: string, customer: string): Promise<RefundRow[]> {
  return await tx.selectFrom("refunds").selectAll()
    .where("customer", "=", customer).where("merchant", "=", merchant).where("state", "=", "due")
    .orderBy("created_at").orderBy("id").execute();
}

/** What of an order's money goes back or has gone back. A refund in doubt that is tried again stays in doubt. */
export async function refundSums(db: Kysely<Tables>, orderId: string): Promise<RefundSums> {
  const sums = { openMsat: 0n, outMsat: 0n, backMsat: 0n };
  for (const refund of await refundsOf(db, orderId)) {
    const amount = BigInt(refund.amount_msat);
    if (refund.state === "sent" || refund.state === "by_hand") sums.backMsat += amount;
    else if (refund.state !== "cancelled") sums[refund.asked_at === null ? "openMsat" : "outMsat"] += amount;
  }
  return sums;
}

/** Keeps an amount of an order's money for a refund; false when that much isn't left of what was received. */
export async function reserveOfOrder(tx: Tx, orderId: string, amountMsat: bigint): Promise<boolean> {
  const result = await tx.updateTable("orders")
    .set((eb) => ({ refunding_msat: eb("refunding_msat", "+", Number(amountMsat)) }))
    .where("id", "=", orderId)
    .where((eb) => eb(eb("refunding_msat", "+", Number(amountMsat)), "<=", eb.ref("received_msat")))
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** The same of a payment that no order has. */
export async function reserveOfPayment(tx: Tx, paymentId: string, amountMsat: bigint): Promise<boolean> {
  const result = await tx.updateTable("payments")
    .set((eb) => ({ refunding_msat: eb("refunding_msat", "+", Number(amountMsat)) }))
    .where("id", "=", paymentId).where("state", "=", "unmatched")
    .where((eb) => eb(eb("refunding_msat", "+", Number(amountMsat)), "<=", eb.ref("amount_msat")))
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** Ends a reservation: the refund is cancelled. */
export async function giveBack(tx: Tx, refund: RefundRow): Promise<void> {
  const less = sql<number>`refunding_msat - ${refund.amount_msat}`;
  if (refund.order_id !== null) {
    await tx.updateTable("orders").set({ refunding_msat: less }).where("id", "=", refund.order_id).execute();
  } else if (refund.payment_id !== null) {
    await tx.updateTable("payments").set({ refunding_msat: less }).where("id", "=", refund.payment_id)
      .execute();
  }
}

/** The unmatched payment has gone back whole. */
export async function markPaymentRefunded(tx: Tx, paymentId: string): Promise<void> {
  await tx.updateTable("payments").set({ state: "refunded" }).where("id", "=", paymentId)
    .where("state", "=", "unmatched").execute();
}

/** What was approved without a person since then, msat. The merchant is locked, so that no two take the same budget. */
export async function approvedByItself(
  tx: Tx,
  o: { merchant: string; by: string; since: number },
): Promise<bigint> {
  await tx.selectFrom("merchants").select("pubkey").where("pubkey", "=", o.merchant)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).execute();
  const row = await tx.selectFrom("refunds").select((eb) => eb.fn.sum("amount_msat").as("msat"))
    .where("merchant", "=", o.merchant).where("approved_by", "=", o.by).where("approved_at", ">", o.since)
    .executeTakeFirst();
  return BigInt(row?.msat ?? 0);
}

/** Why nothing of this merchant may be answered or paid now; null when it may. */
export async function haltedBecause(tx: Tx, merchant: string): Promise<string | null> {
  const row = await tx.selectFrom("merchants").select("halted").where("pubkey", "=", merchant)
    .executeTakeFirst();
  return row?.halted ?? null;
}

/** Whose a refund is, and whether its merchant answers. */
export async function refundAddressee(
  tx: Tx,
  id: string,
): Promise<{ merchant: string; customer: string | null; halted: string | null } | undefined> {
  const refund = await findRefund(tx, id);
  return refund && {
    merchant: refund.merchant,
    customer: refund.customer,
    halted: await haltedBecause(tx, refund.merchant),
  };
}

/** A BOLT11 that the merchant's own wallet made, of the refund's order if it has one: it tells the network of the money. */
export async function anyInvoice(tx: Tx, refund: RefundRow): Promise<string | null> {
  const made = tx.selectFrom("invoices").select("bolt11").where("bolt11", "is not", null)
    .orderBy("created_at", "desc").limit(1);
  const own = refund.order_id === null
    ? undefined
    : await made.where("order_id", "=", refund.order_id).executeTakeFirst();
  const row = own ?? await made.where("merchant", "=", refund.merchant).executeTakeFirst();
  return row?.bolt11 ?? null;
}

/** What a list of refunds may be narrowed to. */
export interface RefundFilter {
  merchant?: string | undefined;
  orderId?: string | undefined;
  paymentId?: string | undefined;
  state?: RefundState | undefined;
}

/** Newest first, after the row that `after` names (keyset). */
export async function listRefunds(
  db: Kysely<Tables>,
  filter: RefundFilter,
  page: Slice<[createdAt: number, id: string]>,
): Promise<RefundRow[]> {
  return await db.selectFrom("refunds").selectAll()
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.orderId !== undefined, (q) => q.where("order_id", "=", filter.orderId!))
    .$if(filter.paymentId !== undefined, (q) => q.where("payment_id", "=", filter.paymentId!))
    .$if(filter.state !== undefined, (q) => q.where("state", "=", filter.state!))
    .where(isAfter(page.after, ["created_at", "id"], "<"))
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(page.limit).execute();
}

/** What a merchant's refunds wait for. */
export interface WaitingRefunds {
  /** Approved, and not known to be paid. */
  approved: number;
  /** Why the wallet refused the last of those that were approved and are due again; null when none is. */
  refusal: string | null;
}

/** The merchants whose refunds wait for the wallet that pays. */
export async function refundsWaiting(db: Kysely<Tables>): Promise<ReadonlyMap<string, WaitingRefunds>> {
  const rows = await db.selectFrom("refunds").select(["merchant", "state", "note"])
    // Word for word as the index has it: anybody may ask /readyz, however many refunds there were.
    .where(sql<boolean>`state in ('due', 'approved', 'sending', 'unknown')`)
    .where((eb) =>
      eb.or([
        eb("state", "in", ["approved", "sending", "unknown"]),
        // A refund that the wallet refused is due again, and says why.
        eb.and([eb("state", "=", "due"), eb("destination", "is not", null), eb("note", "is not", null)]),
      ])
    ).orderBy("updated_at").execute();
  const waiting = new Map<string, WaitingRefunds>();
  for (const { merchant, state, note } of rows) {
    const before = waiting.get(merchant) ?? { approved: 0, refusal: null };
    waiting.set(
      merchant,
      state === "due" ? { ...before, refusal: note } : { ...before, approved: before.approved + 1 },
    );
  }
  return waiting;
}
