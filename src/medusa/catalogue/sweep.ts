import type { Clock } from "../../clock.ts";
import type { Database, Tx } from "../../db/database.ts";
import { GiveUp, type JobHandler, RetryLater, type RunningJob } from "../../jobs/runner.ts";
import type { Log } from "../../log.ts";
import { normaliseCurrency } from "../../money/currency.ts";
import type { Random } from "../../random.ts";
import { MedusaError } from "../medusa_error.ts";
import { addToReport, reportOf } from "../report_store.ts";
import type { Applied } from "./apply_page.ts";
import type { Ask } from "./ask.ts";
import { mappingContext, takeZones } from "./bridge.ts";
import { ensureBridgeRow, moveBridge, selectBridge, updateBridgeRow } from "./bridge_store.ts";
import {
  FIRST_PRODUCTS,
  nextSize,
  PAGE_PRODUCTS,
  type ProductPage,
  readIds,
  readPage,
  type View,
} from "./pages.ts";
import type { MappingContext } from "./mapping.ts";
import { emptyVariants, withoutLevel } from "./levels_look.ts";
import { countKnown, markUncounted, selectUnseen } from "./products_store.ts";
import { learnCosts } from "./shipping_costs.ts";
import { type CatalogueReport, isDoubtful, lastSweep } from "./sweep_report.ts";
import { sweepLater } from "./sweep_queue.ts";
import type { Choice } from "./choice.ts";
import { readSurroundings, type Surroundings, surroundingsHash } from "./surroundings.ts";
import { takeProducts } from "./take_products.ts";
import { routesOf, zonesOf } from "./zones.ts";

/** What the catalogue is taken from Medusa with. */
export interface CatalogueDeps {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  ask: Ask;
  choice: Choice;
  /** Whose Medusa it is; null: nobody's, now. */
  merchant(): string | null;
  /** The stall is there, or another one is. */
  onStall?(): Promise<void>;
  /** From the end of a sweep to the next one, in ms. */
  everyMs: number;
}

/** What a sweep says that found nothing wrong. */
const ALL_WELL = { problem: null, no_channel: null, no_currency: null };

/** Of so many products that there is nothing of it is looked at whether anybody has counted them. */
const MOST_EMPTY = 1_000;

/** What sold too much once is likely to do so again: it is told for so long. */
const OVERSOLD_MS = 24 * 3_600_000;

/** Who can't be reached now is asked again after this long. */
const AGAIN_MS = 30_000;

/** The job `medusa.sweep`: brings the catalogue to what Medusa shows as a whole, and comes again. */
export function sweepJob(deps: CatalogueDeps): JobHandler {
  return { concurrency: 1, run: (job) => new Sweep(deps, job).run() };
}

class Sweep {
  readonly #deps: CatalogueDeps;
  readonly #job: RunningJob;
  readonly #merchant: string;
  readonly #startedAt: number;
  #waited = 0;

  constructor(deps: CatalogueDeps, job: RunningJob) {
    if (typeof job.payload.merchant !== "string") throw new GiveUp("the job names no merchant");
    this.#job = job;
    this.#merchant = job.payload.merchant;
    this.#startedAt = deps.clock.monotonic();
    this.#deps = { ...deps, ask: (question) => this.#timed(() => deps.ask(question)) };
  }

