import { NKinds } from "@nostrify/nostrify";
import type { NostrFilter } from "@nostrify/types";
import { getFilterLimit } from "nostr-tools/filter";
import { isStorable } from "./event_row.ts";
import { parseSearch, type Search } from "./event_search.ts";

/** A filter that can match something: distinct values, none that the databases would choke on. */
export interface PlainFilter {
  readonly ids?: string[];
  readonly kinds?: number[];
  readonly authors?: string[];
  /** Each name's values; all names must fit. */
  readonly tags: [name: string, values: string[]][];
  /** `#d` where only addressable kinds are asked for: an event without the tag has the value ''. */
  readonly d?: string[];
  /** Only kinds that newer versions replace, each at one address for an author. */
  readonly replaceable: boolean;
  readonly since?: number;
  readonly until?: number;
  readonly search?: Search;
  /** Only where fewer are wanted than could match: the newest. */
  readonly limit?: number;
  /** Whether it can match only as many as it names: by id or by address. */
  readonly bounded: boolean;
}

const MAX_INT = 2 ** 31 - 1;
const MAX_PARTS = 50;

/** Whether a filter's events must be put in order before its limit cuts: not when it can't match more than that. */
export function shouldOrder(filter: NostrFilter): boolean {
  const { limit = Infinity, ...rest } = filter;
  const most = getFilterLimit(rest);
  return most === Infinity || limit < most;
}

/** The filters in the form that queries are built from; without those that can't match any event. */
export function plainFilters(filters: NostrFilter[]): PlainFilter[] {
  return filters.flatMap((filter) => plainFilter(filter) ?? []);
}

function plainFilter(filter: NostrFilter): PlainFilter | undefined {
  const ids = filter.ids && texts(filter.ids);
  const authors = filter.authors && texts(filter.authors);
  const kinds = filter.kinds &&
    [...new Set(filter.kinds)].filter((kind) => Number.isInteger(kind) && kind >= 0 && kind <= MAX_INT);
  const addressable = kinds !== undefined && kinds.every(NKinds.addressable);

  let d: string[] | undefined;
  const tags: [string, string[]][] = [];
  for (const [key, value] of Object.entries(filter)) {
    if (!key.startsWith("#") || !Array.isArray(value)) continue;
    const values = texts(value);
    if (key === "#d" && addressable) d = values;
    else tags.push([key.slice(1), values]);
  }

  const search = filter.search ? isStorable(filter.search) && parseSearch(filter.search) : undefined;
  const lists = [ids, authors, kinds, d, ...tags.map(([, values]) => values)];
  if (search === false || search === null || lists.some((list) => list?.length === 0)) return undefined;
  if (tags.some(([name]) => !isStorable(name))) return undefined;
  const limit = typeof filter.limit === "number" ? Math.min(Math.floor(filter.limit), MAX_INT) : undefined;
  if (limit !== undefined && !(limit > 0)) return undefined;

  return {
    ...(ids && { ids }),
    ...(authors && { authors }),
    ...(kinds && { kinds }),
    ...(d && { d }),
    ...(search && { search }),
    ...(isNumber(filter.since) && { since: time(Math.ceil(filter.since)) }),
    ...(isNumber(filter.until) && { until: time(Math.floor(filter.until)) }),
    ...(limit !== undefined && shouldOrder(filter) && { limit }),
    tags,
    bounded: !shouldOrder(filter),
    replaceable: kinds !== undefined && kinds.every(NKinds.replaceable),
  };
}

/**
 * The same filter as several of one kind, author or tag value each: an index gives the newest of each without looking at
 * the rest. Together they hold the filter's newest, and more. Filters without a limit, or of too many values, stay as they are.
 */
export function split(filter: PlainFilter): PlainFilter[] {
  const { kinds = [], authors = [], tags: [tag, ...more] } = filter;
  const parts = Math.max(1, kinds.length) * Math.max(1, authors.length) * Math.max(1, tag?.[1].length ?? 0);
  if (filter.limit === undefined || filter.ids || parts > MAX_PARTS) return [filter];
  let found = [filter];
  if (filter.kinds) found = kinds.flatMap((kind) => found.map((part) => ({ ...part, kinds: [kind] })));
  if (filter.authors) {
    found = authors.flatMap((author) => found.map((part) => ({ ...part, authors: [author] })));
  }
  if (tag) {
    found = tag[1].flatMap((value) => found.map((part) => ({ ...part, tags: [[tag[0], [value]], ...more] })));
  }
  return found;
}

function texts(values: string[]): string[] {
  return [...new Set(values)].filter((value) => typeof value === "string" && isStorable(value));
}

function isNumber(value: number | undefined): value is number {
  return typeof value === "number" && !Number.isNaN(value);
}

/** Beyond 2^53 no event is older or newer. */
function time(seconds: number): number {
  return Math.max(-1, Math.min(seconds, Number.MAX_SAFE_INTEGER));
}
