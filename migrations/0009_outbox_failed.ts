import { type Kysely, sql } from "kysely";

/** What no relay will get, counted for the metrics without a look at all that was delivered. */
// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.createIndex("outbox_failed").on("outbox").columns(["updated_at"])
    .where(sql.ref("state"), "=", sql.lit("failed")).execute();
}
