import { type RawBuilder, sql } from "kysely";

/** How one dialect finds one filter's events: a `select … from … where …` waiting for its columns. */
export interface Scan {
  /** The events stand in it as `e`. */
  readonly from: RawBuilder<unknown>;
  readonly where: RawBuilder<unknown>[];
  /** The creation time, of the table whose index is walked. */
  readonly time: RawBuilder<unknown>;
  /** Only the newest so many. */
  readonly limit?: number | undefined;
}

/** All conditions, or `true` without any. */
export function all(conditions: RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length > 0 ? sql.join(conditions, sql` and `) : sql`true`;
}

/** Newest first; of the same second, the lower id first. */
export function newestFirst(time: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`order by ${time} desc, e.id asc`;
}

/** The `limit` clause; nothing for Infinity. A bare parameter would have SQLite plan the statement at each call. */
export function limitTo(limit: number): RawBuilder<unknown> {
  return limit === Infinity ? sql`` : sql`limit cast(${limit} as integer)`;
}
