import type { Kysely } from "kysely";

// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
type AnyDb = Kysely<any>;

/** What real wallets need: their own names for invoices, further ways to pay, and how far their streams were read. */
export async function up(db: AnyDb): Promise<void> {
  await db.schema.alterTable("invoices").addColumn("wallet_ref", "text").execute();
  await db.schema.alterTable("invoices").addColumn("links", "text").execute();
  await db.schema.alterTable("invoices").addColumn("hold", "integer", (c) => c.notNull().defaultTo(0)).execute();
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
}
