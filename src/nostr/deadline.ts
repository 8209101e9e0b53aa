import type { Clock } from "../clock.ts";

/** What a call rejects with when its time is up. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** A signal that fires when `ms` have passed or `parent` fires. Dispose of it, or its timer stays. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #onParent = () => this.#controller.abort(this.#parent?.reason);
  #expired = false;

  constructor(clock: Clock, ms: number, parent?: AbortSignal) {
    this.#parent = parent;
    if (parent?.aborted) this.#onParent();
    parent?.addEventListener("abort", this.#onParent, { once: true });
    void clock.sleep(ms, this.#timer.signal).then(() => {
      if (this.#timer.signal.aborted) return;
      this.#expired = true;
      this.#controller.abort(new DeadlineError(`no answer within ${ms} ms`));
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time is up, as opposed to the parent having fired. */
  get expired(): boolean {
    return this.#expired;
  }

  [Symbol.dispose](): void {
    this.#timer.abort();
    this.#parent?.removeEventListener("abort", this.#onParent);
  }
}

/** Rejects with the signal's reason as soon as it fires; otherwise settles as `promise` does. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
