import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Service } from "../service.ts";
import { keptStalls } from "./report_store.ts";

const LOOK_MS = 5_000;

export interface KeptStallsOptions {
  database: Database;
  clock: Clock;
  log: Log;
  merchant(): string | null;
}

/** Knows which stalls are Medusa's without a look at the database: another process may have made one. */
export class KeptStalls implements Service {
  readonly #o: KeptStallsOptions;
  readonly #stop = new AbortController();
  #ids: ReadonlySet<string> = new Set();
  #running: Promise<void> | undefined;

  constructor(o: KeptStallsOptions) {
    this.#o = o;
  }

  has(stallId: string): boolean {
    return this.#ids.has(stallId);
  }

  /** Reads them; no order comes before. */
  async start(): Promise<void> {
    await this.look();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Reads them now: for who has just made one. */
  async look(): Promise<void> {
    const { database, merchant } = this.#o;
    const whose = merchant();
    this.#ids = new Set(whose === null ? [] : await keptStalls(database.kysely, whose));
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#o;
    for (;;) {
      await clock.sleep(LOOK_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        log.error("medusa.stalls_unread", { error: errorText(error) });
      }
    }
  }
}
