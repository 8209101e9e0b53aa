import { type RawBuilder, sql } from "kysely";
import type { PlainFilter } from "./event_filter.ts";
import { all, type Scan } from "./event_scan.ts";
import { ftsQuery, type Search } from "./event_search.ts";

type Tag = PlainFilter["tags"][number];
type Sql = RawBuilder<unknown>;

/** An author with at most so many events (of the kinds asked for) is looked through before a tag is. */
const FEW = 500;

/**
 * A filter on SQLite. It has no statistics to go by, so the way is given: by id, else by address, else by a tag, else by
 * author, kind or time. Where author and tag are both given, SQLite looks how many events the author has when it gets there:
 * one of the two scans ends at once. Lists of values are one JSON parameter: few texts, so few statements to prepare.
 */
export function sqliteScans(filter: PlainFilter, now: number): Scan[] {
  const [tag, ...others] = mostTelling(filter.tags);
  const byAddress = filter.authors !== undefined && filter.d !== undefined;
  if (!tag || filter.ids || byAddress) return [byEvent(filter, now)];
  if (!filter.authors) return [byTag(tag, others, filter, now)];
  const alike = properties("e", { authors: filter.authors, ...(filter.kinds && { kinds: filter.kinds }) });
  const many = sql`exists (select 1 from nostr_events e where ${all(alike)} limit 1 offset ${FEW})`;
  return [byEvent(filter, now, many), byTag(tag, others, filter, now, sql`not ${many}`)];
}

function byEvent(filter: PlainFilter, now: number, unless?: Sql): Scan {
  const where = [...properties("e", filter, unless), ...rest(filter, filter.tags, now)];
  if (filter.ids) where.unshift(isOneOf(sql`e.id`, filter.ids));
  return { from: sql`nostr_events e`, where, time: sql`e.created_at`, limit: filter.limit };
}

function byTag([name, values]: Tag, others: Tag[], filter: PlainFilter, now: number, unless?: Sql): Scan {
  const entries = [
    isOneOf(sql`t.name`, [name], unless),
    isOneOf(sql`t.value`, values),
    ...properties("t", filter),
  ];
  const [limit, where] = [filter.limit, rest(filter, others, now)];
  if (values.length === 1) {
    const from = sql`nostr_tags t cross join nostr_events e on e.seq = t.event`;
    return { from, where: [...entries, ...where], time: sql`t.created_at`, limit };
  }
  const found = sql`e.seq in (select t.event from nostr_tags t where ${all(entries)})`;
  return { from: sql`nostr_events e`, where: [found, ...where], time: sql`e.created_at`, limit };
}

/** What only the events themselves can answer. */
function rest(filter: PlainFilter, tags: Tag[], now: number): Sql[] {
  const where = tags.map(hasTag);
  if (filter.d) where.push(isOneOf(sql`e.d`, filter.d));
  if (filter.replaceable && filter.authors) where.push(sql`e.d = ''`);
  where.push(sql`ifnull(e.expires_at, 9007199254740991) > ${now}`);
  if (filter.search) where.push(...searched(filter.search));
  return where;
}

/** `p` and `t` are shared by many events, `e` and `a` by few. */
function mostTelling(tags: Tag[]): Tag[] {
  const weight = ([name, values]: Tag) => values.length + (name === "p" || name === "t" ? 1000 : 0);
  return tags.toSorted((a, b) => weight(a) - weight(b));
}

/** What stands both in the events and in the tag index. */
function properties(
  table: "e" | "t",
  { authors, kinds, since, until }: Pick<PlainFilter, "authors" | "kinds" | "since" | "until">,
  unless?: Sql,
): Sql[] {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  const where: Sql[] = [];
  if (authors) where.push(isOneOf(column("pubkey"), authors, unless));
  if (kinds) where.push(isOneOf(column("kind"), kinds));
  if (since !== undefined) where.push(sql`${column("created_at")} >= ${since}`);
  if (until !== undefined) where.push(sql`${column("created_at")} <= ${until}`);
  return where;
}

function hasTag([name, values]: Tag): Sql {
  return sql`exists (select 1 from nostr_tags x where x.name = ${name} and ${isOneOf(sql`x.value`, values)}
    and x.kind = e.kind and x.created_at = e.created_at and x.event = e.seq)`;
}

/** `unless` makes it none of them. It must stand inside the comparison: beside it, SQLite asks it again for each row. */
function isOneOf(column: Sql, values: (string | number)[], unless?: Sql): Sql {
  if (values.length === 1) {
    return sql`${column} = ${unless ? sql`iif(${unless}, null, ${values[0]})` : values[0]}`;
  }
  const list = JSON.stringify(values);
  return sql`${column} in (select value from json_each(${
    unless ? sql`iif(${unless}, '[]', ${list})` : list
  }))`;
}

function* searched(search: Search): Iterable<Sql> {
  const wanted = ftsQuery(search.phrases, "and");
  const unwanted = ftsQuery(search.without, "or");
  if (wanted) yield sql`e.seq in (select rowid from nostr_search where nostr_search match ${wanted})`;
  else if (unwanted) yield sql`exists (select 1 from nostr_search where rowid = e.seq)`;
  if (unwanted) yield sql`e.seq not in (select rowid from nostr_search where nostr_search match ${unwanted})`;
  for (const [key, values] of search.extensions) {
    yield sql`e.search_ext ->> ${key} in (select value from json_each(${JSON.stringify(values)}))`;
  }
  for (const [key, values] of search.withoutExtensions) {
    yield sql`ifnull(e.search_ext ->> ${key} not in (select value from json_each(${
      JSON.stringify(values)
    })), true)`;
  }
}
