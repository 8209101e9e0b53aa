import type { Tx } from "../../db/database.ts";
import { GiveUp, type JobHandler, RetryLater, type RunningJob } from "../../jobs/runner.ts";
import { MedusaError } from "../medusa_error.ts";
import { mappingContext } from "./bridge.ts";
import { selectBridge } from "./bridge_store.ts";
import { readPage } from "./pages.ts";
import type { CatalogueDeps } from "./sweep.ts";
import { productLater, sweepLater } from "./sweep_queue.ts";
import { takeProducts } from "./take_products.ts";

/** What changes together is looked at together. */
const GATHER_MS = { product: 1_000, everything: 5_000 };
/** More products than this at once are a sweep's. */
const MANY = 50;
const AGAIN_MS = 30_000;

/**
 * Medusa may have changed these products (its ids), or anything: a reason to read them again, never what they are. Much at once
 * is read once.
 */
export async function takeHint(
  tx: Tx,
  { merchant, changed, now }: { merchant: string; changed: readonly string[] | "everything"; now: number },
): Promise<void> {
  if (changed === "everything" || changed.length > MANY) {
    return await sweepLater(tx, merchant, now + GATHER_MS.everything, now);
  }
  for (const product of new Set(changed)) {
    await productLater(tx, { merchant, product }, now + GATHER_MS.product, now);
  }
}

/** The job `medusa.product`: reads one product again. */
export function productJob(deps: CatalogueDeps): JobHandler {
  return { concurrency: 2, run: (job) => takeOne(deps, job) };
}

async function takeOne(deps: CatalogueDeps, job: RunningJob): Promise<void> {
  const { database, ask, clock, log } = deps;
  const { merchant, product } = job.payload;
  if (typeof merchant !== "string" || typeof product !== "string") {
    throw new GiveUp("the job names no product");
  }
  const bridge = await selectBridge(database.kysely, merchant);
  const mapped = await mappingContext(database.kysely, merchant);
  // Before the first sweep there is nothing to bring up to date.
  if (bridge === undefined || mapped === null) return;
  try {
    const page = await readPage(ask, mapped.view, [product], () => clock.now(), job.signal);
    const of = { merchant, sweep: bridge.sweep, ids: [product], page, context: mapped.context };
    log.debug("medusa.product", { product, ...await takeProducts(deps, of) });
  } catch (error) {
    if (!(error instanceof MedusaError) || job.signal.aborted) throw error;
    if (error.temporary) throw new RetryLater(error.message, AGAIN_MS, false);
    // The next sweep finds the same, and tells of it.
    log.warn("medusa.product_unread", { product, error: error.message });
  }
}
