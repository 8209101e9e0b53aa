import type { Kysely } from "kysely";

// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
type AnyDb = Kysely<any>;

/** What real wallets need: their own names for invoices, further ways to pay, and how far their streams were read. */
export async function up(db: AnyDb): Promise<void> {
  await db.schema.alterTable("invoices").addColumn("wallet_ref", "text").execute();
  await db.schema.alterTable("invoices").addColumn("links", "text").execute();
  await db.schema.alterTable("invoices").addColumn("hold", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("orders").addColumn("pay_token", "text").execute();
  // Payment pages are found by it.
  await db.schema.createIndex("orders_by_pay_token").on("orders").columns(["pay_token"]).unique().execute();
  // Providers' calls name an invoice by it.
  await db.schema.createIndex("invoices_by_wallet_ref").on("invoices").columns(["merchant", "wallet_ref"])
    .execute();

  // Which currencies have to have a rate is asked every minute.
  await db.schema.createIndex("products_by_currency").on("products").columns(["merchant", "currency"])
    .execute();

  await db.schema.alterTable("refunds").addColumn("resolved", "text").execute();

  // Their URLs are in `secrets`; the first one's is where it was before there were others.
  await db.schema.createTable("wallets")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("priority", "integer", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("wallets_key", ["merchant", "name"])
    .execute();

  await db.schema.createTable("wallet_cursors")
    .addColumn("wallet", "text", (c) => c.primaryKey())
    .addColumn("cursor", "text", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();

  // On-chain addresses. An index is given out once, whatever happens.
  await db.schema.createTable("chain_accounts")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("network", "text", (c) => c.notNull())
    .addColumn("first_index", "bigint", (c) => c.notNull())
    .addColumn("next_index", "bigint", (c) => c.notNull())
    .addColumn("looked_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createTable("chain_addresses")
    .addColumn("address", "text", (c) => c.primaryKey())
    .addColumn("script_hash", "text", (c) => c.notNull())
    .addColumn("network", "text", (c) => c.notNull())
    .addColumn("account", "text", (c) => c.notNull())
    .addColumn("address_index", "bigint", (c) => c.notNull())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("order_id", "text", (c) => c.notNull())
    .addColumn("used", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("told_at", "bigint")
    .addColumn("next_lookup_at", "bigint", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addUniqueConstraint("chain_addresses_once", ["account", "address_index"])
    .addUniqueConstraint("chain_addresses_by_order", ["order_id", "account"])
    .execute();
  await db.schema.createIndex("chain_addresses_due").on("chain_addresses").columns([
    "network",
    "next_lookup_at",
  ])
    .execute();
  await db.schema.createIndex("chain_addresses_by_script").on("chain_addresses").columns(["script_hash"])
    .execute();
  await db.schema.createTable("chain_outputs")
    .addColumn("txid", "text", (c) => c.notNull())
    .addColumn("vout", "integer", (c) => c.notNull())
    .addColumn("address", "text", (c) => c.notNull())
    .addColumn("amount_sat", "bigint", (c) => c.notNull())
    .addColumn("height", "bigint")
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("first_seen_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("chain_outputs_key", ["txid", "vout"])
    .execute();
  await db.schema.createIndex("chain_outputs_by_address").on("chain_outputs").columns(["address", "state"])
    .execute();
}
