import type { Database, Tx } from "../../src/db/database.ts";

/** A process's view of a database. Once armed, the process dies after so many transactions: nothing more reaches the database. */
export class MortalDatabase implements Database {
  readonly died: Promise<void>;
  readonly #inner: Database;
  readonly #die: () => void;
  #left = Infinity;

  constructor(inner: Database) {
    this.#inner = inner;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
  }

  /** The process has so many transactions left. */
  dieAfter(transactions: number): void {
    this.#left = transactions;
  }

  get dead(): boolean {
    return this.#left < 0;
  }

  get dialect() {
    return this.#inner.dialect;
  }

  get storage() {
    return this.#inner.storage;
  }

  get kysely() {
    if (this.dead) throw new Error("this process is dead");
    return this.#inner.kysely;
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (--this.#left < 0) {
      this.#die();
      throw new Error("this process is dead");
    }
    return await this.#inner.transaction(work);
  }

  listen(...args: Parameters<Database["listen"]>) {
    return this.#inner.listen(...args);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
