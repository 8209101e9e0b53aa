import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { listBans } from "./bans_store.ts";

/** How long a ban made by another process may go unnoticed. */
const MAX_AGE_MS = 10_000;

/** The `bans` table in memory, so that an event costs no query. */
export class BanList {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #banned = new Map<string, Set<string>>();
  #loadedAt: number | null = null;
  #loading: Promise<void> | null = null;

  constructor(o: { database: Database; clock: Clock; log: Log }) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#log = o.log;
  }

  /** Resolves when `has` may be asked; reads the table when what is known is old. Rejects only if it was never read. */
  async fresh(): Promise<void> {
    if (this.#loadedAt !== null && Math.abs(this.#clock.now() - this.#loadedAt) < MAX_AGE_MS) return;
    try {
      await this.refresh();
    } catch (error) {
      if (this.#loadedAt === null) throw error;
      // The old list is better than no orders; it is tried again when that is as old as this is now.
      this.#loadedAt = this.#clock.now();
      this.#log.warn("policies.bans_not_read", { error: errorText(error) });
    }
  }

  /** Reads the table now: after a ban was set or lifted here. */
  refresh(): Promise<void> {
    this.#loading ??= this.#load().finally(() => this.#loading = null);
    return this.#loading;
  }

  /** Whether `merchant` has banned `pubkey`, as far as `fresh` knows. */
  has(merchant: string, pubkey: string): boolean {
    return this.#banned.get(merchant)?.has(pubkey) ?? false;
  }

  async #load(): Promise<void> {
    const banned = new Map<string, Set<string>>();
    for (const { merchant, pubkey } of await listBans(this.#database.kysely)) {
      const keys = banned.get(merchant) ?? new Set();
      banned.set(merchant, keys.add(pubkey));
    }
    this.#banned = banned;
    this.#loadedAt = this.#clock.now();
  }
}
