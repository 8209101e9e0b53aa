import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import type { Random } from "../random.ts";
import { adjust, type Level, levels, openStock } from "../stock/stock.ts";
import { keepProductPrice } from "./earlier_prices_store.ts";
import { isKept, type Keeper, keptChange, keptOtherwise, keptStall } from "./keeping.ts";
import { markDeleted } from "./product_deletion.ts";
import type { ProductInput, StockInput } from "./product_input.ts";
import { parentIdOf, readProduct, type Surroundings } from "./product_reader.ts";
import * as store from "./products_store.ts";
import { PRODUCT_KIND, publishAt, publishStock } from "./publish_queue.ts";
import { conflict, invalid, notFound, type Refusal } from "./refusal.ts";
import { type ProductResource, productResource, type ProductRow } from "./resources.ts";
import { lockMerchant, selectStall } from "./stalls_store.ts";

/** Makes a product with its stock and has it published. Its id becomes a UUID when none is given. `by`: not its merchant. */
export async function createProduct(
  tx: Tx,
  o: { merchant: string; input: ProductInput; now: number; random: Random; by?: Keeper },
): Promise<{ ok: true; product: ProductResource } | Refusal> {
  const { merchant, input, now } = o;
  if (!await lockMerchant(tx, merchant)) return notFound(`there is no merchant ${merchant}`, "/merchant");
  const id = input.id ?? o.random.uuid();
  const there = await store.selectProduct(tx, merchant, id);
  if (there && there.deleted_at === null) return conflict(`there is a product ${id} already`, "/id");
  const at = await around(tx, o, id, undefined);
  const read = readProduct(input, at);
  if (!read.ok) return read;
  if (isKept(at.stall, o.by)) return keptStall(at.stall);
  if (input.quantity === undefined && read.row.type !== "variable" && read.row.digital === 0) {
    return invalid("say how many there are; null = unlimited", "/quantity");
  }
  await store.putProduct(tx, { ...read.row, kept_by: o.by ?? null, created_at: now });
  await openStock(tx, { merchant, productId: id, onHand: input.quantity ?? null, now });
  return { ok: true, product: await stored(tx, merchant, id, now) };
}

/**
 * Replaces a product's content and has it published if anything changed. Without `quantity` its stock stays as it is. `by`: not its
 * merchant, who can't change everything of a product that another system keeps.
 */
export async function updateProduct(
  tx: Tx,
  o: { merchant: string; id: string; input: ProductInput; now: number; by?: Keeper },
): Promise<{ ok: true; product: ProductResource } | Refusal> {
  const { merchant, id, input, now } = o;
  if (input.id !== undefined && input.id !== id) {
    return invalid(`the id of a product can't change from ${id}`, "/id");
  }
  await lockMerchant(tx, merchant);
  const there = await store.selectProduct(tx, merchant, id);
  if (!there || there.deleted_at !== null) return notFound(`there is no product ${id}`);
  const at = await around(tx, o, id, there);
  const read = readProduct(input, at);
  if (!read.ok) return read;
  if (isKept(there, o.by)) {
    const onHand = levelOf(await levels(tx, merchant, [id]), there).onHand;
    const refusal = keptChange(there, read.row, input.quantity !== undefined && input.quantity !== onHand);
    if (refusal) return refusal;
  } else if (read.row.stall_id !== there.stall_id && isKept(at.stall, o.by)) return keptStall(at.stall);
  const moved = read.row.stall_id !== there.stall_id || read.row.type !== "variable";
  if (there.type === "variable" && moved && await store.countVariations(tx, merchant, there) > 0) {
    return conflict(
      "it has variations: delete those before it becomes another type or moves to another stall",
      "/type",
    );
  }
  await keepProductPrice(tx, there, read.row, now);
  await store.updateProductRow(tx, merchant, id, read.row);
  if (input.quantity !== undefined) {
    await adjust(tx, { merchant, productId: id, change: { set: input.quantity }, now });
  }
  return { ok: true, product: await stored(tx, merchant, id, now) };
}

