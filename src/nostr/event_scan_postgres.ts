import { type RawBuilder, sql } from "kysely";
import type { PlainFilter } from "./event_filter.ts";
import type { Scan } from "./event_scan.ts";
import { type Search, tsquery } from "./event_search.ts";
import { ADDRESSABLE, REPLACEABLE } from "./event_tables.ts";

/**
 * A filter on PostgreSQL. A single value is compared with `=`, because only then an index gives its rows in time order;
 * lists are one array parameter, so that there are few statements to prepare.
 */
export function postgresScan(filter: PlainFilter, now: number): Scan {
  const { ids, authors, kinds, d, since, until, search, limit } = filter;
  const where: RawBuilder<unknown>[] = [];
  if (ids) where.push(isOneOf(sql`e.id`, ids, "bpchar"));
  if (authors) where.push(isOneOf(sql`e.pubkey`, authors, "bpchar"));
  if (kinds) where.push(isOneOf(sql`e.kind`, kinds, "int4"));
  if (d) where.push(isOneOf(sql`e.d`, d, "text"));
  // The unique indexes are partial: the planner uses one only where it sees the index's own condition.
  if (authors && filter.replaceable) where.push(sql`(${sql.raw(REPLACEABLE)})`);
  if (authors && d) where.push(sql.raw(ADDRESSABLE));
  if (since !== undefined) where.push(sql`e.created_at >= ${since}`);
  if (until !== undefined) where.push(sql`e.created_at <= ${until}`);
  for (const [name, values] of filter.tags) {
    where.push(contains(sql`e.tags_index`, values.map((value) => ({ [name]: [value] }))));
  }
  where.push(sql`(e.expires_at is null or e.expires_at > ${now})`);
  if (search) where.push(...searched(search));
  return { from: sql`nostr_events e`, where, time: sql`e.created_at`, limit };
}

function* searched(search: Search): Iterable<RawBuilder<unknown>> {
  const words = tsquery(search);
  if (words) yield sql`e.search @@ to_tsquery(${words})`;
  const pairs = (key: string, values: string[]) => values.map((value) => ({ [key]: value }));
  for (const [key, values] of search.extensions) yield contains(sql`e.search_ext`, pairs(key, values));
  for (const [key, values] of search.withoutExtensions) {
    yield sql`not ${contains(sql`e.search_ext`, pairs(key, values))}`;
  }
}

/** Whether the jsonb column contains one of the objects. */
function contains(column: RawBuilder<unknown>, objects: Record<string, unknown>[]): RawBuilder<unknown> {
  const texts = objects.map((object) => JSON.stringify(object));
  return texts.length === 1
    ? sql`${column} @> ${texts[0]}::text::jsonb`
    : sql`${column} @> any(${texts}::text[]::jsonb[])`;
}

function isOneOf(
  column: RawBuilder<unknown>,
  values: (string | number)[],
  type: string,
): RawBuilder<unknown> {
  return values.length === 1
    ? sql`${column} = ${values[0]}::${sql.raw(type)}`
    : sql`${column} = any(${values}::${sql.raw(type)}[])`;
}
