import { type Kysely, sql } from "kysely";

/** Which invoice's money an order has accepted while it waits: of several of one order only that is taken. */
// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.alterTable("orders").addColumn("held_invoice", "text").execute();
  // Nobody knows of one that is held now; the newest is what its customer was asked to pay.
  await sql`update orders set held_invoice = (
      select id from invoices where order_id = orders.id and hold = 1 and state <> 'paid'
      order by attempt desc limit 1)
    where payment = 'held'`.execute(db);
}
