import { type RawBuilder, sql } from "kysely";
import type { PlainFilter } from "./event_filter.ts";
import type { StoredEvent } from "./event_row.ts";
import { all, limitTo, newestFirst, type Scan } from "./event_scan.ts";
import { postgresScan } from "./event_scan_postgres.ts";
import { sqliteScan } from "./event_scan_sqlite.ts";

/** What a row is known by: `seq` on SQLite, `id` on PostgreSQL. */
export type Key = number | string;

const COLUMNS = sql.raw("e.id, e.kind, e.pubkey, e.content, e.created_at, e.tags, e.sig");
/** SQLite joins at most 500 selects by `union`. */
const UNION = 200;

/** Builds the statements for a set of filters (at least one). Events that have expired (NIP-40) are never among them. */
export class EventQuery {
  readonly #key: RawBuilder<Key>;
  readonly #postgres: boolean;
  readonly #scans: Scan[];

  /** `now` in seconds. */
  constructor(filters: PlainFilter[], o: { postgres: boolean; now: number }) {
    this.#postgres = o.postgres;
    this.#key = sql.raw(o.postgres ? "id" : "seq");
    const scan = o.postgres ? postgresScan : sqliteScan;
    this.#scans = filters.map((filter) => scan(filter, o.now));
  }

  /** The events in order, each once. */
  events(limit?: number): RawBuilder<StoredEvent> {
    return this.#select(COLUMNS, limit);
  }

  /** Only their keys, in the same order. */
  keys(limit?: number): RawBuilder<{ key: Key }> {
    return this.#select(sql`e.${this.#key} as key`, limit);
  }

  /** How many they are. */
  count(): RawBuilder<{ count: number | string }> {
    return sql`select count(*) as count from (${this.#union()}) as found`;
  }

  /** Deletes them. */
  remove(): RawBuilder<unknown> {
    return sql`delete from nostr_events where ${this.#key} in (${this.#union()})`;
  }

  /** The events with these keys, in order. */
  byKeys(keys: Key[]): RawBuilder<StoredEvent> {
    const among = this.#postgres
      ? sql`e.id = any(${keys}::bpchar[])`
      : sql`e.seq in (select value from json_each(${JSON.stringify(keys)}))`;
    return sql`select ${COLUMNS} from nostr_events e where ${among} ${newestFirst(sql`e.created_at`)}`;
  }

  #select<T>(columns: RawBuilder<unknown>, limit: number | undefined): RawBuilder<T> {
    const [only, ...more] = this.#scans;
    if (only && more.length === 0) {
      const fewest = Math.min(limit ?? Infinity, only.limit ?? Infinity);
      return sql<T>`select ${columns} from ${only.from} where ${all(only.where)} ${newestFirst(only.time)} ${
        limitTo(fewest === Infinity ? undefined : fewest)
      }`;
    }
    return sql<T>`select ${columns} from nostr_events e where e.${this.#key} in (${this.#union()}) ${
      newestFirst(sql`e.created_at`)
    } ${limitTo(limit)}`;
  }

  /** The keys of all filters' events, each once. */
  #union(): RawBuilder<unknown> {
    return union(this.#scans.map((scan) => {
      const found = sql`select e.${this.#key} from ${scan.from} where ${all(scan.where)}`;
      return scan.limit === undefined ? found : sql`select * from (${found} ${newestFirst(scan.time)} ${limitTo(scan.limit)}) as newest`;
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
