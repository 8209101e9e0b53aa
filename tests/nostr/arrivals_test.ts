import { assertEquals } from "@std/assert";
import type { NostrEvent } from "@nostrify/types";
import { arrive, inInbox, moveCursor, readCursor } from "../../src/nostr/arrivals.ts";
import { onEachDatabase } from "../support/databases.ts";
import { until } from "../support/wire.ts";

const event = (id: number): NostrEvent => ({
  id: id.toString(16).padStart(64, "0"),
  pubkey: "c".repeat(64),
  kind: 4,
  content: "\u0000 \ud800 ' \"",
  tags: [["p", "m"]],
  created_at: 1,
  sig: "0".repeat(128),
});

onEachDatabase(
  "arrive() makes one row for each merchant and each event, and wakes only for new ones",
  async (db) => {
    let woken = 0;
    const end = db.listen("inbox", () => woken++);
    const arrival = { event: event(1000), relay: "", merchants: ["a", "b", "a"] };
    assertEquals(await db.transaction((tx) => arrive(tx, [arrival, arrival], 1)), 2);
    await until(() => woken === 1);
    assertEquals(await db.transaction((tx) => arrive(tx, [{ ...arrival, merchants: ["b", "c"] }], 2)), 1);
    await until(() => woken === 2);
    assertEquals(await db.transaction((tx) => arrive(tx, [arrival], 3)), 0);
    const many = [...Array(123).keys()].map((i) => ({ event: event(i), relay: "r", merchants: ["m"] }));
    assertEquals(await db.transaction((tx) => arrive(tx, many, 4)), 123);
    const rows = await db.kysely.selectFrom("inbox").select("event_id").where("merchant", "=", "m").orderBy(
      "seq",
    ).execute();
    assertEquals(rows.map((r) => r.event_id), many.map((m) => m.event.id));
    await until(() => woken === 3);
    end();
  },
);

onEachDatabase("inInbox() knows only the merchant's own rows", async (db) => {
  await db.transaction((tx) => arrive(tx, [{ event: event(1), relay: "", merchants: ["a"] }], 1));
  const ids = [event(1).id, event(2).id];
  assertEquals(await inInbox(db, "a", ids), new Set([event(1).id]));
  assertEquals(await inInbox(db, "b", ids), new Set());
  assertEquals(await inInbox(db, "a", []), new Set());
});

onEachDatabase("a cursor never moves back", async (db) => {
  const move = (cursor: number) =>
    db.transaction((tx) => moveCursor(tx, { merchant: "a", relay: "r", cursor, now: 1 }));
  assertEquals(await readCursor(db, "a", "r"), null);
  await move(5_000_000_000_000);
  await move(4);
  assertEquals(await readCursor(db, "a", "r"), 5_000_000_000_000);
  assertEquals(await readCursor(db, "b", "r"), null);
});