/** Deletes a product: quantity 0 and then a deletion are published. A variable product's variations go first. */
export async function deleteProduct(
  tx: Tx,
  o: { merchant: string; id: string; now: number; by?: Keeper },
): Promise<{ ok: true } | Refusal> {
  await lockMerchant(tx, o.merchant);
  const there = await store.selectProduct(tx, o.merchant, o.id);
  if (!there || there.deleted_at !== null) return notFound(`there is no product ${o.id}`);
  if (isKept(there, o.by)) return keptOtherwise("product", there.id);
  const variations = await store.countVariations(tx, o.merchant, there);
  if (variations > 0) return conflict(`it has ${variations} variations: delete those first`);
  await markDeleted(tx, there, o.now);
  return { ok: true };
}

/** Counts a product's stock or changes it by a difference, and has the new quantity published. */
export async function changeStock(
  tx: Tx,
  o: { merchant: string; id: string; change: StockInput; now: number; by?: Keeper },
): Promise<{ ok: true; product: ProductResource } | Refusal> {
  const { merchant, id, now } = o;
  const there = await store.selectProduct(tx, merchant, id);
  if (!there || there.deleted_at !== null) return notFound(`there is no product ${id}`);
  if (isKept(there, o.by)) return keptOtherwise("product", id);
  const done = await adjust(tx, { merchant, productId: id, change: o.change, now });
  if (!done.ok) return conflict(done.reason, "add" in o.change ? "/add" : "/set");
  await publishStock(tx, { merchant, productIds: [id], now });
  return { ok: true, product: await shown(tx, there) };
}

/** One product. Without `merchant` the id must be one merchant's only. */
export async function getProduct(
  db: Kysely<Tables>,
  o: { id: string; merchant?: string },
): Promise<{ ok: true; product: ProductResource } | Refusal> {
  const rows = await store.selectProductsById(db, o.id, o.merchant);
  if (rows.length === 0) return notFound(`there is no product ${o.id}`);
  if (rows.length > 1) return conflict(`several merchants have a product ${o.id}: say which with ?merchant=`);
  return { ok: true, product: await shown(db, rows[0]!) };
}

/** Products, newest first. */
export async function listProducts(
  ...[db, filter, page]: Parameters<typeof store.selectProductPage>
): Promise<ProductResource[]> {
  const rows = await store.selectProductPage(db, filter, page);
  const stock = new Map<string, Map<string, Level>>();
  for (const [merchant, own] of Map.groupBy(rows, (row) => row.merchant)) {
    stock.set(merchant, await levels(db, merchant, own.map((row) => row.id)));
  }
  return rows.map((row) => productResource(row, levelOf(stock.get(row.merchant), row)));
}

async function around(
  tx: Tx,
  o: { merchant: string; input: ProductInput; now: number },
  id: string,
  before: ProductRow | undefined,
): Promise<Surroundings> {
  const { merchant, input, now } = o;
  const stall = await selectStall(tx, merchant, input.stall_id);
  const named = parentIdOf(input, merchant);
  const parent = named.ok && named.id !== null
    ? await store.selectProduct(tx, merchant, named.id)
    : undefined;
  return { merchant, id, stall: stall?.deleted_at === null ? stall : undefined, parent, before, now };
}

async function stored(tx: Tx, merchant: string, id: string, now: number): Promise<ProductResource> {
  await publishAt(tx, { merchant, kind: PRODUCT_KIND, d: id }, now, now);
  return shown(tx, (await store.selectProduct(tx, merchant, id))!);
}

async function shown(db: Kysely<Tables>, row: ProductRow): Promise<ProductResource> {
  return productResource(row, levelOf(await levels(db, row.merchant, [row.id]), row));
}

function levelOf(of: Map<string, Level> | undefined, row: ProductRow): Level {
  return of?.get(row.id) ?? { onHand: 0, held: 0 };
}
