import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { databaseFile } from "../db/open.ts";
import { lockDatabaseFile } from "../db/sole_lock.ts";
import { freeAll } from "../jobs/claims_store.ts";
import type { Log } from "../log.ts";
import type { Service } from "../service.ts";
import type { Settings } from "../settings.ts";

/** Another process serves the same SQLite file. */
export class AlreadyRunningError extends Error {
  override readonly name = "AlreadyRunningError";
}

/**
 * Makes sure that no other process serves the same SQLite file, by a lock that the system takes back however the process ends.
 * So whatever a crashed process had reserved is free at once: no customer waits for its leases to run out. On PostgreSQL several
 * processes share the work, and this does nothing.
 */
export class SoleProcess implements Service {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #file: string | null;
  readonly #opened: number | null;
  #lock: Disposable | undefined;

  constructor(
    o: {
      database: Database;
      clock: Clock;
      log: Log;
      settings: Pick<Settings, "NCC_DATABASE_URL" | "NCC_DATA_DIR">;
    },
  ) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#log = o.log;
    this.#file = databaseFile(o.settings.NCC_DATABASE_URL ?? null, o.settings.NCC_DATA_DIR);
    this.#opened = this.#file === null ? null : Deno.statSync(this.#file).ino;
  }

  /** Throws an `AlreadyRunningError` when another process has the lock. */
  async start(): Promise<void> {
    if (this.#file === null) return;
    const lock = lockDatabaseFile(this.#file);
    if (lock === null) {
      throw new AlreadyRunningError(
        `Another ncc serves ${this.#file}. Stop it first, or give this one a data directory of its own (NCC_DATA_DIR).`,
      );
    }
    this.#lock = lock;
    // A restore may have put another file there since ours was opened.
    if (Deno.statSync(this.#file).ino !== this.#opened) {
      await this.stop();
      throw new AlreadyRunningError(`${this.#file} was replaced while this start opened it. Start again.`);
    }
    const freed = await this.#database.transaction((tx) => freeAll(tx, this.#clock.now()));
    if (freed > 0) this.#log.info("start.taken_up", { jobs: freed });
  }

  /** The file stays: another process may be about to lock it. */
  stop(): Promise<void> {
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
    return Promise.resolve();
  }
}
