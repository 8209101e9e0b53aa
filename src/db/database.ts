import type { Kysely, Transaction } from "kysely";
import type { StorageState } from "./storage_state.ts";
import type { Tables } from "./tables.ts";

export type Dialect = "sqlite" | "postgres";

/**
 * What may wake up when a transaction commits. `event` carries ids of stored Nostr events, for live subscriptions; `till` those
 * of orders of tills whose state has changed.
 */
export type Topic = "jobs" | "inbox" | "outbox" | "event" | "till";

/** An open transaction. Only the database is awaited inside one: no network, no signer, no timer. */
export type Tx = Transaction<Tables> & {
  readonly dialect: Dialect;
  /** After the commit, here and (PostgreSQL) in every other process, the topic's listeners are called. */
  wake(topic: Topic, payload?: string): void;
};

/** A listener gets the payloads of one commit; the list is empty for wake-ups without a payload. */
export type Listener = (payloads: string[]) => void;

/** The one database of a process, on SQLite or PostgreSQL. */
export interface Database {
  readonly dialect: Dialect;
  /** Whether what is written can be kept. Once it has failed for good, every transaction rejects with a `StorageFailedError`. */
  readonly storage: StorageState;
  /** For reads outside a transaction. Inside one it would wait for itself (SQLite), so using it there throws. */
  readonly kysely: Kysely<Tables>;
  /**
   * Runs `work` in a transaction; commits when it resolves, rolls back and rejects when it throws. Several transactions
   * that wait at the same time may share one commit (SQLite), each in a savepoint of its own, so `work` must not keep
   * state of its own across attempts: PostgreSQL's serialization failures and deadlocks are tried again, at most 5 times.
   *
   * `lasting: false` (SQLite) saves the wait for the disk: the end of the process loses nothing, but a power cut may take it
   * back until a later lasting transaction commits. Only for what then needn't have happened: leases, and times that are
   * reserved for what a lasting transaction stores before it leaves. Never for a fact.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>, how?: { lasting?: boolean }): Promise<T>;
  /** Calls `listener` after commits that woke `topic`. The answer ends it. */
  listen(topic: Topic, listener: Listener): () => void;
  close(): Promise<void>;
}
