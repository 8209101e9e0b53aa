/** A question that isn't answered after this is probably lost, and whoever comes next waits for it no longer. */
const SLOW_MS = 1_000;

/** How often one wallet is asked: so many at once, and so many a second; with those whose answers are late so many in all. */
export class LookUpBudget {
  readonly #o: { atOnce: number; inAll: number; perSecond: number };
  /** When each question under way was asked. */
  readonly #running = new Set<{ at: number }>();
  #tokens: number;
  #refilledAt: number;

  constructor(now: number, o: { atOnce: number; inAll: number; perSecond: number }) {
    this.#o = o;
    this.#tokens = o.perSecond;
    this.#refilledAt = now;
  }

  /** How many look-ups may begin now. */
  free(now: number): number {
    const { atOnce, inAll, perSecond } = this.#o;
    const passed = Math.max(0, now - this.#refilledAt);
    this.#tokens = Math.min(perSecond, this.#tokens + passed * perSecond / 1000);
    this.#refilledAt = now;
    const prompt = [...this.#running].filter(({ at }) => now - at < SLOW_MS).length;
    return Math.max(0, Math.min(atOnce - prompt, inAll - this.#running.size, Math.floor(this.#tokens)));
  }

  /** Notes a question, and answers what is to be called once it has ended. */
  begin(now: number): () => void {
    const one = { at: now };
    this.#running.add(one);
    this.#tokens--;
    return () => this.#running.delete(one);
  }
}
