import { alert, type AlertKind } from "../alert.ts";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import type { Lease } from "../jobs/lease.ts";
import { errorText, type Log } from "../log.ts";
import type { Service } from "../service.ts";
import { clear, type ConditionRow, raise, raised } from "./conditions_store.ts";

const EVERY_MS = 5_000;
/** How long something has to be away before it counts, and to be there before it counts as back. */
const DOWN_MS = 60_000;
const UP_MS = 15_000;

/** How something is that may be away for a while. */
export interface Observation {
  merchant: string;
  /** The condition's name: `wallet`, `relay <url>`. */
  name: string;
  /** Null: nobody knows. */
  up: boolean | null;
  /** A sentence for the merchant, without secrets. */
  detail: string;
  /** What the owners are told. */
  kinds: { down: AlertKind; up: AlertKind };
}

/**
 * Watches what can be away and come back. What is down for a minute is a condition, told to the owners; so is its return,
 * after 15 s. Conditions are rows: after a restart nothing is told twice, and no return is forgotten. Of several processes
 * one at a time watches, or their different views would contradict each other.
 */
export class ConditionsWatcher implements Service {
  readonly #o: {
    database: Database;
    clock: Clock;
    log: Log;
    lease: Lease;
    observe: () => Observation[] | Promise<Observation[]>;
  };
  /** Since when (even time) something has been as it is. */
  readonly #since = new Map<string, { up: boolean; at: number }>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    o: {
      database: Database;
      clock: Clock;
      log: Log;
      lease: Lease;
      observe: () => Observation[] | Promise<Observation[]>;
    },
  ) {
    this.#o = o;
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#o.lease.release();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#o;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        log.error("conditions.unwatched", { error: errorText(error) });
      }
      await clock.sleep(EVERY_MS, this.#stop.signal);
    }
  }

  async #look(): Promise<void> {
    const { observe, lease, database } = this.#o;
    const seen = await observe();
    const lasting = seen.filter((one) => this.#lasts(one));
    if (!await lease.acquire()) return;
    const standing = new Map((await raised(database.kysely)).map((row) => [nameOf(row), row]));
    for (const one of lasting) {
      const row = standing.get(nameOf(one));
      if (one.up === false && !row) await this.#raise(one);
      if (one.up === true && row) await this.#clear(one, row);
    }
    const known = new Set(seen.map(nameOf));
    for (const row of standing.values()) {
      // Not set up any more: there is nothing whose return could be told.
      if (isWatched(row.name) && !known.has(nameOf(row)) && this.#served(seen, row)) {
        await database.transaction((tx) => clear(tx, row, this.#o.clock.now()));
      }
    }
  }

  /** Whether it has been as it is for long enough. */
  #lasts(one: Observation): boolean {
    if (one.up === null) return false;
    const now = this.#o.clock.monotonic();
    const before = this.#since.get(nameOf(one));
    if (before?.up !== one.up) {
      this.#since.set(nameOf(one), { up: one.up, at: now });
      return false;
    }
    return now - before.at >= (one.up ? UP_MS : DOWN_MS);
  }

  #served(seen: Observation[], { merchant }: ConditionRow): boolean {
    return seen.some((one) => one.merchant === merchant);
  }

  async #raise(one: Observation): Promise<void> {
    const { database, clock, log } = this.#o;
    const { merchant, name, detail, kinds } = one;
    const told = await database.transaction(async (tx) => {
      const now = clock.now();
      if (!await raise(tx, { merchant, name, detail }, now)) return false;
      await alert(tx, { merchant, kind: kinds.down, fact: factOf(one, now, "down"), detail }, now);
      return true;
    });
    if (told) log.warn("condition.raised", { merchant, condition: name, detail });
  }

  async #clear(one: Observation, row: ConditionRow): Promise<void> {
    const { database, clock, log } = this.#o;
    const { merchant, name, detail, kinds } = one;
    const told = await database.transaction(async (tx: Tx) => {
      const now = clock.now();
      if (!await clear(tx, row, now)) return false;
      await alert(tx, { merchant, kind: kinds.up, fact: factOf(one, row.raised_at, "up"), detail }, now);
      return true;
    });
    if (told) log.info("condition.cleared", { merchant, condition: name });
  }
}

function nameOf({ merchant, name }: { merchant: string; name: string }): string {
  return `${merchant} ${name}`;
}

function isWatched(name: string): boolean {
  return name === "wallet" || name === "refund wallet" || name === "signer" || name === "rates" ||
    name === "btc" || name === "medusa" ||
    name.startsWith("relay ");
}

function factOf({ name }: Observation, raisedAt: number, what: "down" | "up"): string {
  return `condition:${name}:${raisedAt}:${what}`;
}
