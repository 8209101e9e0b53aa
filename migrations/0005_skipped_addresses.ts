import type { Kysely } from "kysely";

/** Addresses that may have been given out to orders which restored books don't have; and wallets' own names, by wallet. */
// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.dropIndex("invoices_by_wallet_ref").execute();
  await db.schema.createIndex("invoices_by_wallet_ref").on("invoices").columns(["wallet", "wallet_ref"])
    .execute();

  // SQLite can't make a column nullable: the table is made anew, its constraints under names that are free.
  await db.schema.createTable("chain_addresses_anew")
    .addColumn("address", "text", (c) => c.primaryKey())
    .addColumn("script_hash", "text", (c) => c.notNull())
    .addColumn("network", "text", (c) => c.notNull())
    .addColumn("account", "text", (c) => c.notNull())
    .addColumn("address_index", "bigint", (c) => c.notNull())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("order_id", "text")
    .addColumn("used", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("told_at", "bigint")
    .addColumn("next_lookup_at", "bigint", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addUniqueConstraint("chain_addresses_one_of_index", ["account", "address_index"])
    .addUniqueConstraint("chain_addresses_one_of_order", ["order_id", "account"])
    .execute();
  const columns = [
    "address",
    "script_hash",
    "network",
    "account",
    "address_index",
    "merchant",
    "order_id",
    "used",
    "told_at",
    "next_lookup_at",
    "created_at",
  ];
  await db.insertInto("chain_addresses_anew").columns(columns)
    .expression(db.selectFrom("chain_addresses").select(columns)).execute();
  await db.schema.dropTable("chain_addresses").execute();
  await db.schema.alterTable("chain_addresses_anew").renameTo("chain_addresses").execute();
  await db.schema.createIndex("chain_addresses_due").on("chain_addresses")
    .columns(["network", "next_lookup_at"]).execute();
  await db.schema.createIndex("chain_addresses_by_script").on("chain_addresses").columns(["script_hash"])
    .execute();
}
