import type { Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { IdempotencyTable } from "../db/tables.ts";

export type IdempotencyRow = Selectable<IdempotencyTable>;
export type IdempotencyKey = Pick<IdempotencyRow, "actor" | "method" | "path" | "key">;

/** Claims the key for a request. The row of the request that had it first, or null when it is ours now. */
export async function claim(
  tx: Tx,
  row: IdempotencyKey & { body_hash: string; created_at: number },
): Promise<IdempotencyRow | null> {
  const done = await tx.insertInto("idempotency").values({
    ...row,
    state: "running",
    status: null,
    body: null,
  })
    .onConflict((oc) => oc.doNothing()).executeTakeFirst();
  if (Number(done.numInsertedOrUpdatedRows ?? 0) === 1) return null;
  return await tx.selectFrom("idempotency").selectAll().where(matches(row)).executeTakeFirstOrThrow();
}

/** Takes the key from a request that will never end; false when somebody else was quicker. */
export async function takeOver(tx: Tx, abandoned: IdempotencyRow, now: number): Promise<boolean> {
  const done = await tx.updateTable("idempotency").set({ created_at: now }).where(matches(abandoned))
    .where("state", "=", "running").where("created_at", "=", abandoned.created_at).executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Keeps the answer for repeats; one that carries a secret is only marked. */
export async function keepAnswer(
  tx: Tx,
  key: IdempotencyKey,
  answer: { status: number; body: string; secret: boolean },
): Promise<void> {
  await tx.updateTable("idempotency")
    .set({
      state: answer.secret ? "secret" : "done",
      status: answer.status,
      body: answer.secret ? null : answer.body,
    })
    .where(matches(key)).execute();
}

/** Lets the key be used again: the request failed and did nothing. */
export async function freeKey(tx: Tx, key: IdempotencyKey): Promise<void> {
  await tx.deleteFrom("idempotency").where(matches(key)).execute();
}

/** Forgets answers older than `before` (ms). */
export async function forgetAnswers(tx: Tx, before: number): Promise<void> {
  await tx.deleteFrom("idempotency").where("created_at", "<", before).execute();
}

function matches({ actor, method, path, key }: IdempotencyKey) {
  // deno-lint-ignore no-explicit-any -- Kysely's builder type differs for each statement
  return (eb: any) => eb.and({ actor, method, path, key });
}
