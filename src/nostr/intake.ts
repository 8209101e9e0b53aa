import { setImmediate } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import { type Arrival, arrive, inInbox, readCursor, type ReceiveFn } from "./arrivals.ts";
import { backOff } from "./backoff.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import { type Incoming, type IntakeOptions, IntakeRelay, type IntakeRelayStatus } from "./intake_relay.ts";
import { readCatchUp } from "./catch_up_store.ts";
import { eventId } from "./event_id.ts";
import { LruMap } from "./lru_map.ts";
import { ProbeMaker } from "./probe.ts";
import { RelayProgress } from "./relay_progress.ts";
import type { RelayPool } from "./relay_pool.ts";
import type { MerchantSigner } from "./signer.ts";
import type { Verifier } from "./verify.ts";
import type { NostrEvent } from "@nostrify/types";

export type { IntakeOptions, IntakeRelayStatus } from "./intake_relay.ts";

/** Cheap judgement on an outer event. */
export interface Admission {
  /** What needs no signature goes before its check: kind, addressee, size, proof of work, clock. */
  screen?(event: NostrEvent): Promise<{ ok: true } | { ok: false; reason: string }>;
  /** Of an authentic event: all that, and bans. */
  admit(event: NostrEvent, merchant: string): Promise<{ ok: true } | { ok: false; reason: string }>;
}

export interface IntakeStatus {
  merchant: string;
  relays: IntakeRelayStatus[];
  /** Entries between the sockets and the database. */
  queued: number;
  /** Since start: new inbox rows, events seen before, events that weren't authentic, refusals by reason. */
  received: number;
  duplicates: number;
  invalid: number;
  refused: Record<string, number>;
}

const QUEUE = { maxEntries: 2_000, maxWeight: 32 * 1024 * 1024 };
/** Events of one transaction. */
const BATCH = 200;
/** Signatures checked before others get a turn: about 8 ms. */
const TURN = 25;
const RECENT = 10_000;
const RECENT_MS = 60_000;
const REFUSAL_MS = 60_000;
/** Reasons come from policies, a small set; the bound is against a policy that puts details into them. */
const MOST_REASONS = 50;

/**
 * Brings what relays hold for one merchant into the inbox. Each relay has a supervised subscription; behind their common
 * bounded queue an event is dropped when its id is known, else verified, judged, and stored with the relay's cursor (T1).
 */
export class Intake implements Service {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #merchant: string;
  readonly #verifier: Verifier;
  readonly #admission: Admission;
  readonly #receive: ReceiveFn;
  readonly #queue: BoundedQueue<Incoming>;
  readonly #relays: Map<string, IntakeRelay>;
  readonly #stop = new AbortController();
  /**
   * When ids were seen to be in the inbox, to save asking for what several relays bring at the same time. Not for longer:
   * when too much waits the oldest are shed, and the next catch-up brings them again.
   */
  #recent = new LruMap<string, number>(RECENT);
  /** When authentic events were refused: other relays bring them too, but what forbids them may end. */
  readonly #refusals = new LruMap<string, number>(RECENT);
  /** Wrong signatures, which relays hand on again in each catch-up: they are checked once. */
  readonly #forged = new LruMap<string, true>(RECENT);
  readonly #progress: RelayProgress;
  readonly #counts = { received: 0, duplicates: 0, invalid: 0 };
  readonly #refused = new Map<string, number>();
  #running: Promise<unknown> | undefined;

