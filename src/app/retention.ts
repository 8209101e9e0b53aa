import type { Clock } from "../clock.ts";
import { removeOldCopies } from "../db/backups_with.ts";
import type { Database, Tx } from "../db/database.ts";
import { wipe } from "../db/wipe.ts";
import { errorText, type Log } from "../log.ts";
import type { Service } from "../service.ts";
import type { Settings } from "../settings.ts";
import {
  forgetOldArrivals,
  forgetOldMessages,
  forgetOldOrders,
  forgetOldPosts,
  type Portion,
  type Walked,
} from "./retention_store.ts";

const DAY_MS = 24 * 3_600_000;
const EVERY_MS = 3_600_000;
/** Rows of one transaction, transactions of one run, and the others' turn between two of them. */
const ORDERS = 25;
const ROWS = 200;
const PORTIONS = 400;
const BREATH_MS = 20;

/** What retention works on. */
export interface RetentionParts {
  database: Database;
  clock: Clock;
  log: Log;
  settings: Pick<Settings, "NCC_RETENTION_DAYS" | "NCC_DATA_DIR">;
}

/**
 * Takes customers' data out NCC_RETENTION_DAYS after an order is complete, or after the last word of somebody without one;
 * and removes backups that are older than that. In small portions that each stand alone: it can be stopped at any
 * time, and several processes may do it side by side.
 */
export class Retention implements Service {
  readonly #o: RetentionParts;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(o: RetentionParts) {
    this.#o = o;
  }

  start(): Promise<void> {
    if (this.#o.settings.NCC_RETENTION_DAYS > 0) this.#running = this.#loop();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One run over all that is due. */
  async run(): Promise<void> {
    const { database, clock, log, settings } = this.#o;
    const before = clock.now() - settings.NCC_RETENTION_DAYS * DAY_MS;
    const orders = await this.#walk<[number, string]>(forgetOldOrders, before, ORDERS);
    const messages = await this.#walk<number>(forgetOldMessages, before, ROWS);
    await this.#repeat(forgetOldArrivals, before);
    await this.#repeat(forgetOldPosts, before);
    if (orders + messages > 0) {
      const wiped = await wipe(database);
      log.info("retention.forgotten", { orders, messages, wiped });
    }
    const backups = database.dialect === "sqlite" ? await removeOldCopies(settings.NCC_DATA_DIR, before) : [];
    if (backups.length > 0) log.info("retention.backups_removed", { backups });
  }

  async #loop(): Promise<void> {
    const { clock, log } = this.#o;
    while (!this.#stop.signal.aborted) {
      try {
        await this.run();
      } catch (error) {
        log.error("retention.fault", { error: errorText(error) });
      }
      await clock.sleep(EVERY_MS, this.#stop.signal);
    }
  }

  async #walk<Place>(
    step: (tx: Tx, portion: Portion<Place>) => Promise<Walked<Place>>,
    before: number,
    limit: number,
  ): Promise<number> {
    const { database, clock } = this.#o;
    let erased = 0;
    let after: Place | null = null;
    for (let i = 0; i < PORTIONS && !this.#stop.signal.aborted; i++) {
      const portion: Portion<Place> = { before, after, limit, now: clock.now() };
      const walked: Walked<Place> = await database.transaction((tx) => step(tx, portion));
      erased += walked.erased;
      after = walked.next;
      if (after === null) break;
      await this.#breathe();
    }
    return erased;
  }

  async #repeat(
    step: (tx: Tx, o: { before: number; limit: number; now: number }) => Promise<boolean>,
    before: number,
  ): Promise<void> {
    const { database, clock } = this.#o;
    for (let i = 0; i < PORTIONS && !this.#stop.signal.aborted; i++) {
      const more = await database.transaction((tx) => step(tx, { before, limit: ROWS, now: clock.now() }));
      if (!more) return;
      await this.#breathe();
    }
  }

  /** By the machine's own time: a test's clock may stand still. */
  #breathe(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, BREATH_MS));
  }
}
