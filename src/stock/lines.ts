/** So many units of one product. */
export interface Line {
  productId: string;
  /** A whole number above 0. */
  quantity: number;
}

/** A product of which there isn't enough; `available` is what could be had, never negative. */
export interface Shortage {
  productId: string;
  available: number;
}

/** On hand (null = unlimited) and reserved, as the ledger has them. */
export interface Level {
  onHand: number | null;
  held: number;
}

/** A level whose row is locked. */
export interface LockedLevel extends Level {
  /** Of what is held, the part of keys that had never paid. */
  newcomersHeld: number;
}

/**
 * One line a product, in the order in which rows are locked (by code unit, the same in every process).
 *
 * Throws RangeError for a quantity that is not a whole number above 0: whoever read the order has refused those.
 */
export function mergeLines(lines: readonly Line[]): Line[] {
  const sums = new Map<string, number>();
  for (const { productId, quantity } of lines) {
    const sum = (sums.get(productId) ?? 0) + quantity;
    if (!Number.isSafeInteger(quantity) || quantity <= 0 || !Number.isSafeInteger(sum)) {
      throw new RangeError(`stock of ${productId}: ${quantity} is not a quantity`);
    }
    sums.set(productId, sum);
  }
  return [...sums].map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => (a.productId < b.productId ? -1 : 1));
}

/**
 * Whether a key that never paid may hold `quantity` of a product, of which such keys together hold at most `share` (0–1) of
 * what is on hand (design §5). A product's only hold may be greater: else nobody could reserve the last one.
 */
export function withinShare(level: LockedLevel, quantity: number, share: number): boolean {
  return level.held === 0 || !exceedsShare(level, quantity, share);
}

/** Whether such keys would hold more than their share then: as a product's only hold they may, for a shorter time. */
export function exceedsShare(level: LockedLevel, quantity: number, share: number): boolean {
  return level.onHand !== null && level.newcomersHeld + quantity > Math.floor(level.onHand * share);
}

/** What a new order may still take: on hand less held, never below 0 (`set` may go below what is held); null = unlimited. */
export function available(level: Level): number | null {
  return level.onHand === null ? null : Math.max(0, level.onHand - level.held);
}

/**
 * Whether an order that itself holds `ownHeld` units may take `quantity`: what it reserved has only to be on hand; for
 * anything beyond, what others hold is not touched.
 */
export function canTake(level: Level, quantity: number, ownHeld: number): boolean {
  if (level.onHand === null) return true;
  if (level.onHand < quantity) return false;
  return quantity <= ownHeld || level.onHand - (level.held - ownHeld) >= quantity;
}
