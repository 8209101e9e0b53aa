import { type Kysely, type RawBuilder, sql } from "kysely";
import { DELETION, deletionTargets } from "./event_deletion.ts";
import type { EventRow } from "./event_row.ts";

// deno-lint-ignore no-explicit-any -- any tables will do
type AnyDb = Kysely<any>;

/** Whether storing this event takes more than one statement, so that it needs a transaction. */
export function takesSeveralSqlite(row: EventRow): boolean {
  return row.tags.length > 0 || row.search !== null || row.event.kind === DELETION;
}

/**
 * Stores the event, unless it is there already or a newer version of it is. False: its author deleted it, nothing changed.
 * SQLite has one writer, so what is checked here still holds at the commit.
 */
export async function writeSqlite(db: AnyDb, row: EventRow): Promise<boolean> {
  const { rows } = await insert(row).execute(db);
  const seq = rows[0]?.seq;
  // The usual case never asks why: only an event that wasn't stored is looked up.
  if (seq === undefined) return !await isDeleted(db, row);
  const { kind, pubkey, created_at } = row.event;
  if (row.tags.length > 0) {
    await sql`insert into nostr_tags (name, value, created_at, event, kind, pubkey)
      select value ->> 0, value ->> 1, ${created_at}, ${seq}, ${kind}, ${pubkey}
      from json_each(${JSON.stringify(row.tags)})`.execute(db);
  }
  if (row.search !== null) {
    await sql`insert into nostr_search (rowid, text) values (${seq}, ${row.search})`.execute(db);
  }
  if (kind === DELETION) await carryOut(db, row, seq);
  return true;
}

function insert(row: EventRow): RawBuilder<{ seq: number }> {
  const { event, address } = row;
  const extensions = Object.keys(row.extensions).length > 0 ? JSON.stringify(row.extensions) : null;
  const newest = address === null
    ? sql``
    : sql`on conflict (pubkey, kind, d) where d is not null do update set
      id = excluded.id, content = excluded.content, created_at = excluded.created_at, tags = excluded.tags, sig = excluded.sig,
      expires_at = excluded.expires_at, search_ext = excluded.search_ext
    where excluded.created_at > nostr_events.created_at
      or (excluded.created_at = nostr_events.created_at and excluded.id < nostr_events.id)`;
  return sql<{ seq: number }>`insert into nostr_events
      (id, kind, pubkey, content, created_at, tags, sig, d, expires_at, search_ext)
    select ${event.id}, ${event.kind}, ${event.pubkey}, ${event.content}, ${event.created_at}, ${
    JSON.stringify(event.tags)
  },
      ${event.sig}, ${address?.d ?? null}, ${row.expiresAt}, ${extensions}
    where not ${deleted(row)}
    on conflict (id) do nothing ${newest}
    returning seq`;
}

/** NIP-09; a deletion itself can't be deleted. */
function deleted({ event, address }: EventRow): RawBuilder<unknown> {
  if (event.kind === DELETION) return sql`false`;
  const named = address?.text ?? null;
  return sql`exists (select 1 from nostr_deletions where pubkey = ${event.pubkey} and target in (${event.id}, ${named})
    and case when until is null then target = ${event.id} else target = ${named} and until >= ${event.created_at} end)`;
}

async function isDeleted(db: AnyDb, row: EventRow): Promise<boolean> {
  const { rows } = await sql<{ deleted: number }>`select ${deleted(row)} as deleted`.execute(db);
  return rows[0]?.deleted === 1;
}

/** Deletes what the event names, and keeps in mind that it is deleted. */
async function carryOut(db: AnyDb, { event }: EventRow, seq: number): Promise<void> {
  const { pubkey, created_at } = event;
  const { ids, addresses } = deletionTargets(event);
  const marks = [...addresses.map(({ text }) => [text, created_at]), ...ids.map((id) => [id, null])];
  if (marks.length === 0) return;
  await sql`insert into nostr_deletions (pubkey, target, event, until)
    select ${pubkey}, value ->> 0, ${seq}, value ->> 1 from json_each(${JSON.stringify(marks)}) where true
    on conflict do nothing`.execute(db);
  if (ids.length > 0) {
    // The plus keeps SQLite from walking all the author's events instead of looking up the ids.
    await sql`delete from nostr_events where id in (select value from json_each(${JSON.stringify(ids)}))
      and +pubkey = ${pubkey} and +kind <> ${DELETION}`.execute(db);
  }
  if (addresses.length > 0) {
    await sql`delete from nostr_events where seq in (
      select e.seq from json_each(${JSON.stringify(addresses.map(({ kind, d }) => [kind, d]))}) a
      cross join nostr_events e on e.pubkey = ${pubkey} and e.kind = a.value ->> 0 and e.d = a.value ->> 1
      where e.created_at <= ${created_at})`.execute(db);
  }
}
