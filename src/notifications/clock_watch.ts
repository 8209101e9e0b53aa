import { alert } from "../alert.ts";
import { type Clock, ClockJumps, JUMP_MS } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Service } from "../service.ts";
import { lastSeen, noteSeen } from "./clock_store.ts";
import { clear, raise } from "./conditions_store.ts";

const TICK_MS = 1_000;
const NOTE_MS = 60_000;
/** So long the clock has to run evenly before all is well again. */
const EVEN_MS = 10 * 60_000;
const NAME = "clock";

export interface ClockWatchParts {
  database: Database;
  clock: Clock;
  log: Log;
  merchants: () => string[];
  /** The clock was set back by so many ms: what was put off by the time of before would wait as long. */
  setBack(tx: Tx, ms: number, now: number): Promise<void>;
}

/**
 * Notices when this machine's clock is set by more than two minutes, also while the program didn't run (back only: the last
 * time that was seen is kept). It is told to the owners and logged; the payments' side holds expiry back by itself.
 */
export class ClockWatch implements Service {
  readonly #o: ClockWatchParts;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: ClockWatchParts) {
    this.#o = parts;
  }

  /** What the time before the program's start tells is looked at before anything else runs. */
  async start(): Promise<void> {
    const { database, clock } = this.#o;
    const jumps = new ClockJumps(clock);
    const seen = await lastSeen(database.kysely);
    const behind = seen === null ? 0 : seen - clock.now();
    if (behind > JUMP_MS) await this.#jumped(-behind);
    this.#running = this.#run(jumps);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(jumps: ClockJumps): Promise<void> {
    const { clock, log } = this.#o;
    let evenSince = clock.monotonic();
    let notedAt = -Infinity;
    /** Of a jump that couldn't be stored yet. */
    let untold = 0;
    while (!this.#stop.signal.aborted) {
      try {
        untold += jumps.look();
        if (untold !== 0) {
          evenSince = clock.monotonic();
          await this.#jumped(untold);
          untold = 0;
        }
        if (clock.monotonic() - notedAt >= NOTE_MS) {
          await this.#note(clock.monotonic() - evenSince >= EVEN_MS);
          notedAt = clock.monotonic();
        }
      } catch (error) {
        log.error("clock.unwatched", { error: errorText(error) });
      }
      await clock.sleep(TICK_MS, this.#stop.signal);
    }
  }

  async #jumped(ms: number): Promise<void> {
    const { database, clock, log, merchants, setBack } = this.#o;
    log.warn("clock.jumped", { ms });
    const detail = `It moved ${ms > 0 ? "ahead" : "back"} by ${
      span(Math.abs(ms))
    }. Check the time of this machine.`;
    await database.transaction(async (tx) => {
      const now = clock.now();
      if (ms < 0) await setBack(tx, -ms, now);
      for (const merchant of merchants()) {
        if (!await raise(tx, { merchant, name: NAME, detail }, now)) continue;
        await alert(tx, { merchant, kind: "clock_jump", fact: `${NAME}:${now}`, detail }, now);
      }
    });
  }

  async #note(even: boolean): Promise<void> {
    const { database, clock, merchants } = this.#o;
    await database.transaction(async (tx) => {
      await noteSeen(tx, clock.now());
      if (!even) return;
      for (const merchant of merchants()) await clear(tx, { merchant, name: NAME }, clock.now());
    });
  }
}

function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
