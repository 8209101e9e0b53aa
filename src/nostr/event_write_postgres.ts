import { type Kysely, type RawBuilder, sql } from "kysely";
import { DELETION, deletionTargets } from "./event_deletion.ts";
import type { EventRow } from "./event_row.ts";
import { ADDRESSABLE, AUTHOR_LOCK, REPLACEABLE } from "./event_tables.ts";

// deno-lint-ignore no-explicit-any -- any tables will do
type AnyDb = Kysely<any>;

interface Outcome {
  deleted: boolean;
  stored: boolean;
}

/** Whether storing this event takes more than one statement, so that it needs a transaction. */
export function takesSeveralPostgres(row: EventRow): boolean {
  return row.event.kind === DELETION;
}

/**
 * Stores the event, unless it is there already or a newer version of it is. False: its author deleted it, nothing changed.
 *
 * Event and deletion may arrive at the same time in two processes: storing an event shares its author's lock, a deletion
 * takes it alone, so that one of both sees the other's commit.
 */
export async function writePostgres(db: AnyDb, row: EventRow): Promise<boolean> {
  const deletion = row.event.kind === DELETION;
  if (deletion) {
    await sql`select pg_advisory_xact_lock(${
      sql.raw(AUTHOR_LOCK)
    }) from (values (${row.event.pubkey}::bpchar)) a (author)`
      .execute(db);
  }
  const { rows } = await insert(row).execute(db);
  const { deleted, stored } = rows[0]!;
  if (deletion && stored) await carryOut(db, row);
  return !deleted;
}

function insert(row: EventRow): RawBuilder<Outcome> {
  const { event, address } = row;
  const { id, kind, pubkey, content, created_at, sig } = event;
  const gate = kind === DELETION
    ? sql`select false as deleted`
    : sql`select nostr_event_deleted(${pubkey}::bpchar, ${id}::text, ${
      address?.text ?? null
    }::text, ${created_at}::int8) as deleted`;
  return sql<Outcome>`with gate as materialized (${gate}), stored as (
      insert into nostr_events as known
        (id, kind, pubkey, content, created_at, tags, tags_index, sig, d, search, search_ext)
      select ${id}::bpchar, ${kind}::int4, ${pubkey}::bpchar, ${content}::text, ${created_at}::int8,
        ${JSON.stringify(event.tags)}::text::jsonb, ${
    JSON.stringify(tagsIndex(row.tags))
  }::text::jsonb, ${sig}::bpchar,
        ${columnD(row)}::text, to_tsvector(${row.search}::text), ${
    JSON.stringify(row.extensions)
  }::text::jsonb
      from gate where not deleted ${onConflict(row)}
      returning 1
    ) select deleted, exists (select from stored) as stored from gate`;
}

function onConflict({ event, address }: EventRow): RawBuilder<unknown> {
  if (address === null) return sql`on conflict do nothing`;
  const [columns, condition] = columnD({ event, address }) === null
    ? ["kind, pubkey", REPLACEABLE]
    : ["kind, pubkey, d", ADDRESSABLE];
  // The first condition stands for a conflict on the id, which this clause can't name as well.
  return sql`and not exists (select from nostr_events where id = ${event.id}::bpchar)
    on conflict (${sql.raw(columns)}) where ${sql.raw(condition)} do update set
      id = excluded.id, content = excluded.content, created_at = excluded.created_at, tags = excluded.tags,
      tags_index = excluded.tags_index, sig = excluded.sig, search = excluded.search, search_ext = excluded.search_ext
    where excluded.created_at > known.created_at
      or (excluded.created_at = known.created_at and excluded.id < known.id)`;
}

/** NPostgres' column: null for replaceable kinds as well. */
function columnD({ event, address }: Pick<EventRow, "event" | "address">): string | null {
  return address !== null && event.kind >= 30_000 ? address.d : null;
}

function tagsIndex(tags: [string, string][]): Record<string, string[]> {
  const index = new Map<string, string[]>();
  for (const [name, value] of tags) index.set(name, [...index.get(name) ?? [], value]);
  return Object.fromEntries(index);
}

/** Deletes what the event names. The stored event itself refuses it from now on. */
async function carryOut(db: AnyDb, { event }: EventRow): Promise<void> {
  const { pubkey, created_at } = event;
  const { ids, addresses } = deletionTargets(event);
  if (ids.length > 0) {
    await sql`delete from nostr_events where id = any(${ids}::bpchar[]) and pubkey = ${pubkey}::bpchar and kind <> ${DELETION}`
      .execute(db);
  }
  if (addresses.length === 0) return;
  const named = sql`jsonb_to_recordset(${JSON.stringify(addresses)}::text::jsonb) as a (kind int4, d text)`;
  const own = sql`e.pubkey = ${pubkey}::bpchar and e.created_at <= ${created_at} and e.kind = a.kind`;
  // One branch for each of the partial indexes.
  await sql`delete from nostr_events where id in (
      select e.id from ${named} cross join lateral (
        select id from nostr_events e where ${own} and (${sql.raw(REPLACEABLE)}) and a.d = ''
      ) e
      union all
      select e.id from ${named} cross join lateral (
        select id from nostr_events e where ${own} and e.d = a.d and ${sql.raw(ADDRESSABLE)}
      ) e
    )`.execute(db);
}
