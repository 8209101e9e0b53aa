import { type RawBuilder, sql } from "kysely";
import type { Database, Tx } from "../db/database.ts";
import { textList } from "./sql_list.ts";

/** One event for one relay, with what is needed to send it. */
export interface OutboxItem {
  event_id: string;
  relay: string;
  merchant: string;
  /** Tries so far. */
  attempts: number;
  /** JSON, as it was signed. */
  event: string;
  /** When it was posted (ms). */
  posted_at: number;
}

/** For how long a claimed row is kept from other processes: longer than what two sendings in a row may take. */
export const LEASE_MS = 60_000;

/** Makes due what is claimed by any process: for when one of them is gone. Who lives may send the same bytes twice. */
export async function freeClaims(tx: Tx, now: number): Promise<void> {
  await tx.updateTable("outbox").set({ next_at: now, updated_at: now }).where("state", "=", "pending")
    .where("next_at", ">", now).where(sql<boolean>`next_at = updated_at + ${sql.lit(LEASE_MS)}`).execute();
  tx.wake("outbox");
}

/** Gives back what a process that ends has claimed (`laneItem`s) and not sent: whoever comes next needn't wait for the lease. */
export async function giveBack(database: Database, held: ReadonlySet<string>, now: number): Promise<void> {
  if (database.dialect === "sqlite" || held.size === 0) return;
  const events = textList("postgres", new Set([...held].map((item) => item.split(" ", 1)[0]!)));
  await database.transaction(async (tx) => {
    await tx.updateTable("outbox").set({ next_at: now, updated_at: now }).where("state", "=", "pending")
      .where(
        sql<boolean>`event_id in ${events} and event_id || ' ' || relay in ${textList("postgres", held)}`,
      )
      .where(sql<boolean>`next_at = updated_at + ${sql.lit(LEASE_MS)}`).execute();
    tx.wake("outbox");
  });
}

/**
 * What is due, oldest first in each lane (`merchant relay`), without the lanes that have enough to do: however much waits for a
 * relay that takes little, it is in nobody's way. Where several processes share the database the rows are leased: until
 * `now + leaseMs` no other process gets them. `held` is what this process has already.
 */
export async function claimDue(database: Database, o: {
  now: number;
  /** About so many in all, and of one lane. */
  limit: number;
  perLane: number;
  leaseMs: number;
  busy: Iterable<string>;
  held: ReadonlySet<string>;
}): Promise<OutboxItem[]> {
  if (database.dialect === "sqlite") {
    const db = database.kysely;
    const due: OutboxItem[] = [];
    for (const lane of await dueLanes(db, database.dialect, o)) {
      const rows = await items(db, isDue(lane, o.now))
        .orderBy("outbox.next_at").limit(o.perLane + o.held.size).execute();
      due.push(...rows.filter((row) => !o.held.has(laneItem(row))).slice(0, o.perLane));
      if (due.length >= o.limit) break;
    }
    return due;
  }
  return await database.transaction(async (tx) => {
    const claimed: { event_id: string; relay: string }[] = [];
    for (const lane of await dueLanes(tx, tx.dialect, o)) {
      const due = tx.selectFrom("outbox").select(["event_id", "relay"]).where(isDue(lane, o.now))
        .orderBy("next_at").limit(o.perLane).forUpdate().skipLocked();
      claimed.push(
        ...await tx.updateTable("outbox").set({ next_at: o.now + o.leaseMs, updated_at: o.now })
          .where(sql<boolean>`(event_id, relay) in ${due}`).returning(["event_id", "relay"]).execute(),
      );
      if (claimed.length >= o.limit) break;
    }
    if (claimed.length === 0) return [];
    const wanted = new Set(claimed.map(laneItem));
    const ids = textList("postgres", new Set(claimed.map((row) => row.event_id)));
    const rows = await items(tx, sql<boolean>`outbox.event_id in ${ids}`).execute();
    return rows.filter((row) => wanted.has(laneItem(row)));
  });
}

/** As the index `outbox_by_lane` has it. */
const LANE = sql<string>`outbox.merchant || ' ' || outbox.relay`;

function isDue(lane: string, now: number): RawBuilder<boolean> {
  return sql<boolean>`outbox.state = 'pending' and ${LANE} = ${lane} and outbox.next_at <= ${now}`;
}

/** The lanes that something is due in, from one to the next by the index: what waits in each isn't looked at. */
async function dueLanes(
  db: Tx | Database["kysely"],
  dialect: Database["dialect"],
  { now, busy }: { now: number; busy: Iterable<string> },
): Promise<string[]> {
  const { rows } = await sql<{ lane: string }>`
    with recursive lanes(lane) as (
      select cast('' as text)
      union all
      select (
        select ${LANE} from outbox where outbox.state = 'pending' and ${LANE} > lanes.lane order by ${LANE} limit 1
      ) from lanes where lanes.lane is not null
    )
    select lane from lanes where lane > '' and lane not in ${textList(dialect, busy)} and exists (
      select 1 from outbox where outbox.state = 'pending' and ${LANE} = lanes.lane and outbox.next_at <= ${now}
    )`.execute(db);
  return rows.map(({ lane }) => lane);
}

/** Names a row among all. */
export function laneItem(row: { event_id: string; relay: string }): string {
  return `${row.event_id} ${row.relay}`;
}

function items(db: Tx | Database["kysely"], where: RawBuilder<boolean>) {
  return db.selectFrom("outbox").innerJoin("outbox_events", "outbox_events.event_id", "outbox.event_id")
    .select(["outbox.event_id", "outbox.relay", "outbox.merchant", "outbox.attempts"])
    .select(["outbox_events.event", "outbox_events.created_at as posted_at"])
    .where(where);
}
