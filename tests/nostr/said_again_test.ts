import type { NostrEvent } from "@nostrify/types";
import { assertEquals } from "@std/assert";
import { recordOutcomes } from "../../src/nostr/outbox_store.ts";
import { SAID_AGAIN } from "../../src/nostr/said_again.ts";
import { onEachDatabase } from "../support/databases.ts";
import { alertsIn, conversation, customer, now, posted, signed } from "./outbox_harness.ts";

onEachDatabase("what is said again takes the turn of what waits, at each relay, and its age", async (db) => {
  const [slow, quick, other] = ["wss://slow.example", "wss://quick.example", "wss://other.example"];
  const [first, again] = [await signed(), await signed()];
  const at = now * 1000;
  await posted(db, first, [slow, quick, other], { at });
  await db.kysely.updateTable("outbox").set({ state: "delivered" }).where("relay", "=", quick).execute();
  const rows = async ({ id }: NostrEvent) =>
    (await db.kysely.selectFrom("outbox").selectAll().where("event_id", "=", id).orderBy("relay").execute())
      .map(({ relay, state, answer, next_at }) => [relay, state, answer, next_at - at]);
  assertEquals(await posted(db, again, [slow, quick], { at: at + 60_000, insteadOf: [first.id] }), true);
  assertEquals(await rows(first), [
    [other, "pending", null, 0],
    [quick, "delivered", null, 0],
    [slow, "failed", SAID_AGAIN, 0],
  ]);
  assertEquals(await rows(again), [[quick, "pending", null, 60_000], [slow, "pending", null, 0]]);
  const { created_at } = await db.kysely.selectFrom("outbox_events").select("created_at")
    .where("event_id", "=", again.id).executeTakeFirstOrThrow();
  assertEquals(created_at, at);
  // Posted for the same reason once more it changes nothing.
  assertEquals(await posted(db, again, [other], { at, insteadOf: [first.id] }), false);
  assertEquals((await rows(first))[0], [other, "pending", null, 0]);
});

onEachDatabase(
  "the owners hear of what was said again when the first of it is a quarter of an hour old",
  async (db) => {
    const relay = "wss://slow.example";
    const [first, again] = [await signed(), await signed()];
    const at = now * 1000;
    const to = { pubkey: customer, reads: [], readsOurs: false };
    await posted(db, first, [relay], { at, to });
    await posted(db, again, [relay], { at: at + 14 * 60_000, to, insteadOf: [first.id] });
    for (const { id } of [first, again]) await conversation(db, id);
    const fails = (later: number) =>
      db.transaction((tx) =>
        recordOutcomes(
          tx,
          [first, again].map(({ id }) => (
            {
              event_id: id,
              relay,
              state: "pending",
              attempts: 1,
              next_at: at + later,
              answer: "no connection",
            }
          )),
          at + later,
        )
      );
    await fails(14.5 * 60_000);
    assertEquals(await alertsIn(db), []);
    await fails(15 * 60_000);
    assertEquals((await alertsIn(db)).map(({ fact }) => fact), [`message:${again.id}:undelivered`]);
  },
);
