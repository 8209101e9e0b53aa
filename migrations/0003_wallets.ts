import type { Kysely } from "kysely";

// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
type AnyDb = Kysely<any>;

/** What real wallets need: their own names for invoices, further ways to pay, and how far their streams were read. */
export async function up(db: AnyDb): Promise<void> {
  await db.schema.alterTable("invoices").addColumn("wallet_ref", "text").execute();
  await db.schema.alterTable("invoices").addColumn("links", "text").execute();

  await db.schema.createTable("wallet_cursors")
    .addColumn("wallet", "text", (c) => c.primaryKey())
    .addColumn("cursor", "text", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();
}
