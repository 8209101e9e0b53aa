import { setImmediate } from "node:timers/promises";
import type { NostrEvent } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import type { Random } from "../random.ts";
import type { BoundedQueue } from "./bounded_queue.ts";
import type { CaughtUp } from "./catch_up.ts";
import {
  type Incoming,
  intakeDefaults,
  intakeFilter,
  type IntakeOptions,
  type IntakeRelayStatus,
  KINDS,
  sinceOf,
  weight,
} from "./intake_options.ts";
import { type CatchUpMark, isOfUse } from "./catch_up_store.ts";
import { MissedEvents } from "./missed_events.ts";
import type { ProbeMaker } from "./probe.ts";
import type { RelayLink } from "./relay_link.ts";
import { CheatedError, pauseAfter, RefusedError } from "./relay_refusal.ts";
import { DeafError, RelayWatch } from "./relay_watch.ts";

export type { Incoming, IntakeOptions, IntakeRelayStatus } from "./intake_options.ts";

/** Nothing is wrong: we want to read from the beginning. */
class AgainError extends Error {}

/**
 * Reads what one relay has for one merchant: a live subscription, restarted whenever it ends or turns out to be deaf, and a catch-up
 * after each start.
 */
export class IntakeRelay {
  readonly #link: RelayLink;
  readonly #merchant: string;
  readonly #queue: BoundedQueue<Incoming>;
  readonly #readCursor: () => Promise<number | null>;
  readonly #readCatchUp: () => Promise<CatchUpMark | null>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #o: IntakeOptions;
  readonly #watch: RelayWatch;
  readonly #missed: MissedEvents;
  readonly #forged: TokenBuckets;
  /** Where the catch-up stands, as the database will say once the queue is stored; undefined before it was asked. */
  #unfinished: CatchUpMark | null | undefined;
  /** Whether this session's catch-up has come further than those before, and whether the last session's had. */
  #advanced = true;
  #advancedBefore = true;
  #session = new AbortController();
  #sessions = 0;
  #status: Pick<
    IntakeRelayStatus,
    "connected" | "caughtUp" | "lastEventAt" | "hidden" | "error" | "refusing"
  > = {
    connected: false,
    caughtUp: false,
    lastEventAt: null,
    hidden: 0,
    error: null,
    refusing: null,
  };

  constructor(o: {
    link: RelayLink;
    merchant: string;
    queue: BoundedQueue<Incoming>;
    readCursor: () => Promise<number | null>;
    /** Where a catch-up was interrupted. */
    readCatchUp: () => Promise<CatchUpMark | null>;
    /** Null: without written probes. */
    probes: ProbeMaker | null;
    clock: Clock;
    random: Random;
    log: Log;
    options?: Partial<IntakeOptions>;
  }) {
    this.#link = o.link;
    this.#merchant = o.merchant;
    this.#queue = o.queue;
    this.#readCursor = o.readCursor;
    this.#readCatchUp = o.readCatchUp;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log.child({ relay: o.link.url });
    this.#o = { ...intakeDefaults, ...o.options };
    this.#forged = new TokenBuckets({ clock: o.clock, perMinute: this.#o.mostForged });
    const later = (event: NostrEvent, signal: AbortSignal) =>
      this.#queue.push({ event, relay: this.#link.url, cursor: null }, weight(event), signal);
    const parts = { ...o, log: this.#log };
    this.#watch = new RelayWatch({ ...parts, queue: later, options: this.#o.watch });
    this.#missed = new MissedEvents({
      ...parts,
      options: this.#o,
      take: async (event, nth, signal) => {
        if (this.#watch.stored(event, nth)) await later(event, signal);
      },
      keep: (event) =>
        !this.#watch.stored(event, Infinity) ||
        this.#queue.offer({ event, relay: this.#link.url, cursor: null }, weight(event)),
      mark: (mark) => {
        this.#unfinished = mark;
        this.#advanced = true;
        this.#queue.add({ event: null, relay: this.#link.url, cursor: null, mark });
      },
      limited: (reason) => this.#status.refusing = reason,
    });
  }

