import { type Kysely, sql } from "kysely";
import { isPostgres } from "../db/dialect.ts";

/**
 * Creates the event store's tables, or what is missing of them (`EventStore.migrate()` and the first migration). It may
 * run again at any time, and on a database that `@nostrify/db`'s `NPostgres` made.
 */
// deno-lint-ignore no-explicit-any -- any tables will do
export async function createEventTables(db: Kysely<any>): Promise<void> {
  for (const statement of isPostgres(db) ? POSTGRES : SQLITE) await sql.raw(statement).execute(db);
}

/**
 * Rows are known by an integer here, so that an index entry costs bytes and not an id's 64 letters.
 *
 * `d` is the address's last part: '' for replaceable kinds, null for events without an address.
 */
const SQLITE = [
  `create table if not exists nostr_events (
    seq integer primary key,
    id text not null unique,
    kind integer not null check (kind >= 0),
    pubkey text not null,
    content text not null,
    created_at integer not null check (created_at >= 0),
    tags text not null,
    sig text not null,
    d text,
    expires_at integer,
    search_ext text
  ) strict`,
  `create unique index if not exists nostr_events_address on nostr_events (pubkey, kind, d) where d is not null`,
  `create index if not exists nostr_events_author on nostr_events (pubkey, kind, created_at desc)`,
  `create index if not exists nostr_events_author_time on nostr_events (pubkey, created_at desc)`,
  `create index if not exists nostr_events_kind on nostr_events (kind, created_at desc)`,
  `create index if not exists nostr_events_time on nostr_events (created_at desc)`,
  `create index if not exists nostr_events_expiry on nostr_events (expires_at) where expires_at is not null`,

  // The author stands here too: a popular tag's entries are sorted out without reading the events.
  `create table if not exists nostr_tags (
    name text not null,
    value text not null,
    kind integer not null,
    created_at integer not null,
    event integer not null,
    pubkey text not null,
    primary key (name, value, kind, created_at desc, event)
  ) strict, without rowid`,
  `create index if not exists nostr_tags_time on nostr_tags (name, value, created_at desc)`,
  `create index if not exists nostr_tags_event on nostr_tags (event)`,

  // What kind 5 events deleted: an event's id (`until` is null), or an address up to that second. Apart from the tag
  // index, because what is indexed there is the caller's choice, and a deletion holds all the same.
  `create table if not exists nostr_deletions (
    pubkey text not null,
    target text not null,
    event integer not null,
    until integer,
    primary key (pubkey, target, event)
  ) strict, without rowid`,
  `create index if not exists nostr_deletions_event on nostr_deletions (event)`,

  `create virtual table if not exists nostr_search using fts5 (text, content = '', contentless_delete = 1)`,

  // Not foreign keys: those do nothing on a connection that didn't switch them on, and `seq` would be given out again.
  `create trigger if not exists nostr_events_deleted after delete on nostr_events begin
    delete from nostr_tags where event = old.seq;
    delete from nostr_deletions where event = old.seq;
    delete from nostr_search where rowid = old.seq;
  end`,
  `create trigger if not exists nostr_events_replaced after update of id on nostr_events begin
    delete from nostr_tags where event = old.seq;
    delete from nostr_search where rowid = old.seq;
  end`,
];

/** Which rows the unique index on the address of a replaceable kind covers. NPostgres' words, so that both infer it. */
export const REPLACEABLE = "kind >= 10000 and kind < 20000 or (kind in (0, 3))";
/** The same for addressable kinds. */
export const ADDRESSABLE = "kind >= 30000 and kind < 40000";

/** The first `expiration` tag's second (NIP-40). Made by the database, so that rows written by NPostgres have it too. */
const EXPIRATION = `jsonb_path_query_first(tags, 'strict $[*] ? (@[0] == "expiration")') ->> 1`;

/** Advisory locks of this class stand for a share of all authors, so that one transaction holds at most 256 of them. */
export const AUTHOR_LOCK = "1852797810, hashtext(author) & 255";

/** NPostgres' table: names, types, checks and indexes as there. What comes after it is ours, and in nobody's way. */
const POSTGRES = [
  `create table if not exists nostr_events (
    id char(64) primary key,
    kind integer not null,
    pubkey char(64) not null,
    content text not null,
    created_at bigint not null,
    tags jsonb not null,
    tags_index jsonb not null,
    sig char(128) not null,
    d text,
    search tsvector,
    search_ext jsonb not null,
    constraint nostr_events_kind_chk check (kind >= 0),
    constraint nostr_events_created_chk check (created_at >= 0),
    constraint nostr_events_tags_chk check (jsonb_typeof(tags) = 'array'),
    constraint nostr_events_tags_index_chk check (jsonb_typeof(tags_index) = 'object'),
    constraint nostr_events_search_ext_chk check (jsonb_typeof(search_ext) = 'object'),
    constraint nostr_events_d_chk check (
      (kind >= 30000 and kind < 40000 and d is not null) or ((kind < 30000 or kind >= 40000) and d is null)
    )
  )`,
  `create index if not exists nostr_events_created_kind_idx on nostr_events (created_at desc, id asc, kind, pubkey)`,
  `create index if not exists nostr_events_pubkey_created_idx on nostr_events (pubkey, created_at desc, id asc, kind)`,
  `create index if not exists nostr_events_tags_idx on nostr_events using gin (tags_index)`,
  `create unique index if not exists nostr_events_replaceable_idx on nostr_events (kind, pubkey) where ${REPLACEABLE}`,
  `create unique index if not exists nostr_events_parameterized_idx on nostr_events (kind, pubkey, d) where ${ADDRESSABLE}`,
  `create index if not exists nostr_events_search_idx on nostr_events using gin (search)`,
  `create index if not exists nostr_events_search_ext_idx on nostr_events using gin (search_ext)`,

  `alter table nostr_events add column if not exists expires_at bigint generated always as (
    case when ${EXPIRATION} ~ '^[0-9]{1,15}$' then (${EXPIRATION})::bigint end
  ) stored`,
  `create index if not exists nostr_events_expires_idx on nostr_events (expires_at) where expires_at is not null`,
  // A deletion holds whatever the caller indexes of the tags.
  `create index if not exists nostr_events_deletions_idx on nostr_events using gin (tags jsonb_path_ops) where kind = 5`,

  // A function, because each statement of one sees what was committed before that statement: it waits for a deletion by
  // the same author that is under way in another transaction, and then sees it. One statement alone would not.
  `create or replace function nostr_event_deleted(author bpchar, event_id text, address text, at bigint)
    returns boolean language plpgsql volatile as $$
    begin
      perform pg_advisory_xact_lock_shared(${AUTHOR_LOCK});
      return exists (
        select from nostr_events e, jsonb_array_elements(e.tags) t
        where e.kind = 5 and e.pubkey = author and e.tags @> jsonb_build_array(jsonb_build_array('e', event_id))
          and t ->> 0 = 'e' and t ->> 1 = event_id
      ) or address is not null and exists (
        select from nostr_events e, jsonb_array_elements(e.tags) t
        where e.kind = 5 and e.pubkey = author and e.tags @> jsonb_build_array(jsonb_build_array('a', address))
          and t ->> 0 = 'a' and t ->> 1 = address and e.created_at >= at
      );
    end $$`,
];
