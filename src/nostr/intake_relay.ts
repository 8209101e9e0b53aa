import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { type Clock, seconds } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import { backOff } from "./backoff.ts";
import type { BoundedQueue } from "./bounded_queue.ts";
import { catchUp, catchUpDefaults, type CatchUpOptions } from "./catch_up.ts";
import { Deadline } from "./deadline.ts";
import type { RelayLink } from "./relay_link.ts";

/** What a relay hands to the intake: an unverified event, or word that everything before it is complete. */
export interface Incoming {
  event: NostrEvent | null;
  relay: string;
  /** Once this and all before it are in the inbox, the relay's cursor is here (ms); null while catching up. */
  cursor: number | null;
}

export interface IntakeRelayStatus {
  url: string;
  /** The live subscription stands. */
  connected: boolean;
  /** And what was missed before it has been read. */
  caughtUp: boolean;
  lastEventAt: number | null;
  /** Seconds of the last catch-up that may hold more events than the relay gives out. */
  hidden: number;
  error: string | null;
  /** Subscriptions after the first. */
  restarts: number;
}

/** Times of a subscription, milliseconds. */
export interface IntakeOptions {
  backOffFirstMs: number;
  backOffMostMs: number;
  /** A subscription that lived this long starts the back-off anew. */
  stableMs: number;
  /** For one page of a catch-up. */
  pageTimeoutMs: number;
  catchUp: Partial<CatchUpOptions>;
}

export const intakeDefaults: IntakeOptions = {
  backOffFirstMs: 500,
  backOffMostMs: 60_000,
  stableMs: 30_000,
  pageTimeoutMs: 60_000,
  catchUp: {},
};

const HOUR_SECONDS = 3_600;
/** NIP-59 dates gift wraps up to 2 days back, and messages may reach a relay late. */
const OVERLAP_SECONDS = 72 * HOUR_SECONDS;
/** What is asked for when a relay is read for the first time. Orders up to 48 h old are answered. */
const FIRST_TIME_SECONDS: Record<number, number> = { 4: 48 * HOUR_SECONDS, 1059: OVERLAP_SECONDS };
/** Direct messages (NIP-04) and gift wraps (NIP-59). */
const KINDS = [4, 1059];

/** The relay ended the subscription itself. */
class ClosedError extends Error {}

