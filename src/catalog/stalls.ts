import type { Insertable, Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { StallsTable, Tables } from "../db/tables.ts";
import type { Random } from "../random.ts";
import { readCurrency } from "./amounts.ts";
import { keepProductPrice, keepStallPrices } from "./earlier_prices_store.ts";
import { isKept, type Keeper, keptChange, keptOtherwise } from "./keeping.ts";
import { markDeleted } from "./product_deletion.ts";
import { selectProductsOfStall, updateProductRow } from "./products_store.ts";
import { PRODUCT_KIND, publishAt, STALL_KIND } from "./publish_queue.ts";
import { conflict, invalid, notFound, type Refusal } from "./refusal.ts";
import { extraCostsOf, type StallResource, stallResource, type StallRow, zonesOf } from "./resources.ts";
import type { StallInput } from "./stall_input.ts";
import * as store from "./stalls_store.ts";
import { readZones, zoneConflict } from "./zones.ts";

/** Makes a stall and has it published. Its id becomes a UUID when none is given. `by`: not its merchant, but who keeps it. */
export async function createStall(
  tx: Tx,
  o: { merchant: string; input: StallInput; now: number; random: Random; by?: Keeper },
): Promise<{ ok: true; stall: StallResource } | Refusal> {
  if (!await store.lockMerchant(tx, o.merchant)) {
    return notFound(`there is no merchant ${o.merchant}`, "/merchant");
  }
  const id = o.input.id ?? o.random.uuid();
  const there = await store.selectStall(tx, o.merchant, id);
  if (there && there.deleted_at === null) return conflict(`there is a stall ${id} already`, "/id");
  const read = await readStall(tx, o, id, there);
  if (!read.ok) return read;
  await store.putStall(tx, { ...read.row, kept_by: o.by ?? null, created_at: o.now });
  return { ok: true, stall: await stored(tx, o.merchant, id, o.now) };
}

/** Replaces a stall's content and has it published if anything changed. `by`: not its merchant. */
export async function updateStall(
  tx: Tx,
  o: { merchant: string; id: string; input: StallInput; now: number; random: Random; by?: Keeper },
): Promise<{ ok: true; stall: StallResource } | Refusal> {
  const { merchant, id, input, now } = o;
  if (input.id !== undefined && input.id !== id) {
    return invalid(`the id of a stall can't change from ${id}`, "/id");
  }
  await store.lockMerchant(tx, merchant);
  const there = await store.selectStall(tx, merchant, id);
  if (!there || there.deleted_at !== null) return notFound(`there is no stall ${id}`);
  const read = await readStall(tx, o, id, there);
  if (!read.ok) return read;
  const kept = isKept(there, o.by) ? keptChange(there, read.row) : null;
  const refusal = kept ?? await fitProducts(tx, there, read.row, now);
  if (refusal) return refusal;
  await keepStallPrices(tx, there, read.row, now);
  await store.updateStallRow(tx, merchant, id, read.row);
  return { ok: true, stall: await stored(tx, merchant, id, now) };
}

/** Deletes a stall's products, then the stall. Orders that are under way keep what they need. */
export async function deleteStall(
  tx: Tx,
  o: { merchant: string; id: string; now: number; by?: Keeper },
): Promise<{ ok: true } | Refusal> {
  await store.lockMerchant(tx, o.merchant);
  const there = await store.selectStall(tx, o.merchant, o.id);
  if (!there || there.deleted_at !== null) return notFound(`there is no stall ${o.id}`);
  if (isKept(there, o.by)) return keptOtherwise("stall", o.id);
  for (const product of await selectProductsOfStall(tx, o.merchant, o.id)) {
    await markDeleted(tx, product, o.now);
  }
  await store.updateStallRow(tx, o.merchant, o.id, { deleted_at: o.now, updated_at: o.now });
  await publishAt(tx, { merchant: o.merchant, kind: STALL_KIND, d: o.id }, o.now, o.now);
  return { ok: true };
}

/** One stall. Without `merchant` the id must be one merchant's only. */
export async function getStall(
  db: Kysely<Tables>,
  o: { id: string; merchant?: string },
): Promise<{ ok: true; stall: StallResource } | Refusal> {
  const rows = await store.selectStallsById(db, o.id, o.merchant);
  if (rows.length === 0) return notFound(`there is no stall ${o.id}`);
  if (rows.length > 1) return conflict(`several merchants have a stall ${o.id}: say which with ?merchant=`);
  return { ok: true, stall: stallResource(rows[0]!) };
}

/** Stalls, newest first. */
export async function listStalls(
  ...asked: Parameters<typeof store.selectStallPage>
): Promise<StallResource[]> {
  return (await store.selectStallPage(...asked)).map(stallResource);
}

/** Checks the input against the merchant's other stalls and makes the row's columns of it. */
async function readStall(
  tx: Tx,
  o: { merchant: string; input: StallInput; now: number; random: Random },
  id: string,
  before: StallRow | undefined,
): Promise<{ ok: true; row: Omit<Insertable<StallsTable>, "created_at"> } | Refusal> {
  const { input, merchant } = o;
  if (input.merchant !== undefined && input.merchant !== merchant) {
    return invalid(`the stall belongs to the merchant ${merchant}`, "/merchant");
  }
  const currency = readCurrency(input.currency, "/currency");
  if (!currency.ok) return currency;
  const zones = readZones(input.shipping ?? [], currency.currency, before ? zonesOf(before) : [], o.random);
  if (!zones.ok) return zones;
  const others = (await store.selectStallsOf(tx, merchant)).filter((one) => one.id !== id);
  const taken = zoneConflict(zones.zones, others);
  if (taken) return taken;
  return {
    ok: true,
    row: {
      merchant,
      id,
      name: input.name,
      description: input.description ?? "",
      currency: currency.currency,
      shipping: JSON.stringify(zones.zones),
      deleted_at: null,
      updated_at: o.now,
    },
  };
}

/** Extra costs are in the stall's currency and name its zones: they must fit what the stall becomes. */
async function fitProducts(
  tx: Tx,
  before: StallRow,
  next: { currency: string; shipping: string },
  now: number,
): Promise<Refusal | null> {
  const zones = new Set(zonesOf(next).map((zone) => zone.id));
  const withCosts = (await selectProductsOfStall(tx, before.merchant, before.id))
    .filter((product) => extraCostsOf(product).length > 0);
  if (next.currency !== before.currency && withCosts.length > 0) {
    return conflict(
      `${withCosts.length} products of this stall have shipping costs in ${before.currency}: ` +
        "remove those before the stall's currency changes",
      "/currency",
    );
  }
  for (const product of withCosts) {
    const costs = extraCostsOf(product);
    const kept = costs.filter((cost) => zones.has(cost.id));
    if (kept.length === costs.length) continue;
    const { merchant, id: d } = product;
    const shipping = JSON.stringify(kept);
    await keepProductPrice(tx, product, { shipping }, now);
    await updateProductRow(tx, merchant, d, { shipping, updated_at: now });
    await publishAt(tx, { merchant, kind: PRODUCT_KIND, d }, now, now);
  }
  return null;
}

async function stored(tx: Tx, merchant: string, id: string, now: number): Promise<StallResource> {
  await publishAt(tx, { merchant, kind: STALL_KIND, d: id }, now, now);
  return stallResource((await store.selectStall(tx, merchant, id))!);
}
