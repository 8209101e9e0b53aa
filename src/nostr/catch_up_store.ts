import type { Database, Tx } from "../db/database.ts";

/** Where a reading of all that a relay has stored for a merchant stands. */
export interface CatchUpMark {
  /** When it began (ms): what had reached the relay by then is what it brings. */
  startedAt: number;
  /** All kinds before this one are done. */
  kind: number;
  /** Of the kind, everything newer than this second is done; null: nothing yet. */
  until: number | null;
  /** When it came here (ms). */
  at: number;
}

/**
 * A mark that is older (ms) is no use: a catch-up from the newest on brings sooner what can still be answered. Between two lives of
 * a connection or a process there are seconds.
 */
const MARK_LASTS_MS = 10 * 60_000;

/** Whether a catch-up that was interrupted there is worth going on with. */
export function isOfUse(mark: CatchUpMark, now: number): boolean {
  return Math.abs(now - mark.at) <= MARK_LASTS_MS;
}

/** Where the merchant's last catch-up from this relay was interrupted; null when none was. */
export async function readCatchUp(
  database: Database,
  o: { merchant: string; relay: string },
): Promise<CatchUpMark | null> {
  const row = await database.kysely.selectFrom("catch_ups").selectAll()
    .where("merchant", "=", o.merchant).where("relay", "=", o.relay).executeTakeFirst();
  return row ? { startedAt: row.started_at, kind: row.kind, until: row.until, at: row.updated_at } : null;
}

/** Belongs into the transaction that stores what came before the mark. */
export async function markCatchUp(
  tx: Tx,
  o: { merchant: string; relay: string; mark: CatchUpMark },
): Promise<void> {
  const { startedAt, kind, until, at } = o.mark;
  const place = { started_at: startedAt, kind, until, updated_at: at };
  await tx.insertInto("catch_ups").values({ merchant: o.merchant, relay: o.relay, ...place })
    .onConflict((on) => on.columns(["merchant", "relay"]).doUpdateSet(place))
    .execute();
}

/** A catch-up that began at `startedAt` is complete: marks of it and of earlier ones are done with. */
export async function endCatchUp(
  tx: Tx,
  o: { merchant: string; relay: string; startedAt: number },
): Promise<void> {
  await tx.deleteFrom("catch_ups").where("merchant", "=", o.merchant).where("relay", "=", o.relay)
    .where("started_at", "<=", o.startedAt).execute();
}
