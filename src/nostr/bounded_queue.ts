import { unlessAborted } from "./deadline.ts";

/**
 * A queue between something that can't wait (a socket) and something that must be waited for (a database). Bounded by entries
 * and by weight; who can wait fills only half of it, so that the other half is there for who can't.
 */
export class BoundedQueue<T> {
  readonly #maxEntries: number;
  readonly #maxWeight: number;
  readonly #filled = new Gate();
  readonly #roomy = new Gate();
  #entries: { item: T; weight: number }[] = [];
  #weight = 0;

  constructor(o: { maxEntries: number; maxWeight: number }) {
    this.#maxEntries = o.maxEntries;
    this.#maxWeight = o.maxWeight;
    this.#roomy.set(true);
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Adds the item, or answers false when the queue is full. */
  offer(item: T, weight: number): boolean {
    if (this.#entries.length >= this.#maxEntries || this.#weight + weight > this.#maxWeight) return false;
    this.add(item, weight);
    return true;
  }

  /** Adds the item once the queue is less than half full. Rejects with the signal's reason. */
  async push(item: T, weight: number, signal: AbortSignal): Promise<void> {
    await this.roomy(signal);
    this.add(item, weight);
  }

  /** Adds the item in any case: for the few that stand between the others. */
  add(item: T, weight = 0): void {
    this.#entries.push({ item, weight });
    this.#weight += weight;
    this.#update();
  }

  /** Takes up to `most` items from the front. */
  take(most: number): T[] {
    const taken = this.#entries.slice(0, most);
    this.#entries = this.#entries.slice(most);
    for (const { weight } of taken) this.#weight -= weight;
    this.#update();
    return taken.map(({ item }) => item);
  }

  /** Resolves when there is something to take. Rejects with the signal's reason. */
  filled(signal: AbortSignal): Promise<void> {
    return this.#filled.opened(signal);
  }

  /** Resolves when it is less than half full. Rejects with the signal's reason. */
  async roomy(signal: AbortSignal): Promise<void> {
    // Others that waited too may have taken the room meanwhile.
    do await this.#roomy.opened(signal); while (!this.#roomy.isOpen);
  }

  #update(): void {
    this.#filled.set(this.#entries.length > 0);
    this.#roomy.set(this.#entries.length < this.#maxEntries / 2 && this.#weight < this.#maxWeight / 2);
  }
}

/** Something to wait for that holds or doesn't. */
class Gate {
  #opened = Promise.withResolvers<void>();
  isOpen = false;

  set(open: boolean): void {
    if (open === this.isOpen) return;
    this.isOpen = open;
    if (open) this.#opened.resolve();
    else this.#opened = Promise.withResolvers();
  }

  async opened(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.isOpen) await unlessAborted(this.#opened.promise, signal);
  }
}
