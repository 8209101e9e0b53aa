import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import { backOff } from "./backoff.ts";
import { Deadline } from "./deadline.ts";
import { Hearing } from "./hearing.ts";
import { intakeFilter, KINDS } from "./intake_options.ts";
import { isProbe, type ProbeMaker } from "./probe.ts";
import { LinkError, type RelayLink } from "./relay_link.ts";
import { ProbeRounds } from "./relay_probes.ts";
import { watchDefaults, type WatchOptions } from "./watch_options.ts";

/** The relay doesn't hand over what it has, though the subscription stands: only a new connection can help. */
export class DeafError extends Error {
  override readonly name = "DeafError";
}

const HOUR_SECONDS = 3_600;
/** Newer than this would be a page of events that somebody dated into the future to hide the others. */
const AHEAD_SECONDS = 600;
/** Of each kind, what a catch-up finds first is remembered. */
const NEWEST = 1_000;

/**
 * Finds out whether a live subscription is deaf (design §7): asks the relay every so often what it has, which the subscription must
 * have brought or bring at once, and sends events that must come back. It outlives the subscriptions; `run` once for each.
 */
export class RelayWatch {
  readonly #link: RelayLink;
  readonly #merchant: string;
  readonly #queue: (event: NostrEvent, signal: AbortSignal) => Promise<void>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #o: WatchOptions;
  readonly #hearing = new Hearing();
  readonly #probes: ProbeRounds | null;
  #deaf: { since: number; why: string } | null = null;
  #foundDeaf = 0;
  #refusing: string | null = null;
  #heardAt = -Infinity;
  #missedAt = -Infinity;
  #renewals = 0;
  #renewAt = -Infinity;

  constructor(o: {
    link: RelayLink;
    merchant: string;
    /** Null: without written probes. */
    probes: ProbeMaker | null;
    /** Takes what only a check has found; waits for room. */
    queue: (event: NostrEvent, signal: AbortSignal) => Promise<void>;
    clock: Clock;
    random: Random;
    log: Log;
    options?: Partial<WatchOptions>;
  }) {
    this.#link = o.link;
    this.#merchant = o.merchant;
    this.#queue = o.queue;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log;
    this.#o = { ...watchDefaults, ...o.options };
    this.#probes = o.probes && new ProbeRounds({ ...o, probes: o.probes, options: this.#o });
  }

  status(): {
    deaf: { since: number; why: string } | null;
    foundDeaf: number;
    refusing: string | null;
    unproven: string | null;
  } {
    return {
      deaf: this.#deaf,
      foundDeaf: this.#foundDeaf,
      refusing: this.#refusing,
      unproven: this.#probes?.unproven ?? null,
    };
  }

