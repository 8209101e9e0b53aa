import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { readMessage } from "../dialects/dialects.ts";
import type { Lease } from "../jobs/lease.ts";
import { errorText, type Log } from "../log.ts";
import { openEnvelope } from "../nostr/envelope.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Terms } from "../orders/place.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import { decide, type ReadMessage } from "./decide.ts";
import { finish, type InboxRow, nextDue, postpone, waiting } from "./inbox_store.ts";
import type { SenderRate } from "./sender_rate.ts";

const BATCH = 100;
/** Other processes' arrivals are looked for at least this often. */
const POLL_MS = 250;
const STANDBY_MS = 1_000;
const FAULT_MS = 1_000;
const LONGEST_RETRY_MS = 5 * 60_000;

/** What the worker is made of. */
export interface InboxWorkerParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  verifier: Verifier;
  identityOf: IdentityOf;
  /** The merchant's terms now. */
  termsOf(merchant: string): Terms;
  rate: SenderRate;
  /** One process at a time reads the inbox, so that a customer's messages keep their order. */
  lease: Lease;
}

/**
 * Reads the inbox: opens envelopes and reads them outside of any transaction, then decides each message in one.
 * Messages of one customer are decided in order of arrival, those of different customers side by side.
 */
export class InboxWorker implements Service {
  readonly #parts: InboxWorkerParts;
  #running: Promise<void> | undefined;
  #stop = new AbortController();
  #nudge = new AbortController();
  #busy = false;

  constructor(parts: InboxWorkerParts) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    this.#stop = new AbortController();
    const unlisten = this.#parts.database.listen("inbox", () => this.#nudge.abort());
    this.#running = this.#loop().finally(unlisten);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#nudge.abort();
    await this.#running;
    await this.#parts.lease.release();
  }

  /** For tests: resolves when nothing that is due waits. */
  async settled(): Promise<void> {
    const { database, clock } = this.#parts;
    while (this.#busy || (await waiting(database.kysely, clock.now(), 1)).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #loop(): Promise<void> {
    const { clock, log, lease } = this.#parts;
    while (!this.#stop.signal.aborted) {
      try {
        if (!await lease.acquire()) {
          await clock.sleep(STANDBY_MS, this.#stop.signal);
          continue;
        }
        this.#nudge = new AbortController();
        this.#busy = true;
        const read = await this.#batch();
        this.#busy = false;
        if (read < BATCH) await this.#wait();
      } catch (error) {
        this.#busy = false;
        log.error("inbox.fault", { error: errorText(error) });
        await clock.sleep(FAULT_MS, this.#stop.signal);
      }
    }
  }

  async #wait(): Promise<void> {
    if (this.#nudge.signal.aborted || this.#stop.signal.aborted) return;
    const { database, clock } = this.#parts;
    const due = await nextDue(database.kysely);
    const ms = due === null ? POLL_MS : Math.min(POLL_MS, Math.max(1, due - clock.now()));
    await clock.sleep(ms, AbortSignal.any([this.#nudge.signal, this.#stop.signal]));
  }

  /** Answers how many rows it looked at. */
  async #batch(): Promise<number> {
    const { database, clock } = this.#parts;
    const rows = await waiting(database.kysely, clock.now(), BATCH);
    const read = await Promise.all(rows.map((row) => this.#read(row)));
    const bySender = Map.groupBy(
      read.filter((r) => r !== null),
      (r) => `${r.row.merchant}:${r.message.sender}`,
    );
    await Promise.all([...bySender.values()].map(async (messages) => {
      for (const message of messages) await this.#decide(message);
    }));
    return rows.length;
  }

  /** Null when there is nothing to decide: not authentic, not for us, or not to be opened now. */
  async #read(row: InboxRow): Promise<ReadMessage | null> {
    const { database, clock, identityOf, verifier, log } = this.#parts;
    const identity = identityOf(row.merchant);
    if (!identity) {
      await this.#postpone(row, "merchant isn't served now");
      return null;
    }
    const opened = await openEnvelope(JSON.parse(row.event), identity.signer, verifier);
    if (opened.ok) {
      const { message } = opened;
      const reading = readMessage(message.content, {
        kind: message.kind,
        tags: message.tags,
        merchant: row.merchant,
      });
      return { row, message, reading };
    }
    if (opened.retry) {
      await this.#postpone(row, opened.reason);
      return null;
    }
    log.debug("inbox.dropped", { event_id: row.event_id, reason: opened.reason, at: clock.now() });
    await database.transaction((tx) => finish(tx, row, { state: "dropped", reason: opened.reason }));
    return null;
  }

  async #decide(read: ReadMessage): Promise<void> {
    const { database, clock, random, termsOf, rate, log } = this.#parts;
    try {
      const terms = termsOf(read.row.merchant);
      await database.transaction((tx) => decide(tx, read, { terms, rate, random, now: clock.now() }));
    } catch (error) {
      // It stays in the inbox: nothing of it was stored.
      log.error("inbox.undecided", {
        event_id: read.row.event_id,
        attempt: read.row.attempts + 1,
        error: errorText(error),
      });
      await this.#postpone(read.row, errorText(error));
    }
  }

  async #postpone(row: InboxRow, reason: string): Promise<void> {
    const { database, clock } = this.#parts;
    const ms = Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** Math.min(row.attempts, 10));
    await database.transaction((tx) => postpone(tx, row, clock.now() + ms, reason));
  }
}
