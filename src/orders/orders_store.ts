import { type Kysely, type Selectable, sql, type Updateable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { OrderItemsTable, OrdersTable, PaymentState, Tables } from "../db/tables.ts";
import { REPLY_JOB } from "./replies.ts";
import type { QuotedLine } from "./types.ts";

export type OrderRow = Selectable<OrdersTable>;
export type OrderItemRow = Selectable<OrderItemsTable>;

/** States in which an order waits for money and counts towards the customer's cap. */
export const openStates: PaymentState[] = ["quoting", "awaiting", "held"];

/** Who ordered what, in the customer's words: unique together. */
export interface OrderKey {
  merchant: string;
  customer: string;
  customerOrderId: string;
}

/** The order with this id, locked until the transaction ends. */
export async function lockOrder(tx: Tx, id: string): Promise<OrderRow | undefined> {
  return await tx.selectFrom("orders").selectAll().where("id", "=", id)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

/** The order that a customer knows by this id, locked. */
export async function lockOrderByKey(tx: Tx, key: OrderKey): Promise<OrderRow | undefined> {
  return await tx.selectFrom("orders").selectAll()
    .where("merchant", "=", key.merchant).where("customer", "=", key.customer)
    .where("customer_order_id", "=", key.customerOrderId)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

/** Stores a new order with its lines. Fails when the customer has used its id before. */
export async function insertOrder(tx: Tx, row: OrderRow, lines: QuotedLine[]): Promise<void> {
  await tx.insertInto("orders").values(row).execute();
  await insertItems(tx, row.id, lines);
}

export async function updateOrder(tx: Tx, id: string, change: Updateable<OrdersTable>): Promise<void> {
  await tx.updateTable("orders").set(change).where("id", "=", id).execute();
}

/** How many unpaid orders the customer has open. */
export async function countOpen(tx: Tx, merchant: string, customer: string): Promise<number> {
  const row = await tx.selectFrom("orders").select((eb) => eb.fn.countAll<number>().as("n"))
    .where("merchant", "=", merchant).where("customer", "=", customer)
    // Written out, so that the partial index `orders_open` is used.
    .where(sql<boolean>`payment in ('quoting', 'awaiting', 'held')`)
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** Puts the lines of a quote in place of what the order had. */
export async function replaceItems(tx: Tx, orderId: string, lines: QuotedLine[]): Promise<void> {
  await tx.deleteFrom("order_items").where("order_id", "=", orderId).execute();
  await insertItems(tx, orderId, lines);
}

async function insertItems(tx: Tx, orderId: string, lines: QuotedLine[]): Promise<void> {
  if (lines.length === 0) return;
  await tx.insertInto("order_items").values(lines.map((line, i) => ({
    order_id: orderId,
    line: i + 1,
    product_id: line.productId,
    name: line.name,
    quantity: line.quantity,
    price: line.price,
    currency: line.currency,
    digital: line.digital ? 1 as const : 0 as const,
  }))).execute();
}

export async function itemsOf(db: Kysely<Tables>, orderIds: string[]): Promise<OrderItemRow[]> {
  if (orderIds.length === 0) return [];
  return await db.selectFrom("order_items").selectAll().where("order_id", "in", orderIds)
    .orderBy("order_id").orderBy("line").execute();
}

/** Adds lines to the order's timeline and answers the last one's number: unique and growing, replies are numbered by it. */
export async function addTimeline(
  tx: Tx,
  orderId: string,
  at: number,
  lines: { event: string; text: string }[],
): Promise<number> {
  const rows = await tx.insertInto("order_timeline")
    .values(lines.map(({ event, text }) => ({ order_id: orderId, at, event, text })))
    .returning("seq").execute();
  return Math.max(...rows.map((row) => row.seq));
}

/**
 * When the job is due (ms) that tells the customer of an earlier line of the timeline, or of the order's refund (a job before
 * `jobId`), and hasn't ended yet; undefined when all before `seq` have been told.
 */
export async function earlierReplyDue(
  tx: Tx,
  orderId: string,
  { seq, jobId }: { seq: number; jobId: number },
): Promise<number | undefined> {
  // One part for each state, written out: partial indexes serve a query only if its text says so.
  const parts = ["ready", "running"].flatMap((state) => [
    sql`select jobs.run_at from order_timeline join jobs on jobs.kind = ${sql.lit(REPLY_JOB)}
        and jobs.key = order_timeline.order_id || ':' || order_timeline.seq and jobs.state = ${sql.lit(state)}
      where order_timeline.order_id = ${orderId} and order_timeline.seq < ${seq}`,
    // Its key is "refund:", the refund's UUID, and what is told.
    sql`select jobs.run_at from refunds join jobs on jobs.kind = 'refund.tell' and jobs.state = ${
      sql.lit(state)
    }
        and substr(jobs.key, 8, 36) = refunds.id and jobs.id < ${jobId}
      where refunds.order_id = ${orderId}`,
  ]);
  const { rows } = await sql<{ run_at: number | null }>`
    select max(run_at) as run_at from (${sql.join(parts, sql` union all `)}) as earlier`.execute(tx);
  return rows[0]?.run_at ?? undefined;
}

/** What a list of orders may be narrowed to. */
export interface OrderFilter {
  merchant?: string | undefined;
  customer?: string | undefined;
  payment?: PaymentState | undefined;
  fulfilment?: OrderRow["fulfilment"] | undefined;
}

/** Newest first, after the row that `after` names (keyset). */
export async function listOrders(
  db: Kysely<Tables>,
  filter: OrderFilter,
  page: Slice<[createdAt: number, id: string]>,
): Promise<OrderRow[]> {
  return await db.selectFrom("orders").selectAll()
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.customer !== undefined, (q) => q.where("customer", "=", filter.customer!))
    .$if(filter.payment !== undefined, (q) => q.where("payment", "=", filter.payment!))
    .$if(filter.fulfilment !== undefined, (q) => q.where("fulfilment", "=", filter.fulfilment!))
    .where(isAfter(page.after, ["created_at", "id"], "<"))
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(page.limit).execute();
}

export async function findOrder(db: Kysely<Tables>, id: string): Promise<OrderRow | undefined> {
  return await db.selectFrom("orders").selectAll().where("id", "=", id).executeTakeFirst();
}

/** Whether this customer has ever paid one of these merchants. */
export async function hasPaidBefore(
  db: Kysely<Tables>,
  merchants: string[],
  customer: string,
): Promise<boolean> {
  if (merchants.length === 0) return false;
  const row = await db.selectFrom("orders").select("id").where("merchant", "in", merchants)
    .where("customer", "=", customer).where("paid_at", "is not", null).limit(1).executeTakeFirst();
  return row !== undefined;
}
