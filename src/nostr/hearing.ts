import { LruMap } from "./lru_map.ts";

/** Ids remembered: far more than come between two checks. */
const MOST_BROUGHT = 10_000;
const MOST_CHECKED = 1_000;

/** What a relay has brought by itself, against what it says it has when asked. */
export class Hearing {
  readonly #brought = new LruMap<string, true>(MOST_BROUGHT);
  /** Seen by a check before: whoever floods us can't make a new one of it by having it forgotten above. */
  readonly #checked = new LruMap<string, true>(MOST_CHECKED);

  /** The relay brought it, live or in a catch-up. True for the first time. */
  bring(id: string): boolean {
    const first = this.#brought.get(id) === undefined;
    this.#brought.set(id, true);
    return first;
  }

  /** Of what the relay has: what it didn't bring, each id once. */
  check(ids: readonly string[]): string[] {
    const missing = ids.filter((id) => this.#checked.get(id) === undefined && !this.#has(id));
    for (const id of ids) this.#checked.set(id, true);
    return [...new Set(missing)];
  }

  /** Which of them it still hasn't brought. */
  stillMissing(ids: readonly string[]): string[] {
    return ids.filter((id) => !this.#has(id));
  }

  #has(id: string): boolean {
    return this.#brought.get(id) !== undefined;
  }
}
