import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Service } from "../service.ts";
import { beat, bury, leave, silent } from "./heartbeat_store.ts";

/** How often a process looks after the others. */
const LOOK_MS = 1_000;
const BEAT_MS = 2_000;
/** Who has been silent for so long is taken to be gone; being wrong does no harm. */
const GONE_MS = 5_000;

/** What a heartbeat is made of. */
export interface HeartbeatParts {
  database: Database;
  clock: Clock;
  log: Log;
  /** Names this process in leases. */
  holder: string;
  /** What this process has to do, besides, when another is gone; in one of those that are left. */
  onTakenOver?(): Promise<void>;
}

/**
 * Tells the other processes on one PostgreSQL that this one lives, and frees what one held that doesn't any more: its work
 * goes on elsewhere within 10 s of its end, not when each lease runs out. On SQLite there is one process, and this does
 * nothing.
 */
export class Heartbeat implements Service {
  readonly #o: HeartbeatParts;
  readonly #stopped = new AbortController();
  #beatAt = -Infinity;
  #loop: Promise<void> | undefined;

  constructor(o: HeartbeatParts) {
    this.#o = o;
  }

  start(): Promise<void> {
    if (this.#o.database.dialect === "postgres") this.#loop = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    if (!this.#loop) return;
    this.#stopped.abort();
    await this.#loop;
    const { database, holder, log } = this.#o;
    await leave(database, holder).catch((error) => log.warn("heartbeat.fault", { error: errorText(error) }));
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#o;
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#pass();
      } catch (error) {
        log.error("heartbeat.fault", { error: errorText(error) });
      }
      await clock.sleep(LOOK_MS, this.#stopped.signal);
    }
  }

  async #pass(): Promise<void> {
    const { database, clock, log, holder } = this.#o;
    if (clock.monotonic() - this.#beatAt >= BEAT_MS) {
      await beat(database, holder, clock.now() + GONE_MS);
      this.#beatAt = clock.monotonic();
    }
    for (const gone of await silent(database, clock.now())) {
      const freed = await database.transaction((tx) => bury(tx, gone, clock.now()));
      if (!freed) continue;
      log.warn("heartbeat.taken_over", { process: gone });
      await this.#o.onTakenOver?.();
    }
  }
}