  /**
   * The relay brought an event by its subscription: by itself (`live`), or as one of those that were stored before. False: it is a
   * probe and for nobody else.
   */
  brought(event: NostrEvent, live: boolean): boolean {
    const first = this.#hearing.bring(event.id);
    if (live && first) {
      this.#heardAt = this.#clock.monotonic();
      this.#hears();
    }
    if (!isProbe(event, this.#merchant)) return true;
    this.#probes?.cameBack(event.id);
    return false;
  }

  /** A catch-up found an event, the `nth` of its kind from the newest on. False: it is a probe. */
  stored(event: NostrEvent, nth: number): boolean {
    // Older ones are in no check's page, and would have these forgotten.
    if (nth < NEWEST) this.#hearing.bring(event.id);
    return !isProbe(event, this.#merchant);
  }

  /** Watches one subscription that is caught up from `since`. Rejects with a `DeafError`, or a `LinkError` when the relay is silent. */
  async run(since: Record<number, number>, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const parts = [this.#checkForEver(since, both), this.#probeForEver(both)];
    try {
      await Promise.all(parts);
    } finally {
      ended.abort();
      await Promise.allSettled(parts);
    }
  }

  async #checkForEver(since: Record<number, number>, signal: AbortSignal): Promise<void> {
    // Relays and merchants not in step.
    let wait = this.#o.checkEveryMs * (1 + this.#random.fraction()) / 2;
    for (let refusals = 0;;) {
      await this.#clock.sleep(wait, signal);
      if (signal.aborted) return;
      const answer = await this.#ask(since, signal);
      if (answer === null) return;
      wait = this.#o.checkEveryMs;
      if (answer.refused !== null) {
        this.#refused(answer.refused);
        wait = Math.min(this.#o.checkMostMs, wait * 2 ** Math.min(++refusals, 30));
        continue;
      }
      refusals = 0;
      this.#refusing = null;
      const events = answer.events.filter((event) => !isProbe(event, this.#merchant));
      await this.#judge(events, signal);
    }
  }

  async #judge(events: NostrEvent[], signal: AbortSignal): Promise<void> {
    const missing = new Set(this.#hearing.check(events.map((event) => event.id)));
    if (missing.size === 0) return this.#forgive();
    for (const event of events) if (missing.has(event.id)) await this.#queue(event, signal);
    await this.#clock.sleep(this.#o.graceMs, signal);
    if (signal.aborted) return;
    const { length } = this.#hearing.stillMissing([...missing]);
    if (length > 0) this.#found(`it has ${length} that the subscription didn't bring`);
  }

  /** The newest of each kind; null when the watch is over. */
  async #ask(
    since: Record<number, number>,
    signal: AbortSignal,
  ): Promise<{ events: NostrEvent[]; refused: string | null } | null> {
    const askedAt = this.#clock.monotonic();
    const now = seconds(this.#clock.now());
    const filters = KINDS.map((kind) => ({
      ...intakeFilter(kind, this.#merchant),
      // A direct message is dated when it is sent; what arrives late is the catch-up's.
      since: kind === 4 ? Math.max(since[kind]!, now - HOUR_SECONDS) : since[kind]!,
      until: now + AHEAD_SECONDS,
      limit: this.#o.checkLimit,
    }));
    using deadline = new Deadline(this.#clock, this.#o.checkTimeoutMs, signal);
    const events: NostrEvent[] = [];
    try {
      for await (const message of this.#link.req(filters, { signal: deadline.signal })) {
        if (message[0] === "CLOSED") return { events, refused: message[2] };
        if (message[0] === "EOSE" || events.length >= 4 * this.#o.checkLimit) break;
        events.push(message[2]);
      }
      return { events, refused: null };
    } catch (error) {
      if (signal.aborted) return null;
      if (!deadline.expired) throw error;
      const reason = `it didn't answer a look-up within ${this.#o.checkTimeoutMs} ms`;
      // A relay that has too much to do, or doesn't say that it refuses: the subscription lives.
      if (this.#heardAt >= askedAt) return { events, refused: reason };
      this.#link.drop(reason);
      throw new LinkError(`${this.#link.url}: ${reason}`);
    }
  }

  async #probeForEver(signal: AbortSignal): Promise<void> {
    if (this.#probes === null) return;
    this.#probes.begin();
    while (!signal.aborted) {
      const outcome = await this.#probes.next({
        deaf: () => this.#deaf !== null,
        heardSince: (at) => this.#heardAt > at,
      }, signal);
      if (outcome.lost !== null) this.#found(outcome.lost);
    }
  }

  #refused(reason: string): void {
    if (this.#refusing === null) this.#log.warn("intake.check_refused", { reason });
    this.#refusing = reason;
  }

  /** Throws when it is time for a new connection. */
  #found(why: string): void {
    const now = this.#clock.monotonic();
    if (now - this.#missedAt > this.#o.forgiveMs) this.#renewals = 0;
    this.#missedAt = now;
    if (this.#deaf === null) this.#foundDeaf++;
    this.#deaf = { since: this.#deaf?.since ?? this.#clock.now(), why };
    const renews = now >= this.#renewAt;
    this.#log.warn("intake.deaf", { why, renews });
    if (!renews) return;
    this.#renewAt = now + backOff(++this.#renewals, this.#random, this.#o.renewFirstMs, this.#o.renewMostMs);
    throw new DeafError(`the relay is deaf: ${why}`);
  }

  #hears(): void {
    if (this.#deaf === null) return;
    this.#log.info("intake.hears_again", { deaf_ms: this.#clock.now() - this.#deaf.since });
    this.#deaf = null;
  }

  /** Where probes are refused and nobody writes, nothing else would ever end deafness. */
  #forgive(): void {
    if (this.#probes?.unproven === null) return;
    if (this.#clock.monotonic() - this.#missedAt > this.#o.forgiveMs) this.#hears();
  }
}
