import { type RawBuilder, sql } from "kysely";
import { type PlainFilter, split } from "./event_filter.ts";
import type { StoredEvent } from "./event_row.ts";
import { all, limitTo, newestFirst, type Scan } from "./event_scan.ts";
import { postgresScan } from "./event_scan_postgres.ts";
import { sqliteScans } from "./event_scan_sqlite.ts";

/** What a row is known by: `seq` on SQLite, `id` on PostgreSQL. */
export type Key = number | string;

const COLUMNS = sql.raw("e.id, e.kind, e.pubkey, e.content, e.created_at, e.tags, e.sig");
/** SQLite joins at most 500 selects by `union`. */
const UNION = 200;

/** One filter: what its scans find together, of it the newest `limit`. */
interface Part {
  scans: Scan[];
  limit: number | undefined;
}

/** Builds the statements for a set of filters (at least one). Events that have expired (NIP-40) are never among them. */
export class EventQuery {
  /** Whether it finds only what it names, so that `events` are few and come in no order. */
  readonly bounded: boolean;
  readonly #key: RawBuilder<Key>;
  readonly #postgres: boolean;
  readonly #parts: Part[];

  /** `now` in seconds. */
  constructor(filters: PlainFilter[], o: { postgres: boolean; now: number }) {
    this.#postgres = o.postgres;
    this.#key = sql.raw(o.postgres ? "id" : "seq");
    // PostgreSQL's planner finds its way through lists of values; SQLite's sorts all that match.
    this.#parts = o.postgres
      ? filters.map((filter) => ({ scans: [postgresScan(filter, o.now)], limit: filter.limit }))
      : filters.map((filter) => ({
        scans: split(filter).flatMap((part) => sqliteScans(part, o.now)),
        limit: filter.limit,
      }));
    this.bounded = filters.length === 1 && filters[0]!.bounded;
  }

  /** The events, each once. In order, unless it is `bounded`: asked for an order, PostgreSQL may walk all of an author's. */
  events(limit?: number): RawBuilder<StoredEvent> {
    return this.#select(COLUMNS, limit);
  }

  /** Only their keys, in order. */
  keys(): RawBuilder<{ key: Key }> {
    return this.#select(sql`e.${this.#key} as key`, undefined);
  }

  /** How many they are. */
  count(): RawBuilder<{ count: number | string }> {
    return sql`select count(*) as count from (${this.#all()}) as found`;
  }

  /** Deletes them. */
  remove(): RawBuilder<unknown> {
    return sql`delete from nostr_events where ${this.#key} in (${this.#all()})`;
  }

  /** The events with these keys, in order. */
  byKeys(keys: Key[]): RawBuilder<StoredEvent> {
    const among = this.#postgres
      ? sql`e.id = any(${keys}::bpchar[])`
      : sql`e.seq in (select value from json_each(${JSON.stringify(keys)}))`;
    return sql`select ${COLUMNS} from nostr_events e where ${among} ${newestFirst(sql`e.created_at`)}`;
  }

  #select<T>(columns: RawBuilder<unknown>, limit = Infinity): RawBuilder<T> {
    const [part, ...more] = this.#parts;
    if (!part || more.length > 0) return this.#among(columns, this.#all(), limit);
    const [scan, ...others] = part.scans;
    const fewest = Math.min(limit, part.limit ?? Infinity);
    if (!scan || others.length > 0) return this.#among(columns, this.#found(part.scans), fewest);
    const order = this.bounded ? sql`` : sql`${newestFirst(scan.time)} ${limitTo(fewest)}`;
    return sql<T>`select ${columns} from ${scan.from} where ${all(scan.where)} ${order}`;
  }

  #among<T>(columns: RawBuilder<unknown>, keys: RawBuilder<unknown>, limit: number): RawBuilder<T> {
    return sql<T>`select ${columns} from nostr_events e where e.${this.#key} in (${keys}) ${
      newestFirst(sql`e.created_at`)
    } ${limitTo(limit)}`;
  }

  /** The keys of all filters' events, each once. */
  #all(): RawBuilder<unknown> {
    return union(
      this.#parts.map((part) =>
        part.limit === undefined || part.scans.length === 1
          ? this.#found(part.scans)
          : sql`select * from (${
            this.#among(sql`e.${this.#key}`, this.#found(part.scans), part.limit)
          }) as newest`
      ),
    );
  }

  #found(scans: Scan[]): RawBuilder<unknown> {
    return union(scans.map(({ from, where, time, limit }) => {
      const found = sql`select e.${this.#key} from ${from} where ${all(where)}`;
      return limit === undefined
        ? found
        : sql`select * from (${found} ${newestFirst(time)} ${limitTo(limit)}) as newest`;
    }));
  }
}

function union(selects: RawBuilder<unknown>[]): RawBuilder<unknown> {
  if (selects.length <= UNION) return sql.join(selects, sql` union `);
  const parts: RawBuilder<unknown>[] = [];
  for (let i = 0; i < selects.length; i += UNION) {
    parts.push(sql`select * from (${union(selects.slice(i, i + UNION))}) as part`);
  }
  return union(parts);
}
