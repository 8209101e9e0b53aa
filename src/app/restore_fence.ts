import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { type JobHandlers, RetryLater } from "../jobs/runner.ts";
import { errorText, type Log } from "../log.ts";
import type { Memory } from "../orders/said_before_store.ts";
import type { Service } from "../service.ts";
import { readRestore, releaseHeld, type RestoreFact, writeRestore } from "./restore_store.ts";

/** How often a process looks whether another one has lifted the fence. */
const LOOK_MS = 1_000;
const HELD_MS = 30_000;

/** Why a job waits behind the fence. */
export const FENCED =
  "a backup was restored: nothing leaves until the differences are confirmed (ncc restore show)";

/**
 * What may run behind the fence: it only books money that has arrived. Every other kind of job waits, also one that nobody
 * has thought of yet.
 */
const BOOKS_ONLY: ReadonlySet<string> = new Set(["payments.sweep"]);

/**
 * The fence of a restored database (design §6): it sends, invoices, refunds, delivers and publishes nothing until the
 * relays and wallets are reconciled and the differences confirmed. Where no backup was restored it costs a look at a field.
 */
export class RestoreFence implements Service, Memory {
  readonly #o: { database: Database; clock: Clock; log: Log };
  readonly #stop = new AbortController();
  readonly #behind: (() => Promise<void>)[] = [];
  #fact: RestoreFact | null;
  #running: Promise<void> | undefined;

  /** As the database has it now. */
  static async load(o: { database: Database; clock: Clock; log: Log }): Promise<RestoreFence> {
    return new RestoreFence(o, await readRestore(o.database.kysely));
  }

  private constructor(o: { database: Database; clock: Clock; log: Log }, fact: RestoreFact | null) {
    this.#o = o;
    this.#fact = fact;
  }

  /** Nothing may leave. */
  get up(): boolean {
    return this.#fact !== null && this.#fact.lifted_at === null;
  }

  /** A backup was restored, and what was said before counts. */
  get any(): boolean {
    return this.#fact !== null;
  }

  /** What is known of the restore; null when there was none. */
  get fact(): RestoreFact | null {
    return this.#fact;
  }

  /** Calls `begin` once nothing is in the way: at once when there is no fence. */
  async whenDown(begin: () => Promise<void>): Promise<void> {
    if (this.up) this.#behind.push(begin);
    else await begin();
  }

  start(): Promise<void> {
    if (this.up) {
      this.#o.log.warn("restore.fenced", { backup_at: this.#fact!.backup_at, next: "ncc restore show" });
      this.#running = this.#watch();
    }
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Lifts the fence in the open transaction; `lifted()` after its commit. */
  async lift(tx: Tx, now: number): Promise<void> {
    if (this.#fact === null) return;
    await writeRestore(tx, { ...this.#fact, lifted_at: now }, now);
    await releaseHeld(tx, FENCED, now);
  }

  /** Looks again, and lets run what waited if the fence is down. */
  async look(): Promise<void> {
    this.#fact = await readRestore(this.#o.database.kysely);
    if (this.up) return;
    for (const begin of this.#behind.splice(0)) await begin();
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#o;
    while (this.up && !this.#stop.signal.aborted) {
      await clock.sleep(LOOK_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        log.error("restore.unread", { error: errorText(error) });
      }
    }
  }
}

/** A service that begins its work when there is no fence, or none any more. */
export function behindFence(fence: RestoreFence, service: Service): Service {
  let begun = false;
  let stopped = false;
  return {
    start: () =>
      fence.whenDown(async () => {
        if (stopped) return;
        begun = true;
        await service.start();
      }),
    async stop() {
      stopped = true;
      if (begun) await service.stop();
    },
  };
}

/** Jobs that wait behind the fence for as long as it stands, without using up their tries. */
export function fencedJobs(fence: RestoreFence, handlers: JobHandlers): JobHandlers {
  return Object.fromEntries(
    Object.entries(handlers).map(([kind, handler]) => [
      kind,
      BOOKS_ONLY.has(kind) ? handler : {
        ...handler,
        async run(job) {
          if (fence.up) throw new RetryLater(FENCED, HELD_MS, false);
          await handler.run(job);
        },
      },
    ]),
  );
}