  constructor(o: {
    database: Database;
    clock: Clock;
    random: Random;
    log: Log;
    pool: RelayPool;
    merchant: string;
    relays: readonly string[];
    /** The merchant's, for probes; without it relays aren't probed by events of ours. */
    signer?: MerchantSigner;
    verifier: Verifier;
    admission: Admission;
    /** T1; `arrive` unless given. */
    receive?: ReceiveFn;
    options?: Partial<IntakeOptions>;
    queue?: { maxEntries: number; maxWeight: number };
  }) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log.child({ merchant: o.merchant });
    this.#merchant = o.merchant;
    this.#verifier = o.verifier;
    this.#admission = o.admission;
    this.#receive = o.receive ?? arrive;
    this.#queue = new BoundedQueue(o.queue ?? QUEUE);
    this.#progress = new RelayProgress(o.merchant);
    const links = new Set(o.relays.map((url) => o.pool.link(url)));
    const probes = o.signer ? new ProbeMaker({ ...o, signer: o.signer }) : null;
    this.#relays = new Map([...links].map((link) => {
      const relay = new IntakeRelay({
        link,
        merchant: o.merchant,
        queue: this.#queue,
        readCursor: () => readCursor(o.database, o.merchant, link.url),
        readCatchUp: () => readCatchUp(o.database, { merchant: o.merchant, relay: link.url }),
        probes,
        clock: o.clock,
        random: o.random,
        log: this.#log,
        ...(o.options ? { options: o.options } : {}),
      });
      return [link.url, relay];
    }));
  }

  /** Resolves at once: a relay that can't be reached is no reason not to start. */
  start(): Promise<void> {
    this.#running ??= Promise.all([
      ...[...this.#relays.values()].map((relay) => relay.run(this.#stop.signal)),
      this.#drain(),
    ]);
    return Promise.resolve();
  }

  /** What is being stored is stored; what waits is found again by the next catch-up. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the intake was stopped"));
    await this.#running;
  }

  /** Reads again what relays have kept of the last days: something was left to the next catch-up, and there is room now. */
  catchUpAgain(): void {
    // What was left isn't in the inbox any more.
    this.#recent = new LruMap(RECENT);
    for (const relay of this.#relays.values()) relay.again();
  }

  status(): IntakeStatus {
    return {
      merchant: this.#merchant,
      relays: [...this.#relays.values()].map((relay) => relay.status()),
      queued: this.#queue.size,
      ...this.#counts,
      refused: Object.fromEntries(this.#refused),
    };
  }

  async #drain(): Promise<void> {
    const signal = this.#stop.signal;
    for (;;) {
      // Rejects only with the signal's reason.
      await this.#queue.filled(signal).catch(() => {});
      if (signal.aborted) return;
      await this.#untilStored(this.#queue.take(BATCH));
    }
  }

  /** A batch that the database refuses is tried again until it is stored, or until we stop: the cursor hasn't moved then. */
  async #untilStored(batch: Incoming[]): Promise<void> {
    for (let failures = 1; !this.#stop.signal.aborted; failures++) {
      try {
        return await this.#store(batch);
      } catch (error) {
        const ms = backOff(failures, this.#random, 200, 10_000);
        this.#log.error("intake.not_stored", { events: batch.length, error: errorText(error), ms });
        await this.#clock.sleep(ms, this.#stop.signal);
      }
    }
  }

  async #store(batch: Incoming[]): Promise<void> {
    this.#database.storage.checkRoom();
    const { arrivals, counts } = await this.#judge(batch);
    const step = this.#progress.step(batch, arrivals.length > 0);
    let added = 0;
    if (arrivals.length > 0 || step) {
      added = await this.#database.transaction(async (tx) => {
        const now = this.#clock.now();
        const rows = arrivals.length > 0 ? await this.#receive(tx, arrivals, now) : 0;
        if (step) await this.#progress.write(tx, step, now);
        return rows;
      });
    }
    if (step) this.#progress.written(step);
    for (const { event } of arrivals) this.#recent.set(event.id, this.#clock.now());
    this.#counts.received += added;
    this.#counts.duplicates += counts.duplicates + arrivals.length - added;
    this.#counts.invalid += counts.invalid;
    for (const reason of counts.refused) this.#countRefusal(reason);
  }

  /** What of a batch is new, authentic and admitted. An id counts as known only once an event with it was authentic. */
  async #judge(batch: Incoming[]): Promise<{ arrivals: Arrival[]; counts: Counts }> {
    const counts: Counts = { duplicates: 0, invalid: 0, refused: [] };
    const unknown = [
      ...new Set(batch.flatMap(({ event }) => event && !this.#isRecent(event.id) ? [event.id] : [])),
    ];
    const stored = unknown.length > 0
      ? await inInbox(this.#database, this.#merchant, unknown)
      : new Set<string>();
    for (const id of stored) this.#recent.set(id, this.#clock.now());
    const judged = new Set<string>();
    const arrivals: Arrival[] = [];
    let checked = 0;
    for (const { event, relay } of batch) {
      if (!event) continue;
      if (judged.has(event.id) || stored.has(event.id) || this.#isKnown(event.id)) {
        counts.duplicates++;
        continue;
      }
      const screened = await this.#admission.screen?.(event);
      if (screened?.ok === false) {
        // Not remembered by its id: a forged copy mustn't hide the event itself.
        counts.refused.push(screened.reason);
        continue;
      }
      if (this.#forged.get(event.id + event.sig)) {
        counts.invalid++;
        continue;
      }
      if (++checked % TURN === 0) await setImmediate();
      if (!this.#verifier.verify(event)) {
        counts.invalid++;
        this.#noteForgery(event, relay);
        continue;
      }
      judged.add(event.id);
      const verdict = await this.#admission.admit(event, this.#merchant);
      if (verdict.ok) arrivals.push({ event, relay, merchants: [this.#merchant] });
      else {
        counts.refused.push(verdict.reason);
        this.#refusals.set(event.id, this.#clock.now());
      }
    }
    return { arrivals, counts };
  }

  #noteForgery(event: NostrEvent, relay: string): void {
    this.#log.debug("intake.invalid", { relay, event_id: event.id });
    // Only with the right id: a copy with another content has the id and the signature of the event itself.
    if (eventId(event) === event.id) this.#forged.set(event.id + event.sig, true);
    this.#relays.get(relay)?.forged();
  }

  #isRecent(id: string): boolean {
    const seenAt = this.#recent.get(id);
    return seenAt !== undefined && Math.abs(this.#clock.now() - seenAt) < RECENT_MS;
  }

  #isKnown(id: string): boolean {
    const refusedAt = this.#refusals.get(id);
    return this.#isRecent(id) ||
      (refusedAt !== undefined && this.#clock.now() - refusedAt < REFUSAL_MS);
  }

  #countRefusal(reason: string): void {
    const name = this.#refused.has(reason) || this.#refused.size < MOST_REASONS ? reason : "other";
    this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1);
  }
}

interface Counts {
  duplicates: number;
  invalid: number;
  refused: string[];
}
