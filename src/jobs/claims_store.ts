import { type RawBuilder, sql } from "kysely";
import type { Database, Tx } from "../db/database.ts";

/** A job that a runner has reserved. `attempts` together with the holder is the fencing number. */
export interface Claim {
  id: number;
  kind: string;
  merchant: string;
  payload: string;
  attempts: number;
  max_attempts: number;
  /** ms since 1970. */
  created_at: number;
}

/** One merchant's jobs of one kind: what shares the slots of a process with others of its kind. */
export interface Lane {
  kind: string;
  merchant: string;
}

/** How many of a lane may be claimed now, and for how long. */
export interface Wanted extends Lane {
  limit: number;
  leaseMs: number;
}

// States are literals everywhere: partial indexes serve a query only if its text says so.

/** What there is to do, or will be. */
export interface Due {
  /** Lanes with something that may be claimed now, and since when (ms since 1970). */
  lanes: (Lane & { at: number })[];
  /** When the next job is due that isn't yet, or a lease runs out; null when none is known. */
  next: number | null;
}

/**
 * What of these kinds is due at `now`. Reads one entry of an index for each kind and, where something is due, for each merchant
 * with a job of that kind, however many jobs wait.
 */
export async function findDue(db: Database, kinds: string[], now: number): Promise<Due> {
  const perKind = kinds.map((kind) =>
    sql`select cast(${kind} as text) as kind, min(run_at) as due from jobs where kind = ${kind} and state = 'ready'`
  );
  const running = sql`jobs where state = 'running' and kind in (${sql.join(kinds)})`;
  const { rows } = await sql<{ kind: string | null; merchant: string | null; due: number | null }>`
    with recursive first as (${sql.join(perKind, sql` union all `)}),
    lane as (
      select kind, (select min(merchant) from jobs where jobs.kind = first.kind and state = 'ready') as merchant
      from first where due <= ${now}
      union all
      select kind, (select min(jobs.merchant) from jobs
        where jobs.kind = lane.kind and state = 'ready' and jobs.merchant > lane.merchant)
      from lane where merchant is not null
    )
    select kind, merchant, (select min(run_at) from jobs
      where jobs.kind = lane.kind and jobs.merchant = lane.merchant and state = 'ready') as due
    from lane where merchant is not null
    union all select kind, merchant, lease_until from ${running} and lease_until <= ${now}
    union all select null, null, min(due) from first where due > ${now}
    union all select null, null, min(lease_until) from ${running} and lease_until > ${now}`.execute(
    db.kysely,
  );
  const due: Due = { lanes: [], next: null };
  for (const { kind, merchant, due: at } of rows) {
    if (at === null) continue;
    if (kind !== null && merchant !== null && at <= now) due.lanes.push({ kind, merchant, at });
    else due.next = Math.min(at, due.next ?? Infinity);
  }
  return due;
}

/**
 * Reserves due jobs for `holder`, oldest first, in one statement: waiting ones, and running ones whose holder let the lease
 * run out. A waiting job stays back while one of its kind and key runs.
 */
export async function claim(tx: Tx, wanted: Wanted[], holder: string, now: number): Promise<Claim[]> {
  const lock = tx.dialect === "postgres" ? sql`for update skip locked` : sql``;
  const due = wanted.map(({ kind, merchant, limit }) =>
    sql`select id from (
      select id from (
        select id from jobs where kind = ${kind} and merchant = ${merchant} and state = 'running' and lease_until <= ${now}
        order by lease_until limit cast(${limit} as integer) ${lock}) as expired
      union all select id from (
        select id from jobs as waiting where kind = ${kind} and merchant = ${merchant} and state = 'ready' and run_at <= ${now}
        and (key is null or not exists (
          select 1 from jobs as other where other.kind = waiting.kind and other.key = waiting.key and other.state = 'running'))
        order by run_at, id limit cast(${limit} as integer) ${lock}) as due
      limit cast(${limit} as integer)) as one`
  );
  const leases = new Map(wanted.map((one) => [one.kind, one.leaseMs]));
  const until = [...leases].map(([kind, leaseMs]): RawBuilder<unknown> =>
    sql`when ${kind} then cast(${now + leaseMs} as bigint)`
  );
  const { rows } = await sql<Claim>`
    update jobs set state = 'running', attempts = attempts + 1, lease_by = ${holder},
      lease_until = case kind ${sql.join(until, sql` `)} end
    where id in (${sql.join(due, sql` union all `)})
    returning id, kind, merchant, payload, attempts, max_attempts, created_at`.execute(tx);
  return rows.sort((a, b) => a.id - b.id);
}

