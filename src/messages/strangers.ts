import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import { strangersUsage } from "./junk_store.ts";
import { countStrangers, nextStrangers } from "./lanes_store.ts";

/** What strangers may fill. */
export interface StrangersLimits {
  /** Their events that are due and not read yet, before the built-in relay has others wait at its door. */
  unread: number;
  /**
   * While nobody reads at all (another process takes over from one that was killed), so many a second come in all the same,
   * and so many more at once, up to `waiting` unread ones: who is refused rarely tries again.
   */
  perSecond: number;
  burst: number;
  waiting: number;
  /** Their events that are kept: those not read yet, and those that turned out to be no order. */
  events: number;
  /** The same in bytes of JSON. */
  bytes: number;
}

export const strangersDefaults: StrangersLimits = {
  unread: 24,
  perSecond: 40,
  burst: 60,
  waiting: 1_000,
  events: 100_000,
  bytes: 256 * 1024 * 1024,
};

/** With fewer unread than this the inbox has room again for what it had shed. */
const RELIEVED = 1_000;
/** Nothing was read for so long: nobody reads, however slow this machine is. Less than others wait at the relay's door. */
const SILENCE_MS = 2_000;
/** What was counted longer ago says nothing of now. */
const STALE_MS = 1_000;
/** How old the count of what is unread may be. */
const FRESH_MS = 100;
/** What an event's JSON has besides its content. */
const FRAME_BYTES = 400;

/**
 * How much room is left for people who have never paid. In memory, so that an event costs no query: counted in the database now
 * and then, which also tells of other processes, and added to in between.
 */
export class Strangers {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: StrangersLimits;
  #unread = 0;
  #countedAt = -Infinity;
  /** What is read next, and since when it was that. */
  #next: { place: string | null; since: number } = { place: null, since: -Infinity };
  /** For who comes in although others aren't read. */
  readonly #extra: TokenBuckets;
  #counting: Promise<void> | null = null;
  #usage = { events: 0, bytes: 0 };
  #left = 0;
  #wanted = false;

  constructor(o: { database: Database; clock: Clock; log: Log; limits?: Partial<StrangersLimits> }) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#log = o.log;
    this.#limits = { ...strangersDefaults, ...o.limits };
    const { perSecond, burst } = this.#limits;
    this.#extra = new TokenBuckets({ clock: o.clock, perMinute: perSecond * 60, burst });
  }

  /** Whether reading keeps up, so that one more would be read soon, or there is room for those who come meanwhile. */
  get welcome(): boolean {
    const busy = this.#unread >= this.#limits.unread;
    if ((busy || this.#unread > 0) && this.#clock.monotonic() - this.#countedAt >= FRESH_MS) {
      this.#counting ??= this.#countUnread().finally(() => this.#counting = null);
    }
    return !busy ||
      (this.#silent && this.#unread < this.#limits.waiting && this.#extra.has(""));
  }

  /** Whether nobody reads. */
  get #silent(): boolean {
    const now = this.#clock.monotonic();
    return now - this.#countedAt < STALE_MS && now - this.#next.since >= SILENCE_MS;
  }

  /** Whether nothing more of theirs can be kept. */
  get full(): boolean {
    const { events, bytes } = this.#usage;
    return events >= this.#limits.events || bytes >= this.#limits.bytes;
  }

  /** One of their events was taken in, with so much content. */
  took(contentLength: number): void {
    if (this.#unread >= this.#limits.unread) this.#extra.take("");
    this.#unread++;
    this.#usage.events++;
    this.#usage.bytes += contentLength + FRAME_BYTES;
  }

  /** So many of their events were left at the relays that had brought them; `wanted` as soon as there is room. */
  left(count: number, wanted = true): void {
    this.#left += count;
    if (count > 0 && wanted) this.#wanted = true;
  }

  /** Whether something was left at relays that there is plenty of room for now; once for each time. */
  async relieved(): Promise<boolean> {
    const { events, bytes } = this.#usage;
    if (!this.#wanted || events > this.#limits.events / 2 || bytes > this.#limits.bytes / 2) return false;
    const waiting = await countStrangers(this.#database.kysely, this.#clock.now(), RELIEVED);
    if (waiting >= RELIEVED) return false;
    this.#wanted = false;
    return true;
  }

  /** What they fill, and how many of their events were left at relays since the start. */
  status(): { events: number; bytes: number; left: number; limits: StrangersLimits } {
    return { ...this.#usage, left: this.#left, limits: this.#limits };
  }

  /** Counts what is kept of theirs; a walk over an index, for housekeeping. */
  async recount(): Promise<void> {
    this.#usage = await strangersUsage(this.#database.kysely);
  }

  async #countUnread(): Promise<void> {
    const now = this.#clock.monotonic();
    const stale = now - this.#countedAt >= STALE_MS;
    try {
      // No further than needed: it is asked ten times a second under load.
      const most = this.#limits.waiting;
      this.#unread = await countStrangers(this.#database.kysely, this.#clock.now(), most);
      const place = await nextStrangers(this.#database.kysely, this.#clock.now());
      // Nothing left to read, time after time, is what it looks like when all of it is read.
      if (stale || place === null || place !== this.#next.place) this.#next = { place, since: now };
    } catch (error) {
      // Whether anybody reads isn't known either.
      this.#next = { place: null, since: Infinity };
      this.#log.warn("strangers.not_counted", { error: errorText(error) });
    }
    // Not before: what was known a while ago doesn't say what is now.
    this.#countedAt = this.#clock.monotonic();
  }
}
