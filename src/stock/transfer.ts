import type { Tx } from "../db/database.ts";
import { adjust, openStock } from "./counting.ts";
import { available } from "./lines.ts";
import * as store from "./stock_store.ts";

/**
 * Hands what is available of products, and so promised to nobody, over to another merchant's products of the same ids.
 * What orders hold stays with those orders; unlimited stock is unlimited on both sides. Answers the ids whose count changed.
 */
export async function handOver(
  tx: Tx,
  o: { from: string; to: string; productIds: readonly string[]; now: number },
): Promise<string[]> {
  const { from, to, now } = o;
  const changed: string[] = [];
  const levels = await store.lockLevels(tx, from, o.productIds);
  const theirs = await store.lockLevels(tx, to, o.productIds);
  for (const productId of o.productIds) {
    const level = levels.get(productId);
    if (!level) continue;
    const free = available(level);
    const isNew = !theirs.has(productId);
    if (free === null || isNew) {
      await openStock(tx, { merchant: to, productId, onHand: free === null ? null : 0, now });
    }
    if (free === null || free <= 0) continue;
    // Whoever counts both sides finds as many as before.
    const taken = await adjust(tx, { merchant: from, productId, change: { add: -free }, now });
    const given = await adjust(tx, { merchant: to, productId, change: { add: free }, now });
    if (!taken.ok || !given.ok) throw new Error(`the stock of ${productId} changed while it was locked`);
    changed.push(productId);
  }
  return changed;
}
