import type { Database } from "../db/database.ts";

/** More than one page, so that the file has to grow. */
const PROBE = "x".repeat(64 * 1024);

/** Writes something, commits it and takes it back. Throws what the database says. */
export async function tryWriting(database: Database, now: number): Promise<void> {
  const name = "storage.probe";
  await database.transaction((tx) =>
    tx.insertInto("settings").values({ name, value: PROBE, updated_at: now })
      .onConflict((c) => c.column("name").doUpdateSet({ value: PROBE, updated_at: now })).execute()
  );
  await database.transaction((tx) => tx.deleteFrom("settings").where("name", "=", name).execute());
}