/** Reads what one relay has for one merchant: a live subscription, restarted whenever it ends, and a catch-up after each start. */
export class IntakeRelay {
  readonly #link: RelayLink;
  readonly #merchant: string;
  readonly #queue: BoundedQueue<Incoming>;
  readonly #readCursor: () => Promise<number | null>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #o: IntakeOptions;
  #sessions = 0;
  #status: Omit<IntakeRelayStatus, "url" | "restarts"> = {
    connected: false,
    caughtUp: false,
    lastEventAt: null,
    hidden: 0,
    error: null,
  };

  constructor(o: {
    link: RelayLink;
    merchant: string;
    queue: BoundedQueue<Incoming>;
    readCursor: () => Promise<number | null>;
    clock: Clock;
    random: Random;
    log: Log;
    options?: Partial<IntakeOptions>;
  }) {
    this.#link = o.link;
    this.#merchant = o.merchant;
    this.#queue = o.queue;
    this.#readCursor = o.readCursor;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log.child({ relay: o.link.url });
    this.#o = { ...intakeDefaults, ...o.options };
  }

  status(): IntakeRelayStatus {
    return { url: this.#link.url, ...this.#status, restarts: Math.max(0, this.#sessions - 1) };
  }

  /** Runs until the signal fires; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = this.#clock.now();
      try {
        await this.#session(signal);
        // Our queue was full: no fault of the relay, so there is nothing to wait for but room.
        await this.#queue.roomy(signal);
      } catch (error) {
        if (signal.aborted) return;
        failures = this.#clock.now() - startedAt >= this.#o.stableMs ? 1 : failures + 1;
        this.#status.error = errorText(error);
        const ms = backOff(failures, this.#random, this.#o.backOffFirstMs, this.#o.backOffMostMs);
        this.#log.warn("intake.interrupted", { error: this.#status.error, ms });
        await this.#clock.sleep(ms, signal);
        if (error instanceof ClosedError && !signal.aborted) this.#link.renew("it ended our subscription");
      }
    }
  }

  /** One subscription from its start to its end. Returns when the queue is full; everything else throws. */
  async #session(signal: AbortSignal): Promise<void> {
    this.#sessions++;
    const session = new AbortController();
    const cursor = await this.#readCursor();
    const since = sinceOf(cursor, seconds(this.#clock.now()));
    let reading: Promise<void> | undefined;
    try {
      // `limit` concerns what is stored: the catch-up reads that, page by page.
      const live = KINDS.map((kind) => ({ ...this.#filter(kind), since: since[kind]!, limit: 1 }));
      for await (
        const message of this.#link.req(live, { signal: AbortSignal.any([signal, session.signal]) })
      ) {
        if (message[0] === "CLOSED") throw new ClosedError(`the relay ended the subscription: ${message[2]}`);
        if (message[0] === "EVENT") {
          if (!this.#live(message[2])) return;
        } else if (!reading) {
          this.#status.connected = true;
          this.#status.error = null;
          reading = this.#catchUp(since, AbortSignal.any([signal, session.signal]));
          reading.catch((error) => session.abort(error));
        }
      }
    } finally {
      this.#status.connected = false;
      this.#status.caughtUp = false;
      session.abort(new Error("the subscription ended"));
      await reading?.catch((error) => this.#log.debug("intake.catch_up_ended", { error: errorText(error) }));
    }
  }

  #filter(kind: number): NostrFilter {
    return { kinds: [kind], "#p": [this.#merchant] };
  }

  #live(event: NostrEvent): boolean {
    const now = this.#clock.now();
    this.#status.lastEventAt = now;
    const cursor = this.#status.caughtUp ? now : null;
    if (this.#queue.offer({ event, relay: this.#link.url, cursor }, weight(event))) return true;
    this.#log.warn("intake.queue_full", { queued: this.#queue.size });
    this.#status.error = "our queue is full; what follows is read later";
    return false;
  }

  async #catchUp(since: Record<number, number>, signal: AbortSignal): Promise<void> {
    const startedAt = this.#clock.now();
    let hidden = 0;
    let read = 0;
    for (const kind of KINDS) {
      const pages = catchUp(
        (filter) => this.#page(filter, signal),
        this.#filter(kind),
        since[kind]!,
        this.#o.catchUp,
      );
      for (;;) {
        const page = await pages.next();
        if (page.done) {
          hidden += page.value.hidden;
          read += page.value.events;
          break;
        }
        for (const event of page.value) {
          await this.#queue.push({ event, relay: this.#link.url, cursor: null }, weight(event), signal);
        }
      }
    }
    // All that this catch-up found stands before this entry, so the cursor can't overtake it.
    this.#queue.add({ event: null, relay: this.#link.url, cursor: startedAt });
    this.#status.caughtUp = true;
    this.#status.hidden = hidden;
    this.#log.info("intake.caught_up", { events: read, hidden });
    if (hidden > 0) this.#log.warn("intake.hidden", { seconds: hidden });
  }

  async #page(filter: NostrFilter, signal: AbortSignal): Promise<NostrEvent[]> {
    using deadline = new Deadline(this.#clock, this.#o.pageTimeoutMs, signal);
    const events: NostrEvent[] = [];
    // A relay that ignores `limit` is cut off; the next page goes on from there.
    const most = (this.#o.catchUp.page ?? catchUpDefaults.page) * 4;
    for await (const message of this.#link.req([filter], { signal: deadline.signal })) {
      if (message[0] === "EOSE") break;
      if (message[0] === "CLOSED") {
        throw new ClosedError(`the relay refused to look up what we missed: ${message[2]}`);
      }
      events.push(message[2]);
      if (events.length >= most) break;
    }
    return events;
  }
}

/** From which second on each kind is asked for. */
function sinceOf(cursor: number | null, now: number): Record<number, number> {
  const since = (kind: number) =>
    cursor === null ? now - FIRST_TIME_SECONDS[kind]! : Math.min(seconds(cursor), now) - OVERLAP_SECONDS;
  return Object.fromEntries(KINDS.map((kind) => [kind, Math.max(0, since(kind))]));
}

function weight(event: NostrEvent): number {
  return event.content.length + 500 + event.tags.length * 100;
}