/** Deletes a finished job. False: another holder took it over. */
export async function finish(tx: Tx, claim: Claim, holder: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom("jobs").where("id", "=", claim.id)
    .where("attempts", "=", claim.attempts).where("lease_by", "=", holder).where(
      "state",
      "=",
      sql.lit("running"),
    )
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Puts a job back to wait until `runAt`. False: another holder took it over. */
export async function putBack(
  tx: Tx,
  claim: Claim,
  holder: string,
  change: {
    runAt: number;
    error?: string; /** It never began, so this try doesn't count. */
    uncount?: boolean;
  },
): Promise<boolean> {
  // A newer job of this key that waits already says what has to be done.
  const superseded = await tx.deleteFrom("jobs").where("id", "=", claim.id).where(
    "attempts",
    "=",
    claim.attempts,
  )
    .where("lease_by", "=", holder).where("state", "=", sql.lit("running"))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom("jobs as newer").select("newer.id").whereRef("newer.kind", "=", "jobs.kind")
          .whereRef("newer.key", "=", "jobs.key").where("newer.state", "=", sql.lit("ready")),
      )
    ).executeTakeFirst();
  if (superseded.numDeletedRows > 0n) return true;
  const { numUpdatedRows } = await tx.updateTable("jobs").set({
    state: "ready",
    run_at: change.runAt,
    attempts: change.uncount ? claim.attempts - 1 : claim.attempts,
    lease_until: null,
    lease_by: null,
    ...(change.error === undefined ? {} : { last_error: change.error }),
  }).where("id", "=", claim.id).where("attempts", "=", claim.attempts).where("lease_by", "=", holder)
    .where("state", "=", sql.lit("running")).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Marks a job dead; it is kept for people to look at. False: another holder took it over. */
export async function bury(tx: Tx, claim: Claim, holder: string, error: string): Promise<boolean> {
  const { numUpdatedRows } = await tx.updateTable("jobs")
    .set({ state: "dead", last_error: error, lease_until: null, lease_by: null })
    .where("id", "=", claim.id).where("attempts", "=", claim.attempts).where("lease_by", "=", holder)
    .where("state", "=", sql.lit("running")).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Prolongs leases of one kind. Answers `id:attempts` of those that are still `holder`'s. */
export async function renew(tx: Tx, claims: Claim[], holder: string, until: number): Promise<Set<string>> {
  const rows = await tx.updateTable("jobs").set({ lease_until: until })
    .where("id", "in", claims.map((one) => one.id)).where("lease_by", "=", holder).where(
      "state",
      "=",
      sql.lit("running"),
    )
    .returning(["id", "attempts"]).execute();
  return new Set(rows.map((row) => `${row.id}:${row.attempts}`));
}

/** A job that was running at more ends of the program than this may be what ends it. */
const UNSUSPICIOUS_TRIES = 3;
const FIRST_WAIT_MS = 250;
const MOST_DOUBLINGS = 7;

/** Ends every lease of a process that is gone; its jobs go on as in `freeAll`. */
export async function freeHolder(tx: Tx, holder: string, now: number): Promise<void> {
  await tx.updateTable("leases").set({ until: 0 }).where("holder", "=", holder).where("until", ">", 0)
    .execute();
  await freeJobs(tx, now, holder);
}

/**
 * Ends every lease: jobs that ran may be claimed at once, and so may what only one process does. Only for whoever knows that
 * no other process is left. A job that was cut off several times waits first, each time twice as long and at most until its
 * lease would have ended: a program that is ended again and again would use up its tries within seconds, and whoever ends it
 * must not come first each time. Answers how many jobs ran.
 */
export async function freeAll(tx: Tx, now: number): Promise<number> {
  await tx.updateTable("leases").set({ until: 0 }).where("until", ">", 0).execute();
  return await freeJobs(tx, now);
}

async function freeJobs(tx: Tx, now: number, holder?: string): Promise<number> {
  const doublings = sql`case when attempts > ${sql.lit(UNSUSPICIOUS_TRIES + MOST_DOUBLINGS)}
    then ${sql.lit(MOST_DOUBLINGS)} else attempts - ${sql.lit(UNSUSPICIOUS_TRIES + 1)} end`;
  const until = sql`cast(${now} as bigint) + ${sql.lit(FIRST_WAIT_MS)} * (1 << (${doublings}))`;
  const { numUpdatedRows } = await tx.updateTable("jobs").set({
    lease_until: sql<number>`case when attempts <= ${sql.lit(UNSUSPICIOUS_TRIES)} then 0
      when lease_until < ${until} then lease_until else ${until} end`,
  }).where("state", "=", sql.lit("running"))
    .$if(holder !== undefined, (query) => query.where("lease_by", "=", holder!)).executeTakeFirst();
  tx.wake("jobs");
  return Number(numUpdatedRows);
}
