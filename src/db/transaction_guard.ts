import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Tells when code inside a transaction reaches for the database outside of it. On SQLite that would wait for ever (there
 * is one connection); on PostgreSQL it would silently not be part of the transaction. Both are mistakes, so it throws.
 */
export class TransactionGuard {
  readonly #open = new AsyncLocalStorage<true>();

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#open.run(true, work);
  }

  check(): void {
    if (this.#open.getStore()) throw new Error("inside a transaction: use its `tx`, not the database");
  }
}
