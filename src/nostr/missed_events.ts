import type { NostrEvent, NostrFilter } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import { backOff } from "./backoff.ts";
import { catchUp, catchUpDefaults, type CaughtUp, IN_NO_ORDER, isOrdered } from "./catch_up.ts";
import type { CatchUpMark } from "./catch_up_store.ts";
import { Deadline } from "./deadline.ts";
import { intakeFilter, type IntakeOptions, KINDS } from "./intake_options.ts";
import { ReadingMark } from "./reading_mark.ts";
import type { RelayLink } from "./relay_link.ts";
import { RefusedError } from "./relay_refusal.ts";

/** Takes an event, the `nth` of its kind from the newest on; waits for room. */
export type Take = (event: NostrEvent, nth: number, signal: AbortSignal) => Promise<void>;

/** Of each kind, what is looked for before an interrupted reading goes on. */
const NEWEST = 100;

/** Reads what a relay has stored for a merchant. */
export class MissedEvents {
  readonly #link: RelayLink;
  readonly #merchant: string;
  readonly #take: Take;
  readonly #keep: (event: NostrEvent) => boolean;
  readonly #mark: (mark: CatchUpMark) => void;
  readonly #limited: (reason: string) => void;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #o: IntakeOptions;

  constructor(o: {
    link: RelayLink;
    merchant: string;
    take: Take;
    /** Takes an event at once; false when there is no room. */
    keep: (event: NostrEvent) => boolean;
    /** Is told how far it has come: what was taken before is what the mark says. */
    mark: (mark: CatchUpMark) => void;
    /** Is told when the relay wants us to ask less. */
    limited: (reason: string) => void;
    clock: Clock;
    random: Random;
    log: Log;
    options: IntakeOptions;
  }) {
    this.#link = o.link;
    this.#merchant = o.merchant;
    this.#take = o.take;
    this.#keep = o.keep;
    this.#mark = o.mark;
    this.#limited = o.limited;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log;
    this.#o = o.options;
  }

  /**
   * All events of each kind since its second, kind by kind, newest first; `from` goes on where an earlier reading was interrupted,
   * and `newestFirst` looks before what has come meanwhile: the rest of a long reading may be old.
   * Rejects with a `RefusedError`, a `LinkError` or the signal's reason.
   */
  async read(
    since: Record<number, number>,
    from: CatchUpMark,
    signal: AbortSignal,
    newestFirst = false,
  ): Promise<CaughtUp> {
    const sum = { events: 0, hidden: 0 };
    if (newestFirst) await this.#newest(since, signal);
    for (const kind of KINDS.slice(Math.max(0, KINDS.indexOf(from.kind)))) {
      const mark = new ReadingMark(kind, from, { tell: this.#mark, clock: this.#clock });
      const { events, hidden } = await this.#readKind(kind, since[kind]!, mark, signal);
      sum.events += events;
      sum.hidden += hidden;
    }
    return sum;
  }

  async #readKind(kind: number, since: number, mark: ReadingMark, signal: AbortSignal): Promise<CaughtUp> {
    const rest = mark.until === null ? {} : { until: mark.until };
    const filter = { ...intakeFilter(kind, this.#merchant), ...rest };
    const lost = (second: number) => mark.standsAt(second);
    const pages = catchUp((page) => this.#page(page, signal, lost), filter, since, this.#o.catchUp);
    for (;;) {
      const page = await pages.next();
      if (page.done) return page.value;
      const { events, until } = page.value;
      for (const event of events) await this.#take(event, mark.next(), signal);
      mark.taken(events.length, until);
    }
  }

  async #newest(since: Record<number, number>, signal: AbortSignal): Promise<void> {
    for (const kind of KINDS) {
      const filter = { ...intakeFilter(kind, this.#merchant), since: since[kind]!, limit: NEWEST };
      for (const event of await this.#page(filter, signal, () => {})) {
        await this.#take(event, Infinity, signal);
      }
    }
  }

  /** A relay that wants us to slow down keeps its live subscription meanwhile: what is new still comes. */
  async #page(
    filter: NostrFilter,
    signal: AbortSignal,
    lost: (second: number) => void,
  ): Promise<NostrEvent[]> {
    for (let refusals = 1;; refusals++) {
      try {
        return await this.#ask(filter, signal, lost);
      } catch (error) {
        if (!(error instanceof RefusedError) || !error.limited) throw error;
        this.#limited(error.reason);
        const ms = backOff(refusals, this.#random, this.#o.limitedFirstMs, this.#o.limitedMostMs);
        this.#log.info("intake.catch_up_limited", { reason: error.reason, ms });
        await this.#clock.sleep(ms, signal);
        signal.throwIfAborted();
      }
    }
  }

  /** `lost`: the connection was, in the middle of the page; what came before is kept, and read down to this second. */
  async #ask(
    filter: NostrFilter,
    signal: AbortSignal,
    lost: (second: number) => void,
  ): Promise<NostrEvent[]> {
    using deadline = new Deadline(this.#clock, this.#o.pageTimeoutMs, signal);
    const events: NostrEvent[] = [];
    // A relay that ignores `limit` is cut off; the next page goes on from there.
    const most = (this.#o.catchUp.page ?? catchUpDefaults.page) * 4;
    try {
      for await (const message of this.#link.req([filter], { signal: deadline.signal })) {
        if (message[0] === "EOSE") break;
        if (message[0] === "CLOSED") {
          throw new RefusedError("the relay refused to look up what we missed", message[2]);
        }
        events.push(message[2]);
        if (events.length >= most) break;
      }
    } catch (error) {
      const kept = events.every((event) => this.#keep(event));
      if (kept && events.length >= IN_NO_ORDER && isOrdered(events)) lost(events.at(-1)!.created_at);
      throw error;
    }
    return events;
  }
}
