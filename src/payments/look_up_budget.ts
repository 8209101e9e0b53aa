/** How often one wallet is asked: so many at once, and so many a second. */
export class LookUpBudget {
  readonly #atOnce: number;
  readonly #perSecond: number;
  #running = 0;
  #tokens: number;
  #refilledAt: number;

  constructor(now: number, { atOnce, perSecond }: { atOnce: number; perSecond: number }) {
    this.#atOnce = atOnce;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#refilledAt = now;
  }

  /** How many look-ups may begin now. */
  free(now: number): number {
    const passed = Math.max(0, now - this.#refilledAt);
    this.#tokens = Math.min(this.#perSecond, this.#tokens + passed * this.#perSecond / 1000);
    this.#refilledAt = now;
    return Math.max(0, Math.min(this.#atOnce - this.#running, Math.floor(this.#tokens)));
  }

  begin(): void {
    this.#running++;
    this.#tokens--;
  }

  end(): void {
    this.#running--;
  }
}
