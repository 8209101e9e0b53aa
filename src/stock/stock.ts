import type { Tx } from "../db/database.ts";
import { type Change, movement } from "./ledger.ts";
import {
  available,
  canTake,
  exceedsShare,
  type Level,
  type Line,
  type LockedLevel,
  mergeLines,
  type Shortage,
  withinShare,
} from "./lines.ts";
import * as store from "./stock_store.ts";

export { adjust, levels, MAX_ON_HAND, openStock } from "./counting.ts";
export { available } from "./lines.ts";
export type { Level, Line, Shortage } from "./lines.ts";

/** What is to be held, and for whom. */
export interface HoldRequest {
  merchant: string;
  orderId: string;
  lines: readonly Line[];
  now: number;
  /** For a key that never paid: how much of a product (0–1 of what is on hand) such keys may hold together. */
  share?: number;
}

/**
 * Whether the goods are there; `unheld`: they are, but held for nobody, because such keys hold their share already; `brief`:
 * they are held, and more than the share of a product, which shouldn't last (design §5).
 */
export type HoldResult = { ok: true; unheld?: true; brief?: true } | { ok: false; short: Shortage[] };

/**
 * Reserves the lines for an order: all of them or, with what is missing, none. The same product in several lines counts
 * once with the sum. A product without a stock row counts as none available.
 *
 * An order that already holds goods reserves these in addition: release first when it was amended.
 */
export async function hold(tx: Tx, o: HoldRequest): Promise<HoldResult> {
  const lines = mergeLines(o.lines);
  const before = await store.lockHolds(tx, o.orderId);
  // Every row is checked under its lock before the first is written: a refusal has nothing to undo.
  const levels = await store.lockLevels(tx, o.merchant, lines.map((line) => line.productId));
  const short = lines.filter((line) => !canTake(levelOf(levels, line.productId), line.quantity, 0));
  if (short.length > 0) return { ok: false, short: shortages(levels, short) };
  const { share } = o;
  if (
    share !== undefined && !lines.every((l) => withinShare(levelOf(levels, l.productId), l.quantity, share))
  ) {
    return { ok: true, unheld: true };
  }

  const brief = share !== undefined &&
    lines.some((line) => exceedsShare(levelOf(levels, line.productId), line.quantity, share));
  const newcomer = share === undefined ? 0 : 1;
  for (const { productId, quantity } of lines) {
    const reserved = { held: quantity, newcomers: newcomer * quantity };
    if (!await store.reserve(tx, o.merchant, productId, reserved)) throw changedUnderLock(productId);
    const id = holdId(o.orderId, productId, before);
    await store.insertHold(tx, {
      id,
      merchant: o.merchant,
      order_id: o.orderId,
      product_id: productId,
      quantity,
      state: "held",
      created_at: o.now,
      newcomer,
    });
    await store.insertMovements(tx, [movement(o, productId, id, "hold", 0, quantity)]);
  }
  return { ok: true, ...(brief && { brief }) };
}

/**
 * Holds other lines for an order than it holds now: all of them or, with what is missing, the old ones stay. What the order
 * itself holds can be had for it. `unheld`: it holds nothing any more.
 */
export async function rehold(tx: Tx, o: HoldRequest): Promise<HoldResult> {
  const { lines, open, levels } = await lookAt(tx, o);
  const without = new Map(levels);
  for (const { product_id, quantity } of open) {
    const level = levelOf(without, product_id);
    without.set(product_id, { ...level, held: level.held - quantity });
  }
  const short = lines.filter((line) => !canTake(levelOf(without, line.productId), line.quantity, 0));
  if (short.length > 0) return { ok: false, short: shortages(without, short) };
  for (const one of open) await endUnsold(tx, o, one);
  return await hold(tx, o);
}

/** Ends what an order still holds without a sale. Doing it again changes nothing. */
export async function release(tx: Tx, o: { orderId: string; now: number }): Promise<void> {
  const held = (await store.lockHolds(tx, o.orderId)).filter((one) => one.state === "held");
  if (held.length === 0) return;
  const merchant = held[0]!.merchant;
  await store.lockLevels(tx, merchant, held.map((one) => one.product_id));
  for (const one of held) {
    await endUnsold(tx, { merchant, orderId: o.orderId, now: o.now }, one);
  }
}

/**
 * Sells the lines: what the order holds is taken from its holds, the rest (a late payment, or goods never reserved) from
 * what is available; all or, with what is missing, nothing. Holds beyond the lines are released. An order sells once: a
 * repeat answers ok and changes nothing.
 *
 * `changed` are the products whose quantity on hand is another one now, for publishing; `soldOut` those of them of which
 * nothing is left. `look`: what `lookAt` said of the same lines in this transaction, with nothing of theirs changed since.
 */
