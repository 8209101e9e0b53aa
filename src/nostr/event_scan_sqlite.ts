import { type RawBuilder, sql } from "kysely";
import type { PlainFilter } from "./event_filter.ts";
import { all, type Scan } from "./event_scan.ts";
import { ftsQuery, type Search } from "./event_search.ts";

type Tag = PlainFilter["tags"][number];

/**
 * A filter on SQLite. It has no statistics to go by, so the order is given: by id, else by address, else by the tag index
 * (walked in time order for a tag with one value), else by author, kind or time. Lists of values are one JSON parameter: few texts,
 * so few statements to prepare.
 */
export function sqliteScan(filter: PlainFilter, now: number): Scan {
  const { ids, authors, kinds, d, search, limit } = filter;
  const byAddress = authors !== undefined && d !== undefined;
  const tags = mostTelling(filter.tags);
  const walked = ids || byAddress ? undefined : tags.shift();
  const oneValue = walked?.[1].length === 1;

  const where: RawBuilder<unknown>[] = [];
  if (ids) where.push(isOneOf(sql`e.id`, ids));
  if (walked && oneValue) where.push(...walk(walked, filter));
  else {
    if (walked) where.push(sql`e.seq in (select t.event from nostr_tags t where ${all(walk(walked, filter))})`);
    where.push(...properties("e", filter));
  }
  if (d) where.push(isOneOf(sql`e.d`, d));
  if (filter.replaceable && authors && kinds) where.push(sql`e.d = ''`);
  where.push(...tags.map(hasTag));
  where.push(sql`ifnull(e.expires_at, 9007199254740991) > ${now}`);
  if (search) where.push(...searched(search));

  return oneValue
    ? { from: sql`nostr_tags t cross join nostr_events e on e.seq = t.event`, where, time: sql`t.created_at`, limit }
    : { from: sql`nostr_events e`, where, time: sql`e.created_at`, limit };
}

/** `p` and `t` are shared by many events, `e` and `a` by few. */
function mostTelling(tags: Tag[]): Tag[] {
  const weight = ([name, values]: Tag) => values.length + (name === "p" || name === "t" ? 1000 : 0);
  return tags.toSorted((a, b) => weight(a) - weight(b));
}

function walk([name, values]: Tag, filter: PlainFilter): RawBuilder<unknown>[] {
  return [sql`t.name = ${name}`, isOneOf(sql`t.value`, values), ...properties("t", filter)];
}

/** What stands both in the events and in the tag index. */
function properties(table: "e" | "t", { authors, kinds, since, until }: PlainFilter): RawBuilder<unknown>[] {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  const where: RawBuilder<unknown>[] = [];
  if (authors) where.push(isOneOf(column("pubkey"), authors));
  if (kinds) where.push(isOneOf(column("kind"), kinds));
  if (since !== undefined) where.push(sql`${column("created_at")} >= ${since}`);
  if (until !== undefined) where.push(sql`${column("created_at")} <= ${until}`);
  return where;
}

function hasTag([name, values]: Tag): RawBuilder<unknown> {
  return sql`exists (select 1 from nostr_tags x where x.name = ${name} and ${isOneOf(sql`x.value`, values)}
    and x.created_at = e.created_at and x.event = e.seq)`;
}

function isOneOf(column: RawBuilder<unknown>, values: (string | number)[]): RawBuilder<unknown> {
  return values.length === 1
    ? sql`${column} = ${values[0]}`
    : sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;
}

function* searched(search: Search): Iterable<RawBuilder<unknown>> {
  const wanted = ftsQuery(search.phrases, "and");
  const unwanted = ftsQuery(search.without, "or");
  if (wanted) yield sql`e.seq in (select rowid from nostr_search where nostr_search match ${wanted})`;
  else if (unwanted) yield sql`exists (select 1 from nostr_search where rowid = e.seq)`;
  if (unwanted) yield sql`e.seq not in (select rowid from nostr_search where nostr_search match ${unwanted})`;
  for (const [key, values] of search.extensions) {
    yield sql`e.search_ext ->> ${key} in (select value from json_each(${JSON.stringify(values)}))`;
  }
  for (const [key, values] of search.withoutExtensions) {
    yield sql`ifnull(e.search_ext ->> ${key} not in (select value from json_each(${JSON.stringify(values)})), true)`;
  }
}
