import type { Clock } from "../../clock.ts";

/** Lets so many through at once; the others wait in order, no longer than they are given. */
export class Gate {
  readonly #clock: Clock;
  readonly #width: number;
  readonly #length: number;
  #inside = 0;
  #queue: (() => void)[] = [];

  /** `width` at once, and at most `length` waiting. */
  constructor(clock: Clock, width: number, length: number) {
    this.#clock = clock;
    this.#width = width;
    this.#length = length;
  }

  /** Those inside and those who wait. */
  get size(): number {
    return this.#inside + this.#queue.length;
  }

  /** Resolves with the way out, or with null when there was no room within `ms`, or when `signal` fired. */
  async enter(ms: number, signal: AbortSignal): Promise<Disposable | null> {
    if (this.#inside >= this.#width && !await this.#wait(ms, signal)) return null;
    else if (this.#inside < this.#width) this.#inside++;
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#leave();
      },
    };
  }

  /** Who is let in takes the place of the one who left: nobody comes in between. */
  async #wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#queue.length >= this.#length || signal.aborted) return false;
    const over = new AbortController();
    const turn = Promise.withResolvers<boolean>();
    const enter = () => turn.resolve(true);
    this.#queue.push(enter);
    void this.#clock.sleep(ms, AbortSignal.any([over.signal, signal])).then(() => {
      const at = this.#queue.indexOf(enter);
      if (at < 0) return;
      this.#queue.splice(at, 1);
      turn.resolve(false);
    });
    const entered = await turn.promise;
    over.abort();
    return entered;
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#inside--;
  }
}
