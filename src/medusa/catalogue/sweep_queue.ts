import type { Tx } from "../../db/database.ts";
import { enqueue } from "../../jobs/queue.ts";

/** The job {merchant} that brings the whole catalogue to what Medusa shows. One waits, or runs, for a merchant. */
export const SWEEP_JOB = "medusa.sweep";
/** The job {merchant, product} that does so for one product of Medusa's. */
export const PRODUCT_JOB = "medusa.product";

/** It waits as long as Medusa is away. */
const MAX_ATTEMPTS = 100_000;

/** Has the whole catalogue looked at by `runAt` (ms), if it isn't to be sooner. */
export function sweepLater(tx: Tx, merchant: string, runAt: number, now: number): Promise<void> {
  const job = { kind: SWEEP_JOB, merchant, payload: { merchant }, key: merchant };
  return enqueue(tx, { ...job, runAt, maxAttempts: MAX_ATTEMPTS }, now);
}

/** Has one product of Medusa's looked at by `runAt` (ms). */
export function productLater(
  tx: Tx,
  { merchant, product }: { merchant: string; product: string },
  runAt: number,
  now: number,
): Promise<void> {
  const job = { kind: PRODUCT_JOB, merchant, payload: { merchant, product }, key: `${merchant}:${product}` };
  return enqueue(tx, { ...job, runAt, maxAttempts: MAX_ATTEMPTS }, now);
}
