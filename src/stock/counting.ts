import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { movement } from "./ledger.ts";
import type { Level } from "./lines.ts";
import * as store from "./stock_store.ts";

/** The most units of a product that the ledger counts. */
export const MAX_ON_HAND = 1_000_000_000;

/**
 * Counts a product's stock anew (`set`; null = unlimited) or changes it by a difference (`add`, either sign). It may go
 * below what is held: then nothing is available, and who pays last finds it short.
 */
export async function adjust(
  tx: Tx,
  o: {
    merchant: string;
    productId: string;
    change: { add: number } | { set: number | null };
    now: number;
    reason?: "adjust" | "import";
  },
): Promise<{ ok: true; onHand: number | null } | { ok: false; reason: string }> {
  const level = (await store.lockLevels(tx, o.merchant, [o.productId])).get(o.productId);
  if (!level) return { ok: false, reason: `there is no stock of a product ${o.productId}` };
  const wanted = target(level, o.change);
  if (typeof wanted === "string") return { ok: false, reason: wanted };
  if (wanted.onHand === level.onHand) return { ok: true, onHand: wanted.onHand };
  await store.updateOnHand(tx, o.merchant, o.productId, wanted.onHand);
  await store.insertMovements(tx, [
    movement(o, o.productId, null, o.reason ?? "adjust", (wanted.onHand ?? 0) - (level.onHand ?? 0), 0),
  ]);
  return { ok: true, onHand: wanted.onHand };
}

/** Begins the ledger of a new product. A product that had one (deleted, then made again) is counted anew; its holds stay. */
export async function openStock(
  tx: Tx,
  o: { merchant: string; productId: string; onHand: number | null; now: number },
): Promise<void> {
  if (!await store.insertStock(tx, o.merchant, o.productId, o.onHand)) {
    await adjust(tx, { ...o, change: { set: o.onHand } });
  } else if (o.onHand !== null && o.onHand > 0) {
    await store.insertMovements(tx, [movement(o, o.productId, null, "adjust", o.onHand, 0)]);
  }
}

/** What is on hand and held; products without a stock row are missing. */
export function levels(
  db: Kysely<Tables>,
  merchant: string,
  productIds: readonly string[],
): Promise<Map<string, Level>> {
  return store.selectLevels(db, merchant, productIds);
}

function target(
  level: Level,
  change: { add: number } | { set: number | null },
): { onHand: number | null } | string {
  if ("set" in change && change.set === null) return { onHand: null };
  if ("add" in change && level.onHand === null) {
    return "its stock is unlimited: set a number first, then add to it";
  }
  const onHand = "set" in change ? change.set! : level.onHand! + change.add;
  if (!Number.isSafeInteger(onHand)) return "stock is counted in whole numbers";
  if (onHand < 0) return `there are only ${level.onHand ?? 0}: stock can't go below 0`;
  if (onHand > MAX_ON_HAND) return `stock can't go above ${MAX_ON_HAND}: use null for unlimited`;
  return { onHand };
}
