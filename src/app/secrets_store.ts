import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";

/** Keeps a sealed secret of a merchant. */
export async function putSecret(
  tx: Tx,
  secret: { merchant: string; name: string; sealed: string; now: number },
): Promise<void> {
  const { merchant, name, sealed, now } = secret;
  await tx.insertInto("secrets").values({ merchant, name, sealed, created_at: now })
    .onConflict((oc) => oc.columns(["merchant", "name"]).doUpdateSet({ sealed, created_at: now })).execute();
}

/** The sealed secret; undefined when the merchant has none of this name. */
export async function getSecret(
  db: Kysely<Tables>,
  merchant: string,
  name: string,
): Promise<string | undefined> {
  const row = await db.selectFrom("secrets").select("sealed").where("merchant", "=", merchant).where(
    "name",
    "=",
    name,
  )
    .executeTakeFirst();
  return row?.sealed;
}

/** Keeps a sealed secret unless there is one of this name. Answers the one that is kept. */
export async function keepSecret(
  tx: Tx,
  secret: { merchant: string; name: string; sealed: string; now: number },
): Promise<string> {
  const { merchant, name, sealed, now } = secret;
  await tx.insertInto("secrets").values({ merchant, name, sealed, created_at: now })
    .onConflict((on) => on.doNothing()).execute();
  return (await getSecret(tx, merchant, name))!;
}

/** Forgets a secret of a merchant. */
export async function removeSecret(tx: Tx, merchant: string, name: string): Promise<void> {
  await tx.deleteFrom("secrets").where("merchant", "=", merchant).where("name", "=", name).execute();
}
