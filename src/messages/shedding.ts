import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import { countSheddable, shedOldest } from "./lanes_store.ts";

/** How many of strangers' events from relays may wait to be read. */
export interface SheddingLimits {
  perMerchant: number;
  inAll: number;
}

export const sheddingDefaults: SheddingLimits = { perMerchant: 20_000, inAll: 50_000 };

/** Rows of one transaction. */
const PORTION = 500;

/**
 * Keeps the inbox from filling up: strangers' events beyond the limits are taken out, the oldest first, and left to the next
 * catch-up, for their relay has them still. Never shed are regulars' events, what has been opened, and what the built-in
 * relay has said OK to: that one refuses instead.
 */
export class Shedding {
  readonly #database: Database;
  readonly #log: Log;
  readonly #limits: SheddingLimits;

  constructor(o: { database: Database; log: Log; limits?: Partial<SheddingLimits> }) {
    this.#database = o.database;
    this.#log = o.log;
    this.#limits = { ...sheddingDefaults, ...o.limits };
  }

  /** Sheds what is too much; answers how many that were. */
  async run(): Promise<number> {
    const counts = await countSheddable(this.#database.kysely);
    let all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    let shed = 0;
    // The merchant with most waiting gives way first.
    for (const [merchant, count] of [...counts].sort(([, a], [, b]) => b - a)) {
      const { perMerchant, inAll } = this.#limits;
      const excess = Math.min(count, Math.max(count - perMerchant, all - inAll));
      if (excess <= 0) continue;
      const gone = await this.#shedOf(merchant, excess);
      all -= gone;
      shed += gone;
      this.#log.warn("inbox.shed", { merchant, count: gone, waiting: count - gone });
    }
    return shed;
  }

  async #shedOf(merchant: string, excess: number): Promise<number> {
    let gone = 0;
    while (gone < excess) {
      const portion = Math.min(PORTION, excess - gone);
      const count = await this.#database.transaction((tx) => shedOldest(tx, merchant, portion));
      gone += count;
      if (count < portion) break;
    }
    return gone;
  }
}
