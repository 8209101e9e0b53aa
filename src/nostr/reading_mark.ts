import type { Clock } from "../clock.ts";
import type { CatchUpMark } from "./catch_up_store.ts";

/** Fewer events are no reason for a mark. */
const MARK_EVERY = 50;

/** How far the reading of one kind has come, told with each page that isn't a mere handful: one that is interrupted goes on from there. */
export class ReadingMark {
  readonly #kind: number;
  readonly #startedAt: number;
  readonly #tell: (mark: CatchUpMark) => void;
  readonly #clock: Clock;
  /** The second from which an earlier reading goes on; null: this one begins with the newest. */
  readonly until: number | null;
  #nth: number;
  #untold = 0;

  /** `from`: where all of the reading stands. */
  constructor(kind: number, from: CatchUpMark, o: { tell: (mark: CatchUpMark) => void; clock: Clock }) {
    this.#kind = kind;
    this.#startedAt = from.startedAt;
    this.#tell = o.tell;
    this.#clock = o.clock;
    this.until = kind === from.kind ? from.until : null;
    // What goes on in the middle doesn't know how many are newer.
    this.#nth = this.until === null ? 0 : Infinity;
    if (kind !== from.kind) this.standsAt(null);
  }

  /** The number of the next event, from the newest on. */
  next(): number {
    return this.#nth++;
  }

  /** So many events have been taken, down to this second. */
  taken(count: number, until: number): void {
    this.#untold += count;
    if (this.#untold >= MARK_EVERY) this.standsAt(until);
  }

  /** All that is newer than this second is done; null: nothing yet. */
  standsAt(until: number | null): void {
    this.#untold = 0;
    this.#tell({ startedAt: this.#startedAt, kind: this.#kind, until, at: this.#clock.now() });
  }
}
