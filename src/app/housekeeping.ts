import { forgetAnswers } from "../api/idempotency_store.ts";
import { forgetReplays } from "../api/replays_store.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { forgetRates } from "../messages/sender_rates_store.ts";
import { forgetRecipientRelays } from "../nostr/recipient_relays_store.ts";
import type { EventStore } from "../nostr/event_store.ts";
import type { Service } from "../service.ts";
import { handOverMoved, retireMoved } from "./key_change.ts";
import type { JunkSweep } from "./junk_sweep.ts";

const EVERY_MS = 60_000;
/** How long a request may be repeated under its Idempotency-Key. */
const ANSWERS_KEPT_MS = 7 * 24 * 3_600_000;
const RATES_KEPT_MS = 24 * 3_600_000;
/** Relay lists of people whom nobody has written to since. */
const LISTS_KEPT_MS = 30 * 24 * 3_600_000;
const EVENTS_AT_ONCE = 500;

/** What is kept house with; `junk` where strangers write. */
export interface HousekeepingParts {
  database: Database;
  store: EventStore;
  clock: Clock;
  log: Log;
  junk?: JunkSweep;
}

/** Forgets what has run out: used-once marks, kept answers, senders who are gone, expired events (NIP-40). */
export class Housekeeping implements Service {
  readonly #o: HousekeepingParts;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(o: HousekeepingParts) {
    this.#o = o;
  }

  start(): Promise<void> {
    this.#running = this.#loop();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { clock, log } = this.#o;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#tidy();
      } catch (error) {
        log.error("housekeeping.fault", { error: errorText(error) });
      }
      await clock.sleep(EVERY_MS, this.#stop.signal);
    }
  }

  async #tidy(): Promise<void> {
    const { database, store, clock } = this.#o;
    const now = clock.now();
    await database.transaction(async (tx) => {
      await forgetReplays(tx, now);
      await forgetAnswers(tx, now - ANSWERS_KEPT_MS);
      await forgetRates(tx, now - RATES_KEPT_MS);
      await forgetRecipientRelays(tx, now - LISTS_KEPT_MS);
    });
    await store.removeExpired(EVENTS_AT_ONCE);
    await handOverMoved(database, now);
    await retireMoved(database, now);
    await this.#o.junk?.run();
  }
}
