import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import { forgetJunk, type JunkPlace } from "../messages/junk_store.ts";
import { forgetFullRates, type SenderRate } from "../messages/sender_rates_store.ts";
import type { Strangers } from "../messages/strangers.ts";
import type { Settings } from "../settings.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";

/** How long what strangers wrote is kept when it was no order (design §7). */
const KEPT_MS = 7 * 24 * 3_600_000;
/** While little room is left, what nobody could read goes after this long. */
const UNREADABLE_KEPT_MS = 3_600_000;
const CROWDED = 0.8;
const RELIEF_MS = 10 * 60_000;
/** Rows of one transaction, and transactions of one run: others have their turn in between. */
const PORTION = 200;
const PORTIONS = 50;

/** What is swept, and who hears of the room that there is then. */
export interface JunkSweepParts {
  database: Database;
  clock: Clock;
  log: Log;
  strangers: Strangers;
  rate: SenderRate;
  /** Called when what was left at relays may be read again. */
  onRelief(): void;
}

/** The sweep of a process that serves merchants: relief has their relays read again. */
export function junkSweep(
  o: Omit<JunkSweepParts, "rate" | "onRelief"> & { settings: Settings; merchants: MerchantRegistry },
): JunkSweep {
  const { settings, merchants, ...parts } = o;
  const onRelief = () => {
    for (const merchant of merchants.all()) merchant.intake.catchUpAgain();
  };
  return new JunkSweep({ ...parts, rate: settings.NCC_DM_RATE, onRelief });
}

/** Forgets junk, in portions. What belongs to orders, or to people who have any, stays. */
export class JunkSweep {
  readonly #o: JunkSweepParts;
  #relievedAt = -Infinity;
  /** How far the unreadable was looked through. */
  #place: JunkPlace | null = null;

  constructor(o: JunkSweepParts) {
    this.#o = o;
  }

  /** Forgets what is due, and counts what is left. */
  async run(): Promise<void> {
    const { strangers, log } = this.#o;
    const forgotten = await this.#forgetOld();
    await strangers.recount();
    let unreadable = 0;
    if (this.#crowded()) {
      unreadable = await this.#forgetUnreadable();
      await strangers.recount();
    }
    if (strangers.full) log.warn("strangers.full", { ...strangers.status() });
    if (forgotten + unreadable > 0) log.info("junk.forgotten", { old: forgotten, unreadable });
    await this.#forgetRates();
    await this.#relieve();
  }

  /** A catch-up reads days of events again, so not too often. */
  async #relieve(): Promise<void> {
    const { strangers, clock, log, onRelief } = this.#o;
    const now = clock.monotonic();
    if (now - this.#relievedAt < RELIEF_MS || !await strangers.relieved()) return;
    this.#relievedAt = now;
    log.info("strangers.read_again");
    onRelief();
  }

  #crowded(): boolean {
    const { events, bytes, limits } = this.#o.strangers.status();
    return events > limits.events * CROWDED || bytes > limits.bytes * CROWDED;
  }

  async #forgetOld(): Promise<number> {
    const { database, clock } = this.#o;
    const before = clock.now() - KEPT_MS;
    let forgotten = 0;
    for (let i = 0; i < PORTIONS; i++) {
      const portion = { before, after: null, limit: PORTION };
      const done = await database.transaction((tx) => forgetJunk(tx, portion));
      forgotten += done.forgotten;
      if (done.next === null) break;
    }
    return forgotten;
  }

  async #forgetUnreadable(): Promise<number> {
    const { database, clock } = this.#o;
    const before = clock.now() - UNREADABLE_KEPT_MS;
    let forgotten = 0;
    for (let i = 0; i < PORTIONS; i++) {
      const portion = { before, after: this.#place, limit: PORTION, onlyUnreadable: true };
      const done = await database.transaction((tx) => forgetJunk(tx, portion));
      forgotten += done.forgotten;
      this.#place = done.next;
      if (done.next === null) break;
    }
    return forgotten;
  }

  async #forgetRates(): Promise<void> {
    const { database, clock, rate } = this.#o;
    for (let i = 0; i < PORTIONS; i++) {
      const now = clock.now();
      const gone = await database.transaction((tx) => forgetFullRates(tx, rate, now, PORTION * 5));
      if (gone < PORTION * 5) return;
    }
  }
}
