import { assertEquals } from "@std/assert";
import { wakeWaiting } from "../../src/app/waiting_store.ts";
import { onEachDatabase } from "../support/databases.ts";

onEachDatabase(
  "what waited for its signer is read at once, whatever else waits goes on waiting",
  async (database) => {
    const rows: [event: string, merchant: string, state: "new" | "done", reason: string | null][] = [
      ["a", "m", "new", "the signer can't be reached"],
      ["b", "m", "new", "the signer takes too long"],
      ["c", "m", "new", "the merchant isn't served now"],
      ["d", "n", "new", "the signer can't be reached"],
      ["e", "m", "done", "the signer can't be reached"],
    ];
    await database.transaction(async (tx) => {
      for (const [event_id, merchant, state, reason] of rows) {
        await tx.insertInto("inbox").values({
          merchant,
          event_id,
          kind: 4,
          author: "x",
          event: "{}",
          relay: "",
          received_at: 1,
          state,
          attempts: 3,
          next_at: 9_000,
          reason,
        }).execute();
      }
    });
    await wakeWaiting(database, "m", 100);
    const after = await database.kysely.selectFrom("inbox").select(["event_id", "next_at"]).orderBy("seq")
      .execute();
    assertEquals(after.map((row) => row.event_id + row.next_at), ["a100", "b100", "c9000", "d9000", "e9000"]);
  },
);
