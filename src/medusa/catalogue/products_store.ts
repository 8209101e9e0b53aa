import type { ExpressionWrapper, Insertable, Kysely, Selectable, SqlBool, Updateable } from "kysely";
import type { Tx } from "../../db/database.ts";
import { isAfter, type Slice } from "../../db/keyset.ts";
import type { MedusaProductsTable, Tables } from "../../db/tables.ts";
import { NO_PRICE, NO_STOCK_LEVEL } from "./mapping.ts";

/** A product of ours that Medusa keeps, or would. */
export type KnownProduct = Selectable<MedusaProductsTable>;

/** How many of a merchant's products there are. */
export type KnownCounts = Record<
  "all" | "listed" | "unseen" | "conflicts" | "troubles" | "withoutPrice" | "withoutStock" | "leftOut",
  number
>;

/** What there is to do for the merchant with a product. */
export type KnownState = "conflict" | "trouble" | "left_out";

/** One product. */
export async function selectKnown(
  db: Kysely<Tables>,
  merchant: string,
  productId: string,
): Promise<KnownProduct | undefined> {
  return await db.selectFrom("medusa_products").selectAll().where("merchant", "=", merchant)
    .where("product_id", "=", productId).executeTakeFirst();
}

/** All that became of these products of Medusa's. */
export async function selectOfMedusa(
  db: Kysely<Tables>,
  merchant: string,
  medusaProducts: readonly string[],
): Promise<KnownProduct[]> {
  if (medusaProducts.length === 0) return [];
  return await db.selectFrom("medusa_products").selectAll().where("merchant", "=", merchant)
    .where("medusa_product", "in", medusaProducts).execute();
}

/** Notes that a sweep saw these products as they were before. */
export async function markSeen(
  tx: Tx,
  merchant: string,
  productIds: readonly string[],
  sweep: number,
): Promise<void> {
  if (productIds.length === 0) return;
  await tx.updateTable("medusa_products").set({ sweep }).where("merchant", "=", merchant)
    .where("product_id", "in", productIds).execute();
}

/** Writes a product, new or not; what it had of `created_at` stays. */
export async function putKnown(tx: Tx, row: Insertable<MedusaProductsTable>): Promise<void> {
  const { merchant: _merchant, product_id: _id, created_at: _created, ...rest } = row;
  await tx.insertInto("medusa_products").values(row)
    .onConflict((c) => c.columns(["merchant", "product_id"]).doUpdateSet(rest)).execute();
}

/** Changes a product. */
export async function updateKnown(
  tx: Tx,
  merchant: string,
  productId: string,
  change: Updateable<MedusaProductsTable>,
): Promise<void> {
  await tx.updateTable("medusa_products").set(change).where("merchant", "=", merchant)
    .where("product_id", "=", productId).execute();
}

/** Notes which of the products that are listed have no stock level, and that no others have none. */
export async function markUncounted(tx: Tx, merchant: string, productIds: readonly string[]): Promise<void> {
  const listed = tx.updateTable("medusa_products").where("merchant", "=", merchant).where(
    "base",
    "is not",
    null,
  );
  await listed.set({ trouble: null }).where("trouble", "=", NO_STOCK_LEVEL).execute();
  if (productIds.length === 0) return;
  await listed.set({ trouble: NO_STOCK_LEVEL }).where("product_id", "in", productIds).execute();
}

/** Forgets products. */
export async function deleteKnown(tx: Tx, merchant: string, productIds: readonly string[]): Promise<void> {
  if (productIds.length === 0) return;
  await tx.deleteFrom("medusa_products").where("merchant", "=", merchant)
    .where("product_id", "in", productIds).execute();
}

/** Medusa's products that a sweep didn't see: at most `limit` ids, after `after`. */
export async function selectUnseen(
  db: Kysely<Tables>,
  merchant: string,
  sweep: number,
  { limit, after }: Slice<[medusaProduct: string]>,
): Promise<string[]> {
  const rows = await db.selectFrom("medusa_products").select("medusa_product").distinct()
    .where("merchant", "=", merchant).where("sweep", "<", sweep)
    .where(isAfter(after, ["medusa_product"], ">"))
    .orderBy("medusa_product").limit(limit).execute();
  return rows.map((row) => row.medusa_product);
}

/** How many of a merchant's products there are, are listed, weren't seen by a sweep, and want a look. */
export async function countKnown(db: Kysely<Tables>, merchant: string, sweep: number): Promise<KnownCounts> {
  const row = await db.selectFrom("medusa_products").select(({ fn, eb }) => {
    const flag = (condition: ExpressionWrapper<Tables, "medusa_products", SqlBool>) =>
      fn.sum<number | null>(eb.case().when(condition).then(1).else(0).end());
    return [
      fn.countAll<number>().as("all"),
      flag(eb("base", "is not", null)).as("listed"),
      flag(eb("sweep", "<", sweep)).as("unseen"),
      flag(eb("conflicts", "is not", null)).as("conflicts"),
      flag(eb("trouble", "is not", null)).as("troubles"),
      flag(eb("trouble", "=", NO_PRICE)).as("withoutPrice"),
      flag(eb("trouble", "=", NO_STOCK_LEVEL)).as("withoutStock"),
      flag(eb("left_out", "=", 1)).as("leftOut"),
    ];
  }).where("merchant", "=", merchant).executeTakeFirstOrThrow();
  return Object.fromEntries(
    Object.entries(row).map(([name, n]) => [name, Number(n ?? 0)]),
  ) as unknown as KnownCounts;
}

/** A page of products, by their ids. */
export async function selectKnownPage(
  db: Kysely<Tables>,
  filter: { merchant?: string | undefined; state?: KnownState | undefined },
  page: Slice<[productId: string, merchant: string]>,
): Promise<KnownProduct[]> {
  return await db.selectFrom("medusa_products").selectAll()
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.state === "conflict", (q) => q.where("conflicts", "is not", null))
    .$if(filter.state === "trouble", (q) => q.where("trouble", "is not", null))
    .$if(filter.state === "left_out", (q) => q.where("left_out", "=", 1))
    .where(isAfter(page.after, ["product_id", "merchant"], ">"))
    .orderBy("product_id").orderBy("merchant").limit(page.limit).execute();
}
