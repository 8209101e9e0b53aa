import type { Tx } from "../db/database.ts";

/** Marks a thing as used until `expiresAt` (ms). False when it was used before. */
export async function useOnce(tx: Tx, scope: string, id: string, expiresAt: number): Promise<boolean> {
  const done = await tx.insertInto("replays").values({ scope, id, expires_at: expiresAt })
    .onConflict((oc) => oc.doNothing()).executeTakeFirst();
  return Number(done.numInsertedOrUpdatedRows ?? 0) === 1;
}

/** Forgets what is too old to be accepted anyway. */
export async function forgetReplays(tx: Tx, now: number): Promise<void> {
  await tx.deleteFrom("replays").where("expires_at", "<", now).execute();
}
