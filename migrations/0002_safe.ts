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
    .addColumn("ended_at", "bigint")
    .addColumn("note", "text")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("refunds_by_time").on("refunds").columns(["created_at", "id"]).execute();
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

  await db.schema.createTable("recipient_relays")
    .addColumn("pubkey", "text", (c) => c.primaryKey())
    .addColumn("dm_relays", "text", (c) => c.notNull())
    .addColumn("read_relays", "text", (c) => c.notNull())
    .addColumn("looked_up_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.alterTable("outbox").addColumn("reads", "integer", (c) => c.notNull().defaultTo(0))
    .execute();

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

  await db.schema.alterTable("holds").addColumn("newcomer", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("orders").addColumn("unheld", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("orders").addColumn("forgotten_at", "bigint").execute();
}