  status(): IntakeRelayStatus {
    const watch = this.#watch.status();
    return {
      url: this.#link.url,
      ...this.#status,
      ...watch,
      refusing: this.#status.refusing ?? watch.refusing,
      restarts: Math.max(0, this.#sessions - 1),
    };
  }

  /** The relay handed on an event that its author didn't sign. Honest relays check: one that goes on is left alone for a while. */
  forged(): void {
    if (this.#forged.take("")) return;
    const reason = "it hands on events with wrong signatures";
    this.#session.abort(new CheatedError(reason));
    this.#link.drop(reason);
  }

  /** Begins anew with a catch-up: what was shed since the last one is brought again. */
  again(): void {
    this.#session.abort(new AgainError("what was left at the relay is read now"));
  }

  /** Runs until the signal fires; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = this.#clock.monotonic();
      this.#advancedBefore = this.#advanced;
      this.#advanced = false;
      try {
        // After our queue was full, which is no fault of the relay, there is nothing to wait for but room.
        await this.#queue.roomy(signal);
        await this.#subscribe(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AgainError) continue;
        this.#status.error = errorText(error);
        if (error instanceof DeafError) {
          this.#link.renew(this.#status.error);
          continue;
        }
        const stable = this.#advanced || this.#clock.monotonic() - startedAt >= this.#o.stableMs;
        failures = stable ? 1 : failures + 1;
        const ms = pauseAfter(error, failures, this.#random, this.#o);
        const refused = error instanceof RefusedError;
        if (refused) this.#status.refusing = error.reason;
        this.#log.warn("intake.interrupted", { error: this.#status.error, ms });
        await this.#clock.sleep(ms, signal);
        // Another connection doesn't make us ask less.
        if (refused && !error.limited && !signal.aborted) this.#link.renew("it ended our subscription");
      }
    }
  }

  /** One subscription from its start to its end. Returns when the queue is full; everything else throws. */
  async #subscribe(signal: AbortSignal): Promise<void> {
    this.#sessions++;
    const session = this.#session = new AbortController();
    const both = AbortSignal.any([signal, session.signal]);
    const cursor = await this.#readCursor();
    const since = sinceOf(cursor, this.#clock.now());
    let reading: Promise<void> | undefined;
    try {
      // `limit` concerns what is stored: the catch-up reads that, page by page.
      const live = KINDS.map((kind) => ({
        ...intakeFilter(kind, this.#merchant),
        since: since[kind]!,
        limit: 1,
      }));
      for await (const message of this.#link.req(live, { signal: both })) {
        if (message[0] === "CLOSED") throw new RefusedError("the relay ended the subscription", message[2]);
        if (message[0] === "EVENT") {
          if (!this.#live(message[2], reading !== undefined)) return;
        } else if (!reading) {
          this.#status.connected = true;
          reading = this.#read(cursor, both);
          reading.catch((error) => session.abort(error));
        }
      }
    } finally {
      // A lost connection ends the catch-up, too, once it has read what came before: that is worth a turn.
      await setImmediate();
      this.#status.connected = false;
      this.#status.caughtUp = false;
      session.abort(new Error("the subscription ended"));
      await reading?.catch((error) => this.#log.debug("intake.reading_ended", { error: errorText(error) }));
    }
  }

  /**
   * Beside the live subscription: first what was missed, then the watch. A catch-up that was interrupted is finished before one
   * that is of now: a relay that is lost again and again is read to its end all the same.
   */
  async #read(cursor: number | null, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const begun: CatchUpMark = { startedAt: now, kind: KINDS[0]!, until: null, at: now };
    const since = (mark: CatchUpMark) => sinceOf(cursor, Math.min(mark.startedAt, now));
    const interrupted = this.#unfinished === undefined ? await this.#readCatchUp() : this.#unfinished;
    if (interrupted && isOfUse(interrupted, now)) {
      // Where not even the newest can be read, the rest has its turn.
      await this.#catchUp(since(interrupted), interrupted, signal, this.#advancedBefore);
      cursor = Math.max(cursor ?? 0, interrupted.startedAt);
    }
    const { events, hidden } = await this.#catchUp(since(begun), begun, signal);
    Object.assign(this.#status, { caughtUp: true, hidden, error: null, refusing: null });
    this.#log.info("intake.caught_up", { events, hidden });
    if (hidden > 0) this.#log.warn("intake.hidden", { seconds: hidden });
    await this.#watch.run(since(begun), signal);
  }

  async #catchUp(
    since: Record<number, number>,
    from: CatchUpMark,
    signal: AbortSignal,
    newestFirst = false,
  ): Promise<CaughtUp> {
    const caughtUp = await this.#missed.read(since, from, signal, newestFirst);
    // All that this catch-up found stands before this entry, so the cursor can't overtake it.
    this.#queue.add({ event: null, relay: this.#link.url, cursor: from.startedAt });
    this.#unfinished = null;
    return caughtUp;
  }

  /** False when the queue is full. `live`: it isn't what was stored when the subscription began. */
  #live(event: NostrEvent, live: boolean): boolean {
    if (!this.#watch.brought(event, live)) return true;
    const now = this.#clock.now();
    this.#status.lastEventAt = now;
    // Of receive time: what a sender's clock says moves nothing.
    const cursor = this.#status.caughtUp ? now : null;
    if (this.#queue.offer({ event, relay: this.#link.url, cursor }, weight(event))) return true;
    this.#log.warn("intake.queue_full", { queued: this.#queue.size });
    this.#status.error = "our queue is full; what follows is read later";
    return false;
  }
}
