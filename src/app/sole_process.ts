import type { Database } from "../db/database.ts";
import { databaseFile } from "../db/open.ts";
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
  readonly #log: Log;
  readonly #file: string | null;
  #lock: Deno.FsFile | undefined;

  constructor(
    o: { database: Database; log: Log; settings: Pick<Settings, "NCC_DATABASE_URL" | "NCC_DATA_DIR"> },
  ) {
    this.#database = o.database;
    this.#log = o.log;
    this.#file = databaseFile(o.settings.NCC_DATABASE_URL ?? null, o.settings.NCC_DATA_DIR);
  }

  /** Throws an `AlreadyRunningError` when another process has the lock. */
  async start(): Promise<void> {
    if (this.#file === null) return;
    const lock = Deno.openSync(`${this.#file}.lock`, { create: true, write: true, mode: 0o600 });
    if (!lock.tryLockSync(true)) {
      lock.close();
      throw new AlreadyRunningError(
        `Another ncc serves ${this.#file}. Stop it first, or give this one a data directory of its own (NCC_DATA_DIR).`,
      );
    }
    this.#lock = lock;
    const freed = await this.#database.transaction((tx) => freeAll(tx));
    if (freed > 0) this.#log.info("start.taken_up", { jobs: freed });
  }

  /** The file stays: another process may be about to lock it. */
  stop(): Promise<void> {
    this.#lock?.close();
    this.#lock = undefined;
    return Promise.resolve();
  }
}
