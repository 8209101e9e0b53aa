import { type Kysely, sql } from "kysely";
import { serial } from "./serial.ts";

// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
type AnyDb = Kysely<any>;

/** What trust needs: refunds, what the owners were told, what is out of order, who may do what, how far wallets were swept. */
export async function up(db: AnyDb): Promise<void> {
  await db.schema.createTable("refunds")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("order_id", "text")
    .addColumn("payment_id", "text")
    .addColumn("customer", "text")
    .addColumn("amount_msat", "bigint", (c) => c.notNull().check(sql`amount_msat > 0`))
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("destination", "text")
    .addColumn("destination_event", "text")
    .addColumn("payment_hash", "text", (c) => c.unique())
    .addColumn("wallet", "text")
    .addColumn("fee_msat", "bigint")
    .addColumn("approved_by", "text")
    .addColumn("approved_at", "bigint")
    .addColumn("asked_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addColumn("note", "text")
    .addColumn("refusals", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("refunds_by_customer").on("refunds").columns(["customer", "merchant"])
    .execute();
  await db.schema.createIndex("refunds_by_time").on("refunds").columns(["created_at", "id"]).execute();
  await db.schema.createIndex("refunds_open").on("refunds").columns(["merchant"])
    .where(sql<boolean>`state in ('due', 'approved', 'sending', 'unknown')`).execute();
  await db.schema.createIndex("refunds_by_order").on("refunds").columns(["order_id"]).execute();
  // Σ refunds ≤ received, whatever the code believes.
  await db.schema.alterTable("orders").addColumn(
    "refunding_msat",
    "bigint",
    (c) => c.notNull().defaultTo(0).check(sql`refunding_msat >= 0 and refunding_msat <= received_msat`),
  ).execute();
  await db.schema.alterTable("payments").addColumn(
    "refunding_msat",
    "bigint",
    (c) => c.notNull().defaultTo(0).check(sql`refunding_msat >= 0 and refunding_msat <= amount_msat`),
  ).execute();

  await serial(db, "notices", "seq")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("fact", "text", (c) => c.notNull())
    .addColumn("order_id", "text")
    .addColumn("text", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addUniqueConstraint("notices_once", ["merchant", "fact"])
    .execute();

  await db.schema.createTable("conditions")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("raised_at", "bigint", (c) => c.notNull())
    .addColumn("cleared_at", "bigint")
    .addColumn("detail", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("conditions_pk", ["merchant", "name", "raised_at"])
    .execute();
  await db.schema.createIndex("conditions_one_raised").on("conditions").columns(["merchant", "name"]).unique()
    .where(sql.ref("cleared_at"), "is", null).execute();
  await db.schema.alterTable("merchants").addColumn("halted", "text").execute();
  await db.schema.alterTable("merchants").addColumn("moved_to", "text").execute();
  await db.schema.alterTable("merchants").addColumn("moved_at", "bigint").execute();

  // Where an unfinished catch-up stands (nostr/catch_up_store.ts).
  await db.schema.createTable("catch_ups")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("relay", "text", (c) => c.notNull())
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("kind", "integer", (c) => c.notNull())
    .addColumn("until", "bigint")
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("catch_ups_pk", ["merchant", "relay"])
    .execute();

  await db.schema.createTable("recipient_relays")
    .addColumn("pubkey", "text", (c) => c.primaryKey())
    .addColumn("dm_relays", "text", (c) => c.notNull())
    .addColumn("read_relays", "text", (c) => c.notNull())
    .addColumn("looked_up_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.alterTable("outbox_events").addColumn("message_id", "text").execute();
  await db.schema.createIndex("outbox_events_by_message").on("outbox_events").columns(["message_id"])
    .where(sql.ref("message_id"), "is not", null).execute();
  await db.schema.alterTable("outbox").addColumn("reads", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("outbox").addColumn("resends", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("outbox_events").addColumn("recipient", "text").execute();
  await db.schema.alterTable("outbox_events").addColumn(
    "reads_ours",
    "integer",
    (c) => c.notNull().defaultTo(0),
  ).execute();
  await db.schema.alterTable("outbox_events").addColumn("undelivered_at", "bigint").execute();
  await db.schema.createIndex("outbox_events_by_recipient").on("outbox_events")
    .columns(["recipient", "created_at"]).where(sql.ref("recipient"), "is not", null).execute();
  await db.schema.createIndex("outbox_events_by_time").on("outbox_events").columns(["created_at"]).execute();

  // Who is read first, what may be shed when too much waits, and what is forgotten after a week.
  await db.schema.alterTable("inbox").addColumn("lane", "integer", (c) => c.notNull().defaultTo(1)).execute();
  await db.schema.alterTable("inbox").addColumn("sheddable", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("inbox").addColumn("junk_bytes", "bigint").execute();
  await db.schema.dropIndex("inbox_waiting").execute();
  await db.schema.createIndex("inbox_waiting").on("inbox").columns(["lane", "next_at", "seq"])
    .where(sql.ref("state"), "=", sql.lit("new")).execute();
  await db.schema.createIndex("inbox_by_author").on("inbox").columns(["merchant", "author"])
    .where(sql.ref("state"), "=", sql.lit("new")).execute();
  await db.schema.createIndex("inbox_sheddable").on("inbox").columns(["merchant", "seq"])
    .where(sql<boolean>`state = 'new' and sheddable = 1`).execute();
  await db.schema.createIndex("inbox_junk").on("inbox").columns(["received_at", "seq", "junk_bytes"])
    .where(sql.ref("junk_bytes"), "is not", null).execute();

  // Whose turn it is: one merchant's jobs must not keep another's from running.
  await db.schema.alterTable("jobs").addColumn("merchant", "text", (c) => c.notNull().defaultTo(""))
    .execute();
  await db.schema.createIndex("jobs_lanes").on("jobs").columns(["kind", "merchant", "run_at", "id"])
    .where(sql.ref("state"), "=", sql.lit("ready")).execute();

  await db.schema.createTable("sweeps")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("wallet", "text", (c) => c.notNull())
    .addColumn("swept_to", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("sweeps_pk", ["merchant", "wallet"])
    .execute();

  await db.schema.createTable("tokens")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text")
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("scopes", "text", (c) => c.notNull())
    .addColumn("hash", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("last_used_at", "bigint")
    .addColumn("expires_at", "bigint")
    .addColumn("revoked_at", "bigint")
    .execute();

  await db.schema.createTable("settings")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("value", "text", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();

  await db.schema.createTable("earlier_prices")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("until", "bigint", (c) => c.notNull())
    .addColumn("terms", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("earlier_prices_pk", ["merchant", "kind", "id", "until"])
    .execute();
  await db.schema.alterTable("orders").addColumn("price_note", "text").execute();

  // After a restored backup: what the relays say that our key said since (orders/said_before_store.ts).
  await db.schema.createTable("said_before")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("event_id", "text", (c) => c.notNull())
    .addColumn("customer", "text", (c) => c.notNull())
    .addColumn("order_ref", "text")
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("statement", "text", (c) => c.notNull())
    .addColumn("bolt11", "text")
    .addColumn("note", "text")
    .addColumn("at_seconds", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("said_before_pk", ["merchant", "event_id"])
    .execute();
  await db.schema.createIndex("said_before_by_order").on("said_before")
    .columns(["merchant", "customer", "order_ref"]).execute();
  await db.schema.createTable("published_before")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("kind", "integer", (c) => c.notNull())
    .addColumn("d", "text", (c) => c.notNull())
    .addColumn("event_id", "text", (c) => c.notNull())
    .addColumn("at_seconds", "bigint", (c) => c.notNull())
    .addColumn("content", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("published_before_pk", ["merchant", "kind", "d"])
    .execute();

  await db.schema.alterTable("holds").addColumn("newcomer", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  // Of what is held, the part of keys that had never paid.
  await db.schema.alterTable("stock").addColumn("newcomers_held", "bigint", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("orders").addColumn("unheld", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("orders").addColumn("brief", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.createIndex("orders_paid").on("orders").columns(["merchant", "customer"])
    .where(sql.ref("paid_at"), "is not", null).execute();
  await db.schema.alterTable("orders").addColumn("forgotten_at", "bigint").execute();
  // Whether the customer heard that the invoice takes longer.
  await db.schema.alterTable("orders").addColumn("delay_told", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  // Whose customer's data is taken out next.
  await db.schema.createIndex("orders_to_forget").on("orders").columns(["updated_at", "id"])
    .where(sql.ref("forgotten_at"), "is", null).execute();
}
