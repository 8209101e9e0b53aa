import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import type { Lease } from "../jobs/lease.ts";
import { errorText, type Log } from "../log.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import type { OwnMessage } from "../nostr/own_message.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Terms } from "../orders/place.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import { InboxBatch } from "./inbox_batch.ts";
import { nextDue, nextToRead } from "./lanes_store.ts";
import type { SenderRate } from "./sender_rates_store.ts";
import { Shedding, type SheddingLimits } from "./shedding.ts";

const BATCH = { limit: 100, strangers: 12 };
/** While relays bring more than can be checked: short, so that the rest between them is, too. */
const CROWDED_BATCH = { limit: 24, strangers: 12 };
/** Behind the wake-ups: other processes' arrivals, where a notification was lost. */
const POLL_MS = { sqlite: 1_000, postgres: 250 };
/** How often a process that doesn't read looks whether it may. */
const STANDBY_MS = 1_000;
/** How long we trust the lease without asking; it holds for twice as long. */
const TRUST_MS = 3_000;
const FAULT_MS = 1_000;
const SHED_EVERY_MS = 1_000;
/** And so many times as long as reading takes it rests. */
const CROWDED_REST = 3;
const LONGEST_REST_MS = 300;
/** How often merchants are looked at again who are busy or whose signer was slow. */
const RESTING_MS = 50;

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
  /** The merchants' own people (hex keys). */
  owners?: ReadonlySet<string>;
  /** Merchants whose messages wait because somebody has to decide something first. */
  haltedMerchants?(): Promise<ReadonlySet<string>>;
  /** Called in a transaction for what the merchant's own key said. */
  onOwnMessage?(tx: Tx, own: OwnMessage, now: number): Promise<void>;
  /** Called with how many of strangers' events were left at their relays; `wanted` as soon as there is room. */
  onShed?(count: number, wanted: boolean): void;
  /** Whether relays bring more than the intake can check now: what was missed is brought in before it is read. */
  crowded?(): boolean;
  /** How much of strangers may wait. */
  limits?: Partial<SheddingLimits>;
  /** One process at a time reads the inbox; who stalls and goes on when another reads already does no harm. */
  lease: Lease;
}

/** Reads the inbox, batch by batch, whenever something is due in it. */
export class InboxWorker implements Service {
  readonly #parts: InboxWorkerParts;
  readonly #batch: InboxBatch;
  readonly #shedding: Shedding;
  #running: Promise<void> | undefined;
  #stopping = false;
  #standby = false;
  #nap = new AbortController();
  #trustedUntil = 0;
  #shedAt = -Infinity;
  #settling: (() => void)[] = [];

  constructor(parts: InboxWorkerParts) {
    this.#parts = parts;
    this.#batch = new InboxBatch(parts);
    this.#shedding = new Shedding({ ...parts, ...(parts.limits && { limits: parts.limits }) });
  }

  start(): Promise<void> {
    if (this.#running) throw new Error("the inbox worker runs already");
    const unlisten = this.#parts.database.listen("inbox", () => {
      // Another process reads it: every message would only be a useless question for the lease.
      if (!this.#standby) this.#nap.abort("woken");
    });
    this.#running = this.#run().finally(unlisten);
    return Promise.resolve();
  }

  /** Ends after the batch under way and lets another process read. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#nap.abort("woken");
    await this.#running;
    await this.#batch.ended();
    await this.#parts.lease.release();
  }

  /** For tests: resolves when nothing that is due waits, here or in the process that reads, or the worker has stopped. */
  settled(): Promise<void> {
    if (this.#stopping) return this.#running ?? Promise.resolve();
    return new Promise((resolve) => {
      this.#settling.push(resolve);
      this.#nap.abort("woken");
    });
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const nap = this.#nap = new AbortController();
      const { pause, settled } = await this.#pass().catch((error) => {
        this.#parts.log.error("inbox.fault", { error: errorText(error) });
        return { pause: FAULT_MS, settled: false };
      });
      if (pause === 0 || nap.signal.aborted) continue;
      const sleep = this.#parts.clock.sleep(pause, nap.signal);
      // Asleep already, so that a test that now moves the clock wakes it.
      if (settled) this.#tellSettled();
      await sleep;
    }
    this.#tellSettled();
  }

  /** Reads what is due, if it is ours to read. Answers how long to sleep, and whether nothing is due. */
  async #pass(): Promise<{ pause: number; settled: boolean }> {
    const { database, clock } = this.#parts;
    this.#standby = !await this.#mayRead();
    const now = clock.now();
    const except = this.#batch.resting();
    const crowded = this.#parts.crowded?.() ?? false;
    const batch = crowded ? CROWDED_BATCH : BATCH;
    const rows = this.#standby ? [] : await nextToRead(database.kysely, { now, ...batch, except });
    if (!this.#standby) await this.#shed();
    if (rows.length > 0) {
      const began = clock.monotonic();
      await this.#batch.work(rows, () => this.#nap.abort("woken"));
      if (crowded) await this.#rest(clock.monotonic() - began);
      return { pause: 0, settled: false };
    }
    const due = await nextDue(database.kysely);
    const settled = due === null || due > now;
    if (this.#standby) return { pause: STANDBY_MS, settled };
    const poll = POLL_MS[database.dialect];
    const soonest = except.length > 0 ? RESTING_MS : 1;
    return { pause: due === null ? poll : Math.min(poll, Math.max(soonest, due - now)), settled };
  }

  /** One thread does both: whoever reads leaves most of it to whoever brings in. */
  async #rest(workedMs: number): Promise<void> {
    await this.#parts.clock.sleep(Math.min(LONGEST_REST_MS, workedMs * CROWDED_REST));
  }

  /** Makes room, now and then: a flood fills the inbox by thousands a second at most. */
  async #shed(): Promise<void> {
    const now = this.#parts.clock.monotonic();
    if (now - this.#shedAt < SHED_EVERY_MS) return;
    this.#shedAt = now;
    const shed = await this.#shedding.run();
    if (shed > 0) this.#parts.onShed?.(shed, true);
  }

  async #mayRead(): Promise<boolean> {
    const { lease, clock } = this.#parts;
    const now = clock.now();
    if (lease.epoch !== null && now < this.#trustedUntil) return true;
    this.#trustedUntil = now + TRUST_MS;
    return await lease.acquire();
  }

  #tellSettled(): void {
    for (const settled of this.#settling.splice(0)) settled();
  }
}
