import type { Insertable, Kysely, Updateable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { ProductsTable, Tables } from "../db/tables.ts";
import type { ProductRow } from "./resources.ts";

/** A product, also one that was deleted. */
export async function selectProduct(
  db: Kysely<Tables>,
  merchant: string,
  id: string,
): Promise<ProductRow | undefined> {
  return await db.selectFrom("products").selectAll().where("merchant", "=", merchant).where("id", "=", id)
    .executeTakeFirst();
}

/** Products by id, also deleted ones. */
export async function selectProducts(
  db: Kysely<Tables>,
  merchant: string,
  ids: readonly string[],
): Promise<ProductRow[]> {
  if (ids.length === 0) return [];
  return await db.selectFrom("products").selectAll().where("merchant", "=", merchant).where("id", "in", ids)
    .execute();
}

/** The products with this id, of one merchant or of all. */
export async function selectProductsById(
  db: Kysely<Tables>,
  id: string,
  merchant?: string,
): Promise<ProductRow[]> {
  return await db.selectFrom("products").selectAll().where("id", "=", id).where("deleted_at", "is", null)
    .$if(merchant !== undefined, (q) => q.where("merchant", "=", merchant!)).execute();
}

/** The products of a stall that aren't deleted. */
export async function selectProductsOfStall(
  db: Kysely<Tables>,
  merchant: string,
  stallId: string,
): Promise<ProductRow[]> {
  return await db.selectFrom("products").selectAll().where("merchant", "=", merchant).where(
    "stall_id",
    "=",
    stallId,
  )
    .where("deleted_at", "is", null).execute();
}

/** How many products of a stall are deleted here but not yet on the relays. */
export async function countUndeleted(db: Kysely<Tables>, merchant: string, stallId: string): Promise<number> {
  const row = await db.selectFrom("products").select((eb) => eb.fn.countAll<number>().as("n"))
    .where("merchant", "=", merchant).where("stall_id", "=", stallId)
    .where("deleted_at", "is not", null).where("event_id", "is not", null).executeTakeFirstOrThrow();
  return Number(row.n);
}

/** How many variations of a variable product there are. */
export async function countVariations(
  db: Kysely<Tables>,
  merchant: string,
  parent: ProductRow,
): Promise<number> {
  const row = await db.selectFrom("products").select((eb) => eb.fn.countAll<number>().as("n"))
    .where("merchant", "=", merchant).where("stall_id", "=", parent.stall_id).where(
      "parent_id",
      "=",
      parent.id,
    )
    .where("deleted_at", "is", null).executeTakeFirstOrThrow();
  return Number(row.n);
}

/** A page of products, newest first. */
export async function selectProductPage(
  db: Kysely<Tables>,
  filter: { merchant?: string | undefined; stallId?: string | undefined },
  page: Slice<[createdAt: number, id: string, merchant: string]>,
): Promise<ProductRow[]> {
  return await db.selectFrom("products").selectAll().where("deleted_at", "is", null)
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.stallId !== undefined, (q) => q.where("stall_id", "=", filter.stallId!))
    .where(isAfter(page.after, ["created_at", "id", "merchant"], "<"))
    .orderBy("created_at", "desc").orderBy("id", "desc").orderBy("merchant", "desc").limit(page.limit)
    .execute();
}

/** Writes a new product, in place of a deleted one of the same id. */
export async function putProduct(tx: Tx, row: Insertable<ProductsTable>): Promise<void> {
  const { merchant: _merchant, id: _id, ...rest } = row;
  await tx.insertInto("products").values(row).onConflict((c) =>
    c.columns(["merchant", "id"]).doUpdateSet(rest)
  )
    .execute();
}

/** Changes a product. */
export async function updateProductRow(
  tx: Tx,
  merchant: string,
  id: string,
  change: Updateable<ProductsTable>,
): Promise<void> {
  await tx.updateTable("products").set(change).where("merchant", "=", merchant).where("id", "=", id)
    .execute();
}

/** What buyers of digital products get, by product, also of deleted ones. The order says which of its lines are digital. */
export async function digitalContentOf(
  db: Kysely<Tables>,
  merchant: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom("products").select(["id", "digital_content"]).where(
    "merchant",
    "=",
    merchant,
  )
    .where("id", "in", ids).where("digital_content", "is not", null).execute();
  return new Map(
    rows.flatMap((row) => row.digital_content === null ? [] : [[row.id, row.digital_content] as const]),
  );
}

/** The products, also deleted ones, of which something is on hand that no order holds. */
export async function productsWithStock(db: Kysely<Tables>, merchant: string): Promise<string[]> {
  const rows = await db.selectFrom("products").innerJoin(
    "stock",
    (on) =>
      on.onRef("stock.merchant", "=", "products.merchant").onRef("stock.product_id", "=", "products.id"),
  )
    .select("products.id").where("products.merchant", "=", merchant)
    .whereRef("stock.on_hand", ">", "stock.held").execute();
  return rows.map((row) => row.id);
}
