import { type Kysely, sql } from "kysely";
import { publishAt, STALL_KIND } from "../catalog/publish_queue.ts";
import type { Database, Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { takeOverTime } from "../nostr/key_clock.ts";
import { textList } from "../nostr/sql_list.ts";

/** A stall or product event of a merchant's key on some relay. */
export interface PublishedEvent {
  merchant: string;
  kind: number;
  d: string;
  event_id: string;
  at_seconds: number;
  content: string;
}

/** After the orders of before have been decided, so that their sales are in it. */
const REPUBLISH_MS = 60_000;
const SHOWN = 50;

/**
 * Keeps what is newer than all that this database has published, and takes its time over, so that what follows replaces it.
 * What we posted ourselves is no news.
 */
export async function keepPublished(database: Database, events: PublishedEvent[]): Promise<void> {
  const ours = await database.kysely.selectFrom("outbox_events").select("event_id")
    .where("event_id", "in", textList(database.dialect, events.map((event) => event.event_id))).execute();
  const known = new Set(ours.map((row) => row.event_id));
  const news = events.filter((event) => !known.has(event.event_id));
  if (news.length === 0) return;
  await database.transaction(async (tx) => {
    for (const event of news) {
      const { merchant, kind, d, at_seconds } = event;
      if (await publishedAt(tx, event) >= at_seconds) continue;
      await tx.insertInto("published_before").values(event)
        .onConflict((on) =>
          on.columns(["merchant", "kind", "d"]).doUpdateSet({
            event_id: event.event_id,
            at_seconds,
            content: event.content,
          }).where("published_before.at_seconds", "<", at_seconds)
        ).execute();
      await takeOverTime(tx, { pubkey: merchant, of: { kind, d }, at: at_seconds });
    }
  });
}

/** Seconds; 0 for what was never published. */
async function publishedAt(tx: Tx, { merchant, kind, d }: PublishedEvent): Promise<number> {
  const row = await tx.selectFrom(kind === STALL_KIND ? "stalls" : "products").select("published_at")
    .where("merchant", "=", merchant).where("id", "=", d).executeTakeFirst();
  return Math.floor((row?.published_at ?? 0) / 1000);
}

/** Has everything published again of which the relays have another version: the books decide from now on. */
export async function publishAgain(tx: Tx, now: number): Promise<void> {
  for (const { merchant, kind, d } of await tx.selectFrom("published_before").selectAll().execute()) {
    const known = await tx.updateTable(kind === STALL_KIND ? "stalls" : "products")
      .set({ published_hash: "" })
      .where("merchant", "=", merchant).where("id", "=", d).where("published_hash", "is not", null)
      .executeTakeFirst();
    if (known.numUpdatedRows === 0n) continue;
    await publishAt(tx, { merchant, kind: kind as 30017 | 30018, d }, now + REPUBLISH_MS, now);
  }
}

/** Whether an approved refund was paid since the backup is unknown: the wallet is asked first, nothing is sent blindly. */
export async function doubtRefunds(
  tx: Tx,
  walletOf: (merchant: string) => string | null,
  now: number,
): Promise<number> {
  const rows = await tx.selectFrom("refunds").selectAll().where("state", "in", ["approved", "sending"])
    .execute();
  for (const { id, merchant, wallet, asked_at } of rows) {
    await tx.updateTable("refunds").set({
      state: "unknown",
      wallet: wallet ?? walletOf(merchant),
      asked_at: asked_at ?? now,
      note: "A backup was restored: whether it was paid since is unknown.",
      updated_at: now,
    }).where("id", "=", id).execute();
  }
  return rows.length;
}

/** An order that customers were told of, and how. */
export interface ToldOrder {
  merchant: string;
  customer: string;
  customer_order_id: string;
  told: string;
}

/** Orders that the relays know as answered and the database doesn't have. */
export async function unknownOrders(db: Kysely<Tables>): Promise<{ count: number; some: ToldOrder[] }> {
  const rows = await db.selectFrom("said_before").select(["merchant", "customer", "order_ref"])
    .select((e) => e.fn.max("statement").as("told"))
    .where("order_ref", "is not", null)
    .where((e) =>
      e.not(e.exists(
        e.selectFrom("orders").select("orders.id").whereRef("orders.merchant", "=", "said_before.merchant")
          .whereRef("orders.customer", "=", "said_before.customer")
          .whereRef("orders.customer_order_id", "=", "said_before.order_ref"),
      ))
    )
    .groupBy(["merchant", "customer", "order_ref"]).orderBy("order_ref").execute();
  const some = rows.slice(0, SHOWN).map(({ merchant, customer, order_ref, told }) => ({
    merchant,
    customer,
    customer_order_id: order_ref!,
    told: wordsOf(told),
  }));
  return { count: rows.length, some };
}

/** An order whose customer was told more than the books know. */
export interface AheadOrder extends ToldOrder {
  id: string;
  payment: string;
  fulfilment: string;
}

/** Orders in the database whose customers were told `paid` or `shipped`, and the database doesn't say so. */
export async function ordersAhead(db: Kysely<Tables>): Promise<AheadOrder[]> {
  const rows = await db.selectFrom("said_before").innerJoin(
    "orders",
    (join) =>
      join.onRef("orders.merchant", "=", "said_before.merchant")
        .onRef("orders.customer", "=", "said_before.customer")
        .onRef("orders.customer_order_id", "=", "said_before.order_ref"),
  ).select([
    "orders.id",
    "orders.merchant",
    "orders.customer",
    "orders.customer_order_id",
    "orders.payment",
    "orders.fulfilment",
    "said_before.statement",
  ]).where("said_before.kind", "=", "status").where("said_before.statement", "like", "2:true:%")
    .where((e) =>
      e.or([
        e("orders.paid_at", "is", null),
        e.and([
          e("said_before.statement", "like", "2:true:true:%"),
          e("orders.fulfilment", "in", ["none", "unfulfilled"]),
        ]),
      ])
    ).orderBy("orders.created_at").execute();
  const ahead = new Map<string, AheadOrder>();
  for (const { statement, ...order } of rows) {
    const before = ahead.get(order.id);
    const told = wordsOf(statement);
    if (!before || told === SHIPPED) ahead.set(order.id, { ...order, told });
  }
  return [...ahead.values()];
}

/** What the counts of the report say. */
export interface Figures {
  said: number;
  payments: number;
  received_msat: number;
  unmatched: number;
  messages_waiting: number;
  jobs_waiting: number;
  refunds_in_doubt: number;
}

/** Money booked and work that has gathered since the restore. */
export async function figuresSince(db: Kysely<Tables>, since: number, held: string): Promise<Figures> {
  const count = sql<number>`count(*)`;
  const said = await db.selectFrom("said_before").select(count.as("n")).executeTakeFirstOrThrow();
  const money = await db.selectFrom("payments")
    .select([count.as("n"), sql<number | null>`sum(amount_msat)`.as("sum")])
    .where("created_at", ">=", since).executeTakeFirstOrThrow();
  const unmatched = await db.selectFrom("payments").select(count.as("n"))
    .where("created_at", ">=", since).where("state", "=", "unmatched").executeTakeFirstOrThrow();
  const inbox = await db.selectFrom("inbox").select(count.as("n")).where(
    "state",
    "=",
    sql.lit("new" as const),
  )
    .executeTakeFirstOrThrow();
  const jobs = await db.selectFrom("jobs").select(count.as("n")).where("last_error", "=", held)
    .executeTakeFirstOrThrow();
  const refunds = await db.selectFrom("refunds").select(count.as("n"))
    .where("state", "in", ["approved", "sending", "unknown"]).executeTakeFirstOrThrow();
  return {
    said: Number(said.n),
    payments: Number(money.n),
    received_msat: Number(money.sum ?? 0),
    unmatched: Number(unmatched.n),
    messages_waiting: Number(inbox.n),
    jobs_waiting: Number(jobs.n),
    refunds_in_doubt: Number(refunds.n),
  };
}

/** A stall or product of which the relays have a newer version than the database. */
export interface PublishedDifference {
  merchant: string;
  kind: number;
  d: string;
  at_seconds: number;
  content: string;
  /** The database has it. */
  known: boolean;
}

export async function publishedDifferences(db: Kysely<Tables>): Promise<PublishedDifference[]> {
  const rows = await db.selectFrom("published_before").selectAll().orderBy("kind").orderBy("d").execute();
  return await Promise.all(rows.map(async ({ event_id: _, ...row }) => {
    const known = await db.selectFrom(row.kind === STALL_KIND ? "stalls" : "products").select("id")
      .where("merchant", "=", row.merchant).where("id", "=", row.d).executeTakeFirst();
    return { ...row, known: known !== undefined };
  }));
}

const SHIPPED = "paid and shipped";

function wordsOf(statement: string): string {
  if (statement.startsWith("2:true:true")) return SHIPPED;
  if (statement.startsWith("2:true")) return "paid";
  if (statement.startsWith("2:")) return "not taken";
  return statement.startsWith("1:refused") ? "refused" : "asked to pay";
}
