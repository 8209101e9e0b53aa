import { type Kysely, sql } from "kysely";
import type { Database, Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import {
  blankAnswers,
  eraseArrivals,
  eraseMessages,
  eraseOrders,
  erasePerson,
  erasePosts,
  type Person,
} from "./erase_store.ts";
import { COMPLETE, OPEN_REFUND } from "./retention_store.ts";

const AT_ONCE = 100;

/** Why a customer can't be forgotten yet: an order that somebody still has to do something about, or a refund. */
export async function standsAgainst(
  db: Kysely<Tables>,
  o: Person,
): Promise<{ orderId: string | null; why: "open" | "unshipped" | "refund" }[]> {
  const orders = await db.selectFrom("orders").select(["id", "payment", "fulfilment"])
    .where("merchant", "=", o.merchant).where("customer", "=", o.customer)
    .where(sql<boolean>`not ${COMPLETE}`).orderBy("created_at").execute();
  const refunds = await db.selectFrom("refunds").select("order_id")
    .where("customer", "=", o.customer).where("merchant", "=", o.merchant)
    .where("state", "in", OPEN_REFUND).execute();
  const found = orders.map(({ id, payment }) => ({
    orderId: id as string | null,
    why: payment === "refund_due"
      ? "refund" as const
      : ["paid", "overpaid"].includes(payment)
      ? "unshipped" as const
      : "open" as const,
  }));
  const listed = new Set(found.map((one) => one.orderId));
  for (const { order_id } of refunds) {
    if (order_id === null || !listed.has(order_id)) found.push({ orderId: order_id, why: "refund" });
  }
  return found;
}

/**
 * One portion of everything of one customer, whatever its age; the caller has seen that nothing stands against it. Answers
 * how many orders and messages it was, and whether there is more.
 */
export async function forgetPersonPortion(
  tx: Tx,
  o: Person & { limit: number; now: number },
): Promise<{ orders: number; messages: number; more: boolean }> {
  const { merchant, customer, limit, now } = o;
  const orders = await tx.selectFrom("orders").select("id")
    .where("merchant", "=", merchant).where("customer", "=", customer).where("forgotten_at", "is", null)
    .limit(limit).$if(tx.dialect === "postgres", (q) => q.forUpdate()).execute();
  const ofOrders = await eraseOrders(tx, orders.map((row) => row.id), now);
  const messages = await tx.selectFrom("messages").select(["seq", "event_id"])
    .where("merchant", "=", merchant).where("customer", "=", customer).limit(limit).execute();
  await eraseMessages(tx, merchant, messages);
  const posted = await tx.selectFrom("outbox_events").select("event_id")
    .where("recipient", "=", customer).where("merchant", "=", merchant).limit(limit).execute();
  await erasePosts(tx, posted.map((row) => row.event_id));
  const more = [orders, messages, posted].some((rows) => rows.length === limit);
  if (!more) {
    await erasePerson(tx, { merchant, customer }, now);
    await blankAnswers(tx, sql<boolean>`path like '/api/v1/messages%'`);
  }
  return { orders: orders.length, messages: ofOrders + messages.length, more };
}

/** A customer's arrivals in one stretch of the inbox, by order of arrival: also what no message was made of. */
export async function arrivalsOf(
  database: Database,
  o: Person & { after: number; stretch: number },
): Promise<{ eventIds: string[]; next: number | null }> {
  const end = o.after + o.stretch;
  const { customer } = o;
  const rows = await database.kysely.selectFrom("inbox").select("event_id")
    .where("seq", ">", o.after).where("seq", "<=", end).where("merchant", "=", o.merchant)
    .where((eb) => eb.or([eb("sender", "=", customer), eb("author", "=", customer)]))
    .where("event", "!=", "").execute();
  const newest = await database.kysely.selectFrom("inbox").select((eb) => eb.fn.max("seq").as("seq"))
    .executeTakeFirst();
  return { eventIds: rows.map((row) => row.event_id), next: (newest?.seq ?? 0) > end ? end : null };
}

/** Empties those arrivals, and deletes the built-in relay's copies. */
export async function eraseArrivalsOf(tx: Tx, who: Person, eventIds: string[]): Promise<void> {
  for (let i = 0; i < eventIds.length; i += AT_ONCE) {
    await eraseArrivals(tx, who.merchant, eventIds.slice(i, i + AT_ONCE));
  }
}
