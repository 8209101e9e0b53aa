/** What a call is for: customers wait for orders. */
export type Priority = "order" | "catalogue";

interface Waiting {
  priority: Priority;
  enter(): void;
}

/**
 * Lets so many in at once. Whoever comes for an order goes before all that come for the catalogue; among equals, who came first.
 * Medusa works on one core: more at once only makes each of them wait longer.
 */
export class Gate {
  #free: number;
  #waiting: Waiting[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Does `work` inside. Rejects with the signal's reason when it fires before there is room: then `work` wasn't begun. */
  async run<T>(priority: Priority, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(priority, signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter(priority: Priority, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(signal.reason);
      };
      const waiting = {
        priority,
        enter: () => {
          signal.removeEventListener("abort", over);
          resolve();
        },
      };
      this.#waiting.push(waiting);
      signal.addEventListener("abort", over, { once: true });
    });
  }

  /** Who leaves lets the next one in. */
  #leave(): void {
    const order = this.#waiting.findIndex(({ priority }) => priority === "order");
    const [next] = this.#waiting.splice(Math.max(order, 0), 1);
    if (next) next.enter();
    else this.#free++;
  }
}
