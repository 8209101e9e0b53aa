import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import type { Log } from "../log.ts";
import { LeaseLostError } from "./outcome.ts";

export { LeaseLostError };

const TTL_MS = 8_000;

/** What a `Lease` needs. */
export interface LeaseOptions {
  database: Database;
  clock: Clock;
  log: Log;
  /** What only one process may do at a time. */
  name: string;
  /** This process, different for each start. */
  holder: string;
  /** How long it holds without being renewed. Default 8,000. */
  ttlMs?: number;
}

/**
 * The right to be the only one who does something, among all processes on one database, for a short time. Clocks may
 * differ and processes may stall, so whoever writes because of it checks `assertHeld` in the same transaction.
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #ttlMs: number;
  #held: { epoch: number; until: number } | null = null;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlMs ?? TTL_MS;
  }

  /** Grows with each new holder; null when it isn't ours or has run out by our own clock. */
  get epoch(): number | null {
    return this.#held && this.#options.clock.now() < this.#held.until ? this.#held.epoch : null;
  }

  /** Takes the lease if nobody has it, or it ran out. Renews it if it is ours. */
  async acquire(): Promise<boolean> {
    if (this.#held && await this.renew()) return true;
    const { database, clock, log, name, holder } = this.#options;
    const now = clock.now();
    const until = now + this.#ttlMs;
    const row = await database.transaction((tx) =>
      tx.insertInto("leases").values({ name, holder, until, epoch: 1 })
        .onConflict((conflict) =>
          conflict.column("name").doUpdateSet((eb) => ({ holder, until, epoch: eb("leases.epoch", "+", 1) }))
            .where((eb) => eb.or([eb("leases.until", "<=", now), eb("leases.holder", "=", holder)]))
        ).returning("epoch").executeTakeFirst()
    );
    this.#held = row ? { epoch: row.epoch, until } : null;
    if (row) log.debug("lease taken", { lease: name, epoch: row.epoch });
    return row !== undefined;
  }

  /** Prolongs the lease. False: another holder has it, and what it allowed must stop. */
  async renew(): Promise<boolean> {
    const held = this.#held;
    if (!held) return false;
    const { database, clock, log, name, holder } = this.#options;
    const until = clock.now() + this.#ttlMs;
    const { numUpdatedRows } = await database.transaction(
      (tx) =>
        tx.updateTable("leases").set({ until }).where("name", "=", name).where("holder", "=", holder)
          .where("epoch", "=", held.epoch).executeTakeFirstOrThrow(),
      { lasting: false },
    );
    this.#held = numUpdatedRows > 0n ? { epoch: held.epoch, until } : null;
    if (!this.#held) log.warn("lease lost", { lease: name, epoch: held.epoch });
    return this.#held !== null;
  }

  /** Lets others have it at once. */
  async release(): Promise<void> {
    const held = this.#held;
    if (!held) return;
    this.#held = null;
    const { database, name, holder } = this.#options;
    // The row stays, so that the epoch goes on counting.
    await database.transaction((tx) =>
      tx.updateTable("leases").set({ until: 0 }).where("name", "=", name).where("holder", "=", holder)
        .where("epoch", "=", held.epoch).execute()
    );
  }
}

/**
 * Throws `LeaseLostError` when another holder has taken the lease over. Until this transaction ends nobody can, so what it
 * writes is written by the only holder.
 */
export async function assertHeld(tx: Tx, name: string, holder: string, epoch: number): Promise<void> {
  const row = await tx.selectFrom("leases").select("epoch").where("name", "=", name).where(
    "holder",
    "=",
    holder,
  )
    .where("epoch", "=", epoch).$if(tx.dialect === "postgres", (query) => query.forShare())
    .executeTakeFirst();
  if (!row) throw new LeaseLostError(`the lease "${name}" is another's now`);
}
