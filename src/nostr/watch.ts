import type { Clock } from "../clock.ts";

/** A signal that fires when nothing was `heard()` for `ms`, until `stop()`. Its parents fire it too, also after `stop()`. */
export class Watch implements Disposable {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #controller = new AbortController();
  readonly #stopped = new AbortController();
  readonly #parents: AbortSignal[];
  readonly #onParent = () => this.#controller.abort();
  #last: number;
  #expired = false;

  constructor(clock: Clock, ms: number, ...parents: (AbortSignal | undefined)[]) {
    this.#clock = clock;
    this.#ms = ms;
    this.#last = clock.monotonic();
    this.#parents = parents.filter((p) => p !== undefined);
    for (const parent of this.#parents) {
      if (parent.aborted) this.#controller.abort();
      parent.addEventListener("abort", this.#onParent, { once: true });
    }
    void this.#run();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get expired(): boolean {
    return this.#expired;
  }

  heard(): void {
    this.#last = this.#clock.monotonic();
  }

  stop(): void {
    this.#stopped.abort();
  }

  [Symbol.dispose](): void {
    this.stop();
    for (const parent of this.#parents) parent.removeEventListener("abort", this.#onParent);
  }

  async #run(): Promise<void> {
    for (;;) {
      const left = this.#ms - (this.#clock.monotonic() - this.#last);
      if (left > 0) await this.#clock.sleep(left, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      if (this.#clock.monotonic() - this.#last < this.#ms) continue;
      this.#expired = true;
      return this.#controller.abort();
    }
  }
}
