import { type CreateTableBuilder, type Kysely, sql } from "kysely";
import { createEventTables } from "../src/nostr/event_tables.ts";
import { serial } from "./serial.ts";

// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
type AnyDb = Kysely<any>;

/** Everything that one sale needs, from the event that brings the order to the receipt of its last answer. */
export async function up(db: AnyDb): Promise<void> {
  await createEventTables(db);

  await serial(db, "inbox", "seq")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("event_id", "text", (c) => c.notNull())
    .addColumn("kind", "integer", (c) => c.notNull())
    .addColumn("author", "text", (c) => c.notNull())
    .addColumn("event", "text", (c) => c.notNull())
    .addColumn("relay", "text", (c) => c.notNull())
    .addColumn("received_at", "bigint", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("attempts", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("next_at", "bigint", (c) => c.notNull())
    .addColumn("sender", "text")
    .addColumn("rumor_id", "text")
    .addColumn("reason", "text")
    .addUniqueConstraint("inbox_event", ["merchant", "event_id"])
    .addUniqueConstraint("inbox_rumor", ["merchant", "rumor_id"])
    .execute();
  await db.schema.createIndex("inbox_waiting").on("inbox").columns(["next_at", "seq"])
    .where(sql.ref("state"), "=", sql.lit("new")).execute();
  // The few that were opened and put off: nothing of the same sender may overtake them.
  await db.schema.createIndex("inbox_put_off").on("inbox").columns(["merchant", "sender", "seq"])
    .where(sql<boolean>`state = 'new' and sender is not null`).execute();

  await db.schema.createTable("merchants")
    .addColumn("pubkey", "text", (c) => c.primaryKey())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("profile", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("pause_message", "text")
    .addColumn("key_source", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();

  await db.schema.createTable("secrets")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("sealed", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("secrets_pk", ["merchant", "name"])
    .execute();

  await db.schema.createTable("stalls")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("description", "text", (c) => c.notNull())
    .addColumn("currency", "text", (c) => c.notNull())
    .addColumn("shipping", "text", (c) => c.notNull())
    .$call(published)
    .addPrimaryKeyConstraint("stalls_pk", ["merchant", "id"])
    .execute();
  await db.schema.createIndex("stalls_by_time").on("stalls").columns(["created_at", "id"]).execute();

  await db.schema.createTable("products")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("stall_id", "text", (c) => c.notNull())
    .addColumn("type", "text", (c) => c.notNull())
    .addColumn("parent_id", "text")
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("description", "text", (c) => c.notNull())
    .addColumn("images", "text", (c) => c.notNull())
    .addColumn("currency", "text", (c) => c.notNull())
    .addColumn("price", "text", (c) => c.notNull())
    .addColumn("specs", "text", (c) => c.notNull())
    .addColumn("shipping", "text", (c) => c.notNull())
    .addColumn("categories", "text", (c) => c.notNull())
    .addColumn("digital", "integer", (c) => c.notNull())
    .addColumn("digital_content", "text")
    .addColumn("active", "integer", (c) => c.notNull())
    .$call(published)
    .addPrimaryKeyConstraint("products_pk", ["merchant", "id"])
    .execute();
  await db.schema.createIndex("products_by_time").on("products").columns(["created_at", "id"]).execute();
  await db.schema.createIndex("products_by_stall").on("products").columns(["merchant", "stall_id"]).execute();

  await db.schema.createTable("stock")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("product_id", "text", (c) => c.notNull())
    .addColumn("on_hand", "bigint", (c) => c.check(sql`on_hand is null or on_hand >= 0`))
    .addColumn("held", "bigint", (c) => c.notNull().check(sql`held >= 0`))
    .addPrimaryKeyConstraint("stock_pk", ["merchant", "product_id"])
    .execute();

  await serial(db, "stock_movements", "seq")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("product_id", "text", (c) => c.notNull())
    .addColumn("order_id", "text")
    .addColumn("hold_id", "text")
    .addColumn("delta_on_hand", "bigint", (c) => c.notNull())
    .addColumn("delta_held", "bigint", (c) => c.notNull())
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    // A hold begins once and ends once.
    .addUniqueConstraint("stock_movements_once", ["hold_id", "reason"])
    .execute();
  await db.schema.createIndex("stock_movements_by_product").on("stock_movements")
    .columns(["merchant", "product_id", "seq"]).execute();

  await db.schema.createTable("holds")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("order_id", "text", (c) => c.notNull())
    .addColumn("product_id", "text", (c) => c.notNull())
    .addColumn("quantity", "bigint", (c) => c.notNull().check(sql`quantity > 0`))
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("ended_at", "bigint")
    .execute();
  await db.schema.createIndex("holds_by_order").on("holds").columns(["order_id"]).execute();
  await db.schema.createIndex("holds_by_product").on("holds").columns(["merchant", "product_id"])
    .where(sql.ref("state"), "=", sql.lit("held")).execute();

  await db.schema.createTable("orders")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("customer", "text", (c) => c.notNull())
    .addColumn("customer_order_id", "text", (c) => c.notNull())
    .addColumn("dialect", "text", (c) => c.notNull())
    .addColumn("envelope", "text", (c) => c.notNull())
    .addColumn("relay", "text", (c) => c.notNull())
    .addColumn("payment", "text", (c) => c.notNull())
    .addColumn("fulfilment", "text", (c) => c.notNull())
    .addColumn("reason", "text")
    .addColumn("stall_id", "text")
    .addColumn("shipping_id", "text")
    .addColumn("name", "text")
    .addColumn("address", "text")
    .addColumn("contact", "text", (c) => c.notNull())
    .addColumn("message", "text")
    .addColumn("content_hash", "text", (c) => c.notNull())
    .addColumn("traits", "text", (c) => c.notNull())
    .addColumn("revision", "integer", (c) => c.notNull())
    .addColumn("total_msat", "bigint", (c) => c.notNull().check(sql`total_msat >= 0`))
    .addColumn("received_msat", "bigint", (c) => c.notNull().check(sql`received_msat >= 0`))
    .addColumn("rate", "text")
    .addColumn("asked_at_seconds", "bigint", (c) => c.notNull())
    .addColumn("expires_at", "bigint")
    .addColumn("paid_at", "bigint")
    .addColumn("tracking", "text")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addUniqueConstraint("orders_key", ["merchant", "customer", "customer_order_id"])
    .execute();
  await db.schema.createIndex("orders_by_time").on("orders").columns(["created_at", "id"]).execute();
  await db.schema.createIndex("orders_open").on("orders").columns(["merchant", "customer"])
    .where(sql.ref("payment"), "in", sql`('quoting', 'awaiting', 'held')`).execute();

  await db.schema.createTable("order_items")
    .addColumn("order_id", "text", (c) => c.notNull())
    .addColumn("line", "integer", (c) => c.notNull())
    .addColumn("product_id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("quantity", "bigint", (c) => c.notNull().check(sql`quantity > 0`))
    .addColumn("price", "text", (c) => c.notNull())
    .addColumn("currency", "text", (c) => c.notNull())
    .addColumn("digital", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("order_items_pk", ["order_id", "line"])
    .execute();

  await serial(db, "order_timeline", "seq")
    .addColumn("order_id", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("event", "text", (c) => c.notNull())
    .addColumn("text", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("order_timeline_by_order").on("order_timeline").columns(["order_id", "seq"])
    .execute();

  await db.schema.createTable("invoices")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("order_id", "text", (c) => c.notNull())
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("type", "text", (c) => c.notNull())
    .addColumn("wallet", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("amount_msat", "bigint", (c) => c.notNull().check(sql`amount_msat > 0`))
    .addColumn("bolt11", "text")
    .addColumn("payment_hash", "text", (c) => c.unique())
    .addColumn("expires_at", "bigint")
    .addColumn("next_lookup_at", "bigint")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addUniqueConstraint("invoices_attempt", ["order_id", "attempt"])
    .execute();
  // At most one open invoice of an order reaches the customer.
  await db.schema.createIndex("invoices_one_open").on("invoices").columns(["order_id"]).unique()
    .where(sql.ref("state"), "=", sql.lit("open")).execute();
  await db.schema.createIndex("invoices_to_look_up").on("invoices").columns(["next_lookup_at"])
    .where(sql.ref("next_lookup_at"), "is not", null).execute();

  await db.schema.createTable("payments")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("wallet", "text", (c) => c.notNull())
    .addColumn("payment_hash", "text", (c) => c.notNull().unique())
    .addColumn("order_id", "text")
    .addColumn("invoice_id", "text")
    .addColumn("amount_msat", "bigint", (c) => c.notNull().check(sql`amount_msat > 0`))
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("settled_at", "bigint", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("payments_by_time").on("payments").columns(["created_at", "id"]).execute();
  await db.schema.createIndex("payments_by_order").on("payments").columns(["order_id"]).execute();

  await serial(db, "messages", "seq")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("customer", "text", (c) => c.notNull())
    .addColumn("direction", "text", (c) => c.notNull())
    .addColumn("type", "text", (c) => c.notNull())
    .addColumn("envelope", "text", (c) => c.notNull())
    .addColumn("order_id", "text")
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("event_id", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("messages_by_customer").on("messages").columns(["merchant", "customer", "seq"])
    .execute();

  await db.schema.createTable("outbox_events")
    .addColumn("event_id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("purpose", "text", (c) => c.notNull())
    .addColumn("order_id", "text")
    .addColumn("event", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addUniqueConstraint("outbox_events_purpose", ["merchant", "purpose"])
    .execute();
  await db.schema.createIndex("outbox_events_by_order").on("outbox_events").columns(["order_id"]).execute();

  await db.schema.createTable("outbox")
    .addColumn("event_id", "text", (c) => c.notNull())
    .addColumn("relay", "text", (c) => c.notNull())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addColumn("next_at", "bigint", (c) => c.notNull())
    .addColumn("answer", "text")
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("outbox_pk", ["event_id", "relay"])
    .execute();
  await db.schema.createIndex("outbox_pending").on("outbox").columns(["next_at"])
    .where(sql.ref("state"), "=", sql.lit("pending")).execute();

  await db.schema.createTable("relay_cursors")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("relay", "text", (c) => c.notNull())
    .addColumn("cursor", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("relay_cursors_pk", ["merchant", "relay"])
    .execute();

  await db.schema.createTable("key_clocks")
    .addColumn("pubkey", "text", (c) => c.notNull())
    .addColumn("scope", "text", (c) => c.notNull())
    .addColumn("last_seconds", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("key_clocks_pk", ["pubkey", "scope"])
    .execute();

  await serial(db, "jobs", "id")
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("key", "text")
    .addColumn("payload", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("run_at", "bigint", (c) => c.notNull())
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addColumn("max_attempts", "integer", (c) => c.notNull())
    .addColumn("lease_until", "bigint")
    .addColumn("lease_by", "text")
    .addColumn("last_error", "text")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .execute();
  // Unique among the jobs that wait: while one runs, the next of its key may be queued (what changed meanwhile is not lost).
  await db.schema.createIndex("jobs_key").on("jobs").columns(["kind", "key"]).unique()
    .where(sql.ref("state"), "=", sql.lit("ready")).execute();
  await db.schema.createIndex("jobs_due").on("jobs").columns(["kind", "run_at", "id"])
    .where(sql.ref("state"), "=", sql.lit("ready")).execute();
  await db.schema.createIndex("jobs_running").on("jobs").columns(["kind", "key"])
    .where(sql.ref("state"), "=", sql.lit("running")).execute();
  await db.schema.createIndex("jobs_leased").on("jobs").columns(["lease_until"])
    .where(sql.ref("state"), "=", sql.lit("running")).execute();

  await db.schema.createTable("leases")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("holder", "text", (c) => c.notNull())
    .addColumn("until", "bigint", (c) => c.notNull())
    .addColumn("epoch", "bigint", (c) => c.notNull())
    .execute();

  await db.schema.createTable("bans")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("pubkey", "text", (c) => c.notNull())
    .addColumn("reason", "text")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("bans_pk", ["merchant", "pubkey"])
    .execute();

  await db.schema.createTable("sender_rates")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("sender", "text", (c) => c.notNull())
    .addColumn("tokens", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("sender_rates_pk", ["merchant", "sender"])
    .execute();

  await db.schema.createTable("rates")
    .addColumn("currency", "text", (c) => c.primaryKey())
    .addColumn("per_btc", "text", (c) => c.notNull())
    .addColumn("sources", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .execute();

  await db.schema.createTable("replays")
    .addColumn("scope", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("expires_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("replays_pk", ["scope", "id"])
    .execute();
  await db.schema.createIndex("replays_by_expiry").on("replays").columns(["expires_at"]).execute();

  await db.schema.createTable("idempotency")
    .addColumn("actor", "text", (c) => c.notNull())
    .addColumn("method", "text", (c) => c.notNull())
    .addColumn("path", "text", (c) => c.notNull())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("body_hash", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("status", "integer")
    .addColumn("body", "text")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("idempotency_pk", ["actor", "method", "path", "key"])
    .execute();
  await db.schema.createIndex("idempotency_by_time").on("idempotency").columns(["created_at"]).execute();

  await serial(db, "audit", "seq")
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("actor", "text", (c) => c.notNull())
    .addColumn("method", "text", (c) => c.notNull())
    .addColumn("path", "text", (c) => c.notNull())
    .addColumn("status", "integer", (c) => c.notNull())
    .addColumn("request_id", "text", (c) => c.notNull())
    .execute();
}

function published<T extends string>(table: CreateTableBuilder<T, string>): CreateTableBuilder<T, string> {
  return table
    .addColumn("event_id", "text")
    .addColumn("published_at", "bigint")
    .addColumn("published_hash", "text")
    .addColumn("deleted_at", "bigint")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull());
}