  async run(): Promise<void> {
    const { log, database } = this.#deps;
    if (this.#deps.merchant() !== this.#merchant) return await this.#handOver();
    try {
      const found = await this.#sweep();
      if (found.sweep) log.info("medusa.swept", { ...found.sweep });
      else log.warn("medusa.unusable", { ...found });
      await this.#end(found);
    } catch (error) {
      if (!(error instanceof MedusaError) || this.#job.signal.aborted) throw error;
      const problem = `its catalogue can't be read: ${error.message}`;
      log.warn("medusa.unread", { problem });
      if (!error.temporary) return await this.#end({ problem });
      await database.transaction((tx) => this.#report(tx, { problem }));
      throw new RetryLater(problem, AGAIN_MS, false);
    }
  }

  /** The shop is another key's now. */
  async #handOver(): Promise<void> {
    const { database, clock } = this.#deps;
    const to = this.#deps.merchant();
    await database.transaction(async (tx) => {
      if (to !== null) {
        await moveBridge(tx, this.#merchant, to);
        await sweepLater(tx, to, clock.now(), clock.now());
      }
      await this.#job.complete(tx);
    });
  }

  async #sweep(): Promise<CatalogueReport> {
    const { ask, choice, database } = this.#deps;
    const before = await this.#begin();
    const found = await readSurroundings(ask, choice, this.#job.signal);
    if (!found.ok) return { ...ALL_WELL, [found.lack]: `${found.reason}. ${found.remedy}` };
    const problem = await this.#takeZones(found.surroundings, before.sweep, before.hash);
    if (problem !== null) return { ...ALL_WELL, problem };
    await this.#deps.onStall?.();
    const mapped = await mappingContext(database.kysely, this.#merchant);
    if (mapped === null) throw new Error("the stall that was just made isn't there");
    const { empty, ...applied } = await this.#takeAll(mapped.view, mapped.context, before.sweep);
    const uncounted = await withoutLevel(ask, empty, this.#job.signal);
    await database.transaction((tx) => markUncounted(tx, this.#merchant, uncounted));
    const { doubted, removed } = await this.#takeOutUnseen(mapped.view, mapped.context, before);
    const counts = await countKnown(database.kysely, this.#merchant, before.sweep);
    return {
      ...ALL_WELL,
      products: counts.listed,
      currency: normaliseCurrency(mapped.view.currency),
      without_price: counts.withoutPrice,
      without_stock_level: counts.withoutStock,
      conflicts: counts.conflicts,
      sweep: {
        ...applied,
        removed: applied.removed + removed,
        doubted,
        troubles: counts.troubles,
        left_out: counts.leftOut,
        seconds: seconds(this.#deps.clock.monotonic() - this.#startedAt),
        waited: seconds(this.#waited),
      },
    };
  }

  /** A sweep that was cut off is simply another number: what it saw is seen again. */
  #begin(): Promise<{ sweep: number; hash: string | null; doubted: boolean }> {
    const { database, clock } = this.#deps;
    return database.transaction(async (tx) => {
      const now = clock.now();
      await ensureBridgeRow(tx, this.#merchant, now);
      const bridge = (await selectBridge(tx, this.#merchant))!;
      const { report } = await reportOf(tx, this.#merchant);
      const sweep = bridge.sweep + 1;
      await updateBridgeRow(tx, this.#merchant, { sweep, sweep_started_at: now, updated_at: now });
      return {
        sweep,
        // A stall that isn't there any more is made again.
        hash: await mappingContext(tx, this.#merchant) && bridge.region_hash,
        doubted: (lastSweep(report)?.doubted ?? 0) > 0,
      };
    });
  }

  /** What shipping costs is learnt again only when something around it is another. */
  async #takeZones(s: Surroundings, sweep: number, hash: string | null): Promise<string | null> {
    const { database, clock, random, ask } = this.#deps;
    const merchant = this.#merchant;
    const { channel, storeKey, currency, groups, only } = s;
    const view: View = { channel: channel.id, storeKey, currency, groups, only };
    const routes = routesOf(s);
    const same = surroundingsHash(s) === hash;
    const zones = same ? [] : zonesOf(s, routes, await learnCosts(ask, s, routes, this.#job.signal));
    return await database.transaction(async (tx) => {
      await updateBridgeRow(tx, merchant, { view: JSON.stringify(view), updated_at: clock.now() });
      return same ? null : await takeZones(tx, { merchant, now: clock.now(), random }, s, zones, sweep);
    });
  }

  async #takeAll(
    view: View,
    context: MappingContext,
    sweep: number,
  ): Promise<Applied & { seen: number; empty: string[] }> {
    const { ask, clock } = this.#deps;
    const signal = this.#job.signal;
    const ids = await readIds(ask, view.channel, signal);
    const read = (size: number) => readPage(ask, view, ids.splice(0, size), () => clock.now(), signal);
    const sums = { seen: 0, made: 0, changed: 0, removed: 0, unchanged: 0, restocked: 0 };
    const empty: string[] = [];
    let next = ids.length > 0 ? read(FIRST_PRODUCTS) : null;
    while (next !== null) {
      const page: ProductPage = await next;
      // Medusa works on the next page while this one is stored.
      next = ids.length > 0 ? read(nextSize(page)) : null;
      next?.catch(() => null);
      const shown = page.products.map(({ id }) => id);
      const of = { merchant: this.#merchant, sweep, ids: shown, page, context, signal };
      add(sums, await takeProducts(this.#deps, of));
      sums.seen += shown.length;
      empty.push(...emptyVariants(page.products).slice(0, MOST_EMPTY - empty.length));
    }
    return { ...sums, empty };
  }

  /**
   * What no page had may have come meanwhile, or moved in the list: it is asked for once more. Where that would take out most of
   * the catalogue, it waits for the next sweep.
   */
  async #takeOutUnseen(
    view: View,
    context: MappingContext,
    { sweep, doubted }: { sweep: number; doubted: boolean },
  ): Promise<{ removed: number; doubted: number }> {
    const { database, ask, clock } = this.#deps;
    const { unseen, all } = await countKnown(database.kysely, this.#merchant, sweep);
    if (isDoubtful(unseen, all, doubted)) return { removed: 0, doubted: unseen };
    const signal = this.#job.signal;
    const next = (after?: string) =>
      selectUnseen(database.kysely, this.#merchant, sweep, {
        limit: PAGE_PRODUCTS,
        ...after !== undefined && { after: [after] },
      });
    let removed = 0;
    for (let ids = await next(); ids.length > 0; ids = await next(ids.at(-1))) {
      const page = await readPage(ask, view, ids, () => clock.now(), signal);
      const of = { merchant: this.#merchant, sweep, ids, page, context, signal };
      removed += (await takeProducts(this.#deps, of)).removed;
    }
    return { removed, doubted: 0 };
  }

  #end(found: CatalogueReport): Promise<void> {
    const { database, clock, everyMs } = this.#deps;
    return database.transaction(async (tx) => {
      await this.#report(tx, found);
      await sweepLater(tx, this.#merchant, clock.now() + everyMs, clock.now());
      await this.#job.complete(tx);
    });
  }

  async #report(tx: Tx, found: CatalogueReport): Promise<void> {
    const now = this.#deps.clock.now();
    const { report } = await reportOf(tx, this.#merchant);
    const over = (report.oversold_at ?? now) < now - OVERSOLD_MS;
    await addToReport(tx, this.#merchant, { ...found, ...(over && { oversells: null }) }, now);
    if (found.sweep) await updateBridgeRow(tx, this.#merchant, { sweep_ended_at: now, updated_at: now });
  }

  async #timed<T>(question: () => Promise<T>): Promise<T> {
    const { clock } = this.#deps;
    const start = clock.monotonic();
    try {
      return await question();
    } finally {
      this.#waited += clock.monotonic() - start;
    }
  }
}

function add(sums: Applied, more: Applied): void {
  for (const name of ["made", "changed", "removed", "unchanged", "restocked"] as const) {
    sums[name] += more[name];
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
