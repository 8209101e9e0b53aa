import { NKinds, RelayError } from "@nostrify/nostrify";
import type {
  NostrEvent,
  NostrFilter,
  NostrRelayCLOSED,
  NostrRelayEOSE,
  NostrRelayEVENT,
  NRelay,
} from "@nostrify/types";
import { type Kysely, type RawBuilder, sql } from "kysely";
import { isPostgres } from "../db/dialect.ts";
import { plainFilters, shouldOrder } from "./event_filter.ts";
import { EventQuery } from "./event_query.ts";
import {
  eventRow,
  type Indexing,
  newestEventFirst,
  parseRow,
  type StoredEvent,
  whyUnstorable,
} from "./event_row.ts";
import { createEventTables } from "./event_tables.ts";
import { takesSeveralPostgres, writePostgres } from "./event_write_postgres.ts";
import { takesSeveralSqlite, writeSqlite } from "./event_write_sqlite.ts";
import { isTimeout, withTimeLimit } from "./time_limit.ts";

// deno-lint-ignore no-explicit-any -- any tables will do
type AnyDb = Kysely<any>;

/** Options of `EventStore`; the first four as in `@nostrify/db`'s `NPostgres`. */
export interface EventStoreOptions extends Partial<Indexing> {
  /** How many events `req` reads at once; default 20. */
  chunkSize?: number;
  /** The time in seconds, for NIP-40; default: the machine's clock. */
  now?: () => number;
}

/** How long a call may take: `timeout` in milliseconds for each statement. */
export interface CallOptions {
  /** Once it is aborted the call rejects with its reason, before the next statement or after the one under way. */
  signal?: AbortSignal | undefined;
  timeout?: number | undefined;
}

/**
 * Nostr events in SQL, on SQLite or PostgreSQL: an `NStore` for all of NIP-01's kinds with deletions (NIP-09),
 * expirations (NIP-40) and searches (NIP-50). It can take `NPostgres`' place, on the same PostgreSQL table.
 *
 * Inside an open transaction use `new EventStore(tx)`: it opens no other. Signatures are the caller's to check.
 *
 * @example
 * ```ts
 * const store = new EventStore(database.kysely);
 * await store.event(event);
 * const stalls = await store.query([{ kinds: [30017], authors: [pubkey] }]);
 * ```
 */
export class EventStore implements NRelay {
  readonly #kysely: AnyDb;
  readonly #options: EventStoreOptions;
  readonly #indexing: Indexing;
  readonly #chunkSize: number;
  readonly #now: () => number;
  readonly #postgres: boolean;

