import type { Kysely } from "kysely";

/** A shop that sells through Medusa, too: what of its catalogue is ours, and which of our orders it has. */
// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.alterTable("orders").addColumn("mirror", "text").execute();
  await db.schema.alterTable("stalls").addColumn("kept_by", "text").execute();
  await db.schema.alterTable("products").addColumn("kept_by", "text").execute();

  await db.schema.createTable("medusa_bridges")
    .addColumn("merchant", "text", (c) => c.primaryKey())
    .addColumn("stall_id", "text")
    .addColumn("region_hash", "text")
    .addColumn("view", "text")
    .addColumn("sweep", "bigint", (c) => c.notNull().defaultTo(0))
    .addColumn("sweep_started_at", "bigint")
    .addColumn("sweep_ended_at", "bigint")
    .addColumn("report", "text")
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();

  await db.schema.createTable("medusa_products")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("product_id", "text", (c) => c.notNull())
    .addColumn("medusa_product", "text", (c) => c.notNull())
    .addColumn("medusa_variant", "text")
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("seen_hash", "text", (c) => c.notNull())
    .addColumn("base", "text")
    .addColumn("conflicts", "text")
    .addColumn("left_out", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("trouble", "text")
    .addColumn("sweep", "bigint", (c) => c.notNull())
    .addColumn("read_at", "bigint", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("medusa_products_key", ["merchant", "product_id"])
    .execute();
  await db.schema.createIndex("medusa_products_by_medusa").on("medusa_products")
    .columns(["merchant", "medusa_product"]).execute();
  // A full sweep ends with those that it hasn't seen.
  await db.schema.createIndex("medusa_products_by_sweep").on("medusa_products")
    .columns(["merchant", "sweep"]).execute();

  await db.schema.createTable("medusa_zones")
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("zone_id", "text", (c) => c.notNull())
    .addColumn("stall_id", "text", (c) => c.notNull())
    .addColumn("region", "text", (c) => c.notNull())
    .addColumn("shipping_option", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("countries", "text", (c) => c.notNull())
    .addColumn("places", "text", (c) => c.notNull())
    .addColumn("amount", "text", (c) => c.notNull())
    .addColumn("cost", "text", (c) => c.notNull())
    .addColumn("left_out", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("trouble", "text")
    .addColumn("sweep", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("medusa_zones_key", ["merchant", "zone_id"])
    .execute();

  await db.schema.createTable("medusa_orders")
    .addColumn("order_id", "text", (c) => c.primaryKey())
    .addColumn("merchant", "text", (c) => c.notNull())
    .addColumn("email", "text", (c) => c.notNull())
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("content_hash", "text", (c) => c.notNull())
    .addColumn("details_hash", "text")
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("medusa_order", "text")
    .addColumn("call", "text")
    .addColumn("called_at", "bigint")
    .addColumn("stock_at", "bigint")
    .addColumn("total", "text")
    .addColumn("problem", "text")
    .addColumn("settled", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("looked_at", "bigint")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("medusa_orders_by_medusa").on("medusa_orders").columns(["medusa_order"])
    .execute();
  // A stock figure isn't taken when a call of ours changed it meanwhile.
  await db.schema.createIndex("medusa_orders_by_stock").on("medusa_orders").columns(["merchant", "stock_at"])
    .execute();
  // What isn't at its end yet is looked at again and again.
  await db.schema.createIndex("medusa_orders_open").on("medusa_orders").columns([
    "merchant",
    "settled",
    "looked_at",
  ])
    .execute();
}
