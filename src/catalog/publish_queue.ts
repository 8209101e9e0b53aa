import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";

/** NIP-15: `set_stall`. */
export const STALL_KIND = 30017;
/** NIP-15: `set_product`. */
export const PRODUCT_KIND = 30018;
export type CatalogKind = typeof STALL_KIND | typeof PRODUCT_KIND;

/** Stock moves with every sale; its versions are gathered for this long (ms), so that the address' clock keeps up. */
export const STOCK_DELAY_MS = 1_000;
/** Publishing waits for relays that don't answer: a job must survive a long outage. */
const MAX_ATTEMPTS = 1_000;

/** One stall or product of one merchant. */
export interface Address {
  merchant: string;
  kind: CatalogKind;
  d: string;
}

/** Has an address published at `runAt` (ms). What already waits for it stays one job, at the earlier time. */
export function publishAt(tx: Tx, { merchant, kind, d }: Address, runAt: number, now: number): Promise<void> {
  return enqueue(tx, {
    kind: "catalog.publish",
    merchant,
    payload: { merchant, kind, d },
    key: `${merchant}:${kind}:${d}`,
    runAt,
    maxAttempts: MAX_ATTEMPTS,
  }, now);
}

/** A relay that can't be read now is asked again after this long. */
const LATE_MS = 60_000;

/** Has an address brought to relays that couldn't be read when it was first published. */
export function publishLate(
  tx: Tx,
  { merchant, kind, d }: Address,
  relays: readonly string[],
  now: number,
): Promise<void> {
  return enqueue(tx, {
    kind: "catalog.publish",
    merchant,
    payload: { merchant, kind, d, late: relays },
    key: lateKey({ merchant, kind, d }),
    runAt: now + LATE_MS,
    maxAttempts: MAX_ATTEMPTS,
  }, now);
}

/** The key of the job that `publishLate` adds: as long as there is one, its relays aren't written to. */
export function lateKey({ merchant, kind, d }: Address): string {
  return `late:${merchant}:${kind}:${d}`;
}

/** The relays of such a job; empty for others. */
export function lateRelaysIn(payload: Record<string, unknown>): string[] {
  return Array.isArray(payload.late) ? payload.late.map(String) : [];
}

/** Has the new quantities of products published after a sale or a count: `commit().changed` is what it wants. */
export async function publishStock(
  tx: Tx,
  o: { merchant: string; productIds: readonly string[]; now: number },
): Promise<void> {
  for (const d of o.productIds) {
    await publishAt(tx, { merchant: o.merchant, kind: PRODUCT_KIND, d }, o.now + STOCK_DELAY_MS, o.now);
  }
}
