import type { Tx } from "../db/database.ts";
import { moveCursor } from "./arrivals.ts";
import { type CatchUpMark, endCatchUp, markCatchUp } from "./catch_up_store.ts";
import type { Incoming } from "./intake_options.ts";

const CURSOR_STEP_MS = 10_000;

/** What a batch of a merchant's intake says of the relays that it came from. */
export interface Step {
  /** How far it moves their cursors (ms). */
  cursors: Map<string, number>;
  /** Where their catch-ups stand; a number for one that is complete and began then (ms). */
  marks: Map<string, CatchUpMark | number>;
}

/** Keeps, relay by relay, how far a merchant's intake has come. */
export class RelayProgress {
  readonly #merchant: string;
  readonly #moved = new Map<string, number>();

  constructor(merchant: string) {
    this.#merchant = merchant;
  }

  /** Null when the batch says nothing that is worth a transaction: `withArrivals`, there is one anyway. */
  step(batch: Incoming[], withArrivals: boolean): Step | null {
    const step: Step = { cursors: new Map(), marks: new Map() };
    for (const { relay, cursor, event, mark } of batch) {
      if (mark) step.marks.set(relay, mark);
      if (cursor === null) continue;
      if (event === null) step.marks.set(relay, cursor);
      const worthIt = withArrivals || event === null ||
        cursor - (this.#moved.get(relay) ?? 0) >= CURSOR_STEP_MS;
      if (worthIt) step.cursors.set(relay, Math.max(cursor, step.cursors.get(relay) ?? 0));
    }
    return step.cursors.size + step.marks.size > 0 ? step : null;
  }

  /** Belongs into the transaction that stores the batch. */
  async write(tx: Tx, { cursors, marks }: Step, now: number): Promise<void> {
    const merchant = this.#merchant;
    for (const [relay, cursor] of inOrder(cursors)) await moveCursor(tx, { merchant, relay, cursor, now });
    for (const [relay, mark] of inOrder(marks)) {
      if (typeof mark === "number") await endCatchUp(tx, { merchant, relay, startedAt: mark });
      else await markCatchUp(tx, { merchant, relay, mark });
    }
  }

  /** The transaction has been committed. */
  written(step: Step): void {
    for (const [relay, cursor] of step.cursors) this.#moved.set(relay, cursor);
  }
}

/** So that processes which share the database lock the rows in one order. */
function inOrder<T>(byRelay: Map<string, T>): [string, T][] {
  return [...byRelay].sort(([a], [b]) => a < b ? -1 : 1);
}