export async function commit(
  tx: Tx,
  o: { merchant: string; orderId: string; lines: readonly Line[]; now: number },
  look?: Look,
): Promise<{ ok: true; changed: string[]; soldOut: string[] } | { ok: false; short: Shortage[] }> {
  const { lines, holds, open, levels, short } = look ?? await lookAt(tx, o);
  if (holds.some((one) => one.state === "committed")) return { ok: true, changed: [], soldOut: [] };
  if (short.length > 0) return { ok: false, short: shortages(levels, short) };

  const changed: string[] = [];
  for (const line of lines) {
    let missing = line.quantity;
    for (const one of open.filter((each) => each.product_id === line.productId)) {
      const taken = Math.min(missing, one.quantity);
      missing -= taken;
      if (taken > 0) await endSold(tx, o, one, taken, levelOf(levels, line.productId));
      else await endUnsold(tx, o, one);
    }
    if (missing > 0) await sellUnheld(tx, o, line.productId, missing, holds, levelOf(levels, line.productId));
    if (levelOf(levels, line.productId).onHand !== null) changed.push(line.productId);
  }
  const sold = new Set(lines.map((line) => line.productId));
  for (const one of open) if (!sold.has(one.product_id)) await endUnsold(tx, o, one);
  const soldOut = lines.filter((line) => levelOf(levels, line.productId).onHand === line.quantity);
  return { ok: true, changed, soldOut: soldOut.map((line) => line.productId) };
}

/** Lines of an order beside what it holds and what there is. */
export interface Look {
  /** Each product once. */
  lines: Line[];
  /** All that the order ever held, and what of it it holds now. */
  holds: store.Hold[];
  open: store.Hold[];
  levels: Map<string, LockedLevel>;
  short: Line[];
  /** Whether `commit` would sell the lines: because the order holds them, because they are to be had, or not. */
  there: "held" | "available" | "short";
}

/** Looks at what an order holds. The rows stay locked, so that the answer holds until the transaction ends or changes it. */
export async function lookAt(
  tx: Tx,
  o: { merchant: string; orderId: string; lines: readonly Line[] },
): Promise<Look> {
  const lines = mergeLines(o.lines);
  const holds = await store.lockHolds(tx, o.orderId);
  const open = holds.filter((one) => one.state === "held");
  const levels = await store.lockLevels(tx, o.merchant, [
    ...new Set([...lines.map((line) => line.productId), ...open.map((one) => one.product_id)]),
  ]);
  const short = lines.filter((line) => {
    const own = sum(open.filter((one) => one.product_id === line.productId).map((one) => one.quantity));
    return !canTake(levelOf(levels, line.productId), line.quantity, own);
  });
  const sold = holds.some((one) => one.state === "committed");
  const there = sold || (open.length > 0 && short.length === 0)
    ? "held"
    : short.length > 0
    ? "short"
    : "available";
  return { lines, holds, open, levels, short, there };
}

async function endSold(tx: Tx, o: Change, hold: store.Hold, taken: number, level: Level): Promise<void> {
  await end(tx, hold, "committed", o.now);
  await settle(tx, o.merchant, hold.product_id, { ...heldBy(hold), taken });
  const onHand = level.onHand === null ? 0 : -taken;
  await store.insertMovements(tx, [movement(o, hold.product_id, hold.id, "commit", onHand, -hold.quantity)]);
}

async function endUnsold(tx: Tx, o: Change, hold: store.Hold): Promise<void> {
  await end(tx, hold, "released", o.now);
  await settle(tx, o.merchant, hold.product_id, { ...heldBy(hold), taken: 0 });
  await store.insertMovements(tx, [movement(o, hold.product_id, hold.id, "release", 0, -hold.quantity)]);
}

/** Goods that were not reserved leave a hold that has already ended: the order's repeat finds it. */
async function sellUnheld(
  tx: Tx,
  o: Change & { orderId: string },
  productId: string,
  quantity: number,
  holds: store.Hold[],
  level: Level,
): Promise<void> {
  const id = holdId(o.orderId, productId, holds);
  await settle(tx, o.merchant, productId, { held: 0, newcomers: 0, taken: quantity });
  await store.insertHold(tx, {
    id,
    merchant: o.merchant,
    order_id: o.orderId,
    product_id: productId,
    quantity,
    state: "committed",
    created_at: o.now,
    ended_at: o.now,
  });
  const onHand = level.onHand === null ? 0 : -quantity;
  await store.insertMovements(tx, [movement(o, productId, id, "sold_without_hold", onHand, 0)]);
}

async function end(tx: Tx, hold: store.Hold, state: "committed" | "released", now: number): Promise<void> {
  if (!await store.endHold(tx, hold.id, state, now)) throw new Error(`hold ${hold.id} has already ended`);
}

async function settle(
  tx: Tx,
  merchant: string,
  productId: string,
  change: store.Settled,
): Promise<void> {
  if (!await store.settle(tx, merchant, productId, change)) throw changedUnderLock(productId);
}

/** Unique without chance: an order holds one product for the n-th time. */
function holdId(orderId: string, productId: string, before: readonly store.Hold[]): string {
  const times = before.filter((one) => one.product_id === productId).length;
  return `${orderId}:${times + 1}:${productId}`;
}

function heldBy({ quantity, newcomer }: store.Hold) {
  return { held: quantity, newcomers: newcomer * quantity };
}

function levelOf(levels: Map<string, LockedLevel>, productId: string): LockedLevel {
  return levels.get(productId) ?? { onHand: 0, held: 0, newcomersHeld: 0 };
}

function shortages(levels: Map<string, LockedLevel>, lines: readonly Line[]): Shortage[] {
  return lines.map(({ productId }) => ({ productId, available: available(levelOf(levels, productId)) ?? 0 }));
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function changedUnderLock(productId: string): Error {
  return new Error(`stock of ${productId} changed while it was locked`);
}
