import { type Kysely, sql } from "kysely";

/** What waits for one relay, apart from what waits for the others. */
// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.createIndex("outbox_by_lane").on("outbox")
    .expression(sql`(merchant || ' ' || relay), next_at`)
    .where(sql.ref("state"), "=", sql.lit("pending")).execute();
}