  constructor(kysely: AnyDb, options: EventStoreOptions = {}) {
    this.#kysely = kysely;
    this.#options = options;
    this.#indexing = {
      indexTags: options.indexTags ?? EventStore.indexTags,
      indexSearch: options.indexSearch ?? EventStore.indexSearch,
      indexExtensions: options.indexExtensions ?? (() => ({})),
    };
    this.#chunkSize = Math.max(1, options.chunkSize ?? 20);
    this.#now = options.now ?? (() => Math.floor(Date.now() / 1000));
    this.#postgres = isPostgres(kysely);
  }

  /** What is indexed of the tags by default: names of one letter with a value of less than 200. */
  static indexTags(event: NostrEvent): string[][] {
    return event.tags.filter(([name, value]) => name?.length === 1 && value && value.length < 200);
  }

  /** What is searched by default: of profiles and notes (kinds 0 and 1) the text and the tags' values, 1000 letters of it. */
  static indexSearch(event: NostrEvent): string | undefined {
    if (event.kind !== 0 && event.kind !== 1) return undefined;
    return [event.content, ...event.tags.map((tag) => tag[1])].join(" ").slice(0, 1000);
  }

  /** Whether the database must put a filter's events in order before its limit cuts. */
  static shouldOrder(filter: NostrFilter): boolean {
    return shouldOrder(filter);
  }

  /**
   * Stores the event. Resolves without a change when it is known, ephemeral, or older than the version that is stored (of
   * one second the lower id is the newest). Kind 5 deletes what it names of its author's, for good.
   *
   * Throws `RelayError`: `invalid:` when it was deleted, has expired or can't be stored; `error:` after `timeout`.
   */
  async event(event: NostrEvent, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (NKinds.ephemeral(event.kind)) return;
    const why = whyUnstorable(event);
    if (why !== undefined) throw new RelayError("invalid", why);
    const row = await eventRow(event, this.#indexing);
    if (row.expiresAt !== null && row.expiresAt <= this.#now()) {
      throw new RelayError("invalid", "the event has expired");
    }

    const [write, takesSeveral] = this.#postgres
      ? [writePostgres, takesSeveralPostgres]
      : [writeSqlite, takesSeveralSqlite];
    const store = (db: AnyDb) =>
      db.isTransaction || !takesSeveral(row)
        ? write(db, row)
        : db.transaction().execute((trx) => write(trx, row));
    let stored: boolean;
    try {
      stored = await withTimeLimit(this.#kysely, options.timeout, store);
    } catch (error) {
      if (options.timeout === undefined || !isTimeout(error)) throw error;
      throw new RelayError("error", "the event could not be stored in time");
    }
    if (!stored) throw new RelayError("invalid", "the event has been deleted");
  }

  /** The events that match any filter, each once, newest first; `limit`: at most so many of all. */
  async query(
    filters: NostrFilter[],
    options: CallOptions & { limit?: number | undefined } = {},
  ): Promise<NostrEvent[]> {
    options.signal?.throwIfAborted();
    const query = this.#query(filters);
    const limit = options.limit === undefined ? undefined : Math.max(0, Math.floor(options.limit));
    if (!query || limit === 0) return [];
    return inOrder(await this.#run(query.events(limit), options)).slice(0, limit);
  }

  /** How many events match. */
  async count(
    filters: NostrFilter[],
    options: CallOptions = {},
  ): Promise<{ count: number; approximate: boolean }> {
    options.signal?.throwIfAborted();
    const query = this.#query(filters);
    const [row] = query ? await this.#run(query.count(), options) : [];
    return { count: Number(row?.count ?? 0), approximate: false };
  }

  /** Deletes what `query` would return. It may be stored again, other than after a deletion of kind 5. */
  async remove(filters: NostrFilter[], options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const query = this.#query(filters);
    if (query) await withTimeLimit(this.#kysely, options.timeout, (db) => query.remove().execute(db));
  }

  /** Deletes at most `limit` of the events that have expired (NIP-40); the answer is how many those were. */
  async removeExpired(limit: number): Promise<number> {
    const [key, lock] = this.#postgres ? ["id", "for update skip locked"] : ["seq", ""];
    const { numAffectedRows } = await sql`delete from nostr_events where ${sql.raw(key)} in (
      select ${sql.raw(key)} from nostr_events where expires_at <= ${this.#now()}
      order by expires_at limit ${limit} ${sql.raw(lock)})`.execute(this.#kysely);
    return Number(numAffectedRows ?? 0);
  }

  /**
   * Streams what `query` would return, then `EOSE` and `CLOSED`: live events aren't the store's. No connection is held
   * between the chunks. After the signal or a timeout the next message is `CLOSED`.
   */
  async *req(
    filters: NostrFilter[],
    options: CallOptions = {},
  ): AsyncGenerator<NostrRelayEVENT | NostrRelayEOSE | NostrRelayCLOSED> {
    const subscription = crypto.randomUUID();
    try {
      for await (const event of this.#stream(filters, options)) {
        options.signal?.throwIfAborted();
        yield ["EVENT", subscription, event];
      }
    } catch (error) {
      if (!options.signal?.aborted && !isTimeout(error)) throw error;
      yield ["CLOSED", subscription, options.signal?.aborted ? "error: aborted" : "error: timed out"];
      return;
    }
    yield ["EOSE", subscription];
    yield ["CLOSED", subscription, "error: the store sends no live events"];
  }

  /** Runs `work` with a store whose changes are made together or not at all; inside an open transaction it is part of that. */
  async transaction<T>(work: (store: EventStore, kysely: AnyDb) => Promise<T>): Promise<T> {
    if (this.#kysely.isTransaction) return await work(this, this.#kysely);
    return await this.#kysely.transaction().execute((trx) => work(new EventStore(trx, this.#options), trx));
  }

  /** Creates the tables and what is missing of them. */
  async migrate(): Promise<void> {
    await createEventTables(this.#kysely);
  }

  /** Closes the database. */
  async close(): Promise<void> {
    await this.#kysely.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#stream(filters: NostrFilter[], options: CallOptions): AsyncGenerator<NostrEvent> {
    options.signal?.throwIfAborted();
    const query = this.#query(filters);
    if (!query) return;
    if (query.bounded) {
      yield* inOrder(await this.#run(query.events(), options));
      return;
    }
    const keys = (await this.#run(query.keys(), options)).map((row) => row.key);
    for (let i = 0; i < keys.length; i += this.#chunkSize) {
      yield* inOrder(await this.#run(query.byKeys(keys.slice(i, i + this.#chunkSize)), options));
    }
  }

  /** Undefined if no filter can match anything. */
  #query(filters: NostrFilter[]): EventQuery | undefined {
    const plain = plainFilters(filters);
    return plain.length > 0
      ? new EventQuery(plain, { postgres: this.#postgres, now: this.#now() })
      : undefined;
  }

  /**
   * A signal doesn't leave its statement running behind it: the caller may take the database for idle, and close it. What
   * may run for long needs a `timeout`.
   */
  async #run<T>(statement: RawBuilder<T>, { signal, timeout }: CallOptions): Promise<T[]> {
    const { rows } = await withTimeLimit(this.#kysely, timeout, (db) => statement.execute(db));
    signal?.throwIfAborted();
    return rows;
  }
}

function inOrder(rows: StoredEvent[]): NostrEvent[] {
  return rows.map(parseRow).sort(newestEventFirst);
}
