import { type Kysely, sql } from "kysely";

/** Invoices for other programs: who may ask for them, how much, and who is called. */
// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.alterTable("tokens").addColumn("till", "text").execute();
  await db.schema.alterTable("tokens").addColumn("max_msat", "bigint").execute();
  await db.schema.alterTable("tokens").addColumn("max_open", "integer").execute();
  await db.schema.alterTable("tokens").addColumn("notify_url", "text").execute();
  await db.schema.alterTable("tokens").addColumn("notify_inside", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.createIndex("tokens_by_till").on("tokens").columns(["till"]).execute();

  // A till's own list; the customers' orders are none of it.
  await db.schema.createIndex("orders_of_tills").on("orders").columns(["customer", "created_at", "id"])
    .where(sql.ref("dialect"), "=", sql`'till'`).execute();

  // One wish to give money back is one refund.
  await db.schema.alterTable("refunds").addColumn("reference", "text").execute();
  await db.schema.createIndex("refunds_by_reference").on("refunds").columns(["order_id", "reference"])
    .unique().execute();

  await db.schema.createTable("till_currencies")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("currency", "text", (c) => c.notNull())
    .addColumn("used_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("till_currencies_key", ["merchant", "currency"])
    .execute();
}
