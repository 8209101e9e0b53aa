import { assertEquals } from "@std/assert";
import { EventStore } from "../../src/nostr/event_store.ts";
import { BuiltInRelay } from "../support/built_in_relay.ts";
import { onEachDatabase } from "../support/databases.ts";

onEachDatabase(
  "what is committed reaches subscribers once: sent by a client, or stored by us",
  async (database) => {
    await using relay = await BuiltInRelay.serve({ database });
    await using reader = await relay.connect();
    await using writer = await relay.connect();
    const key = relay.key();
    await reader.subscribe("all", { authors: [key.pubkey] });
    const sent = key.sign({ kind: 7 });
    const stored = key.sign({ kind: 30_018, tags: [["d", "x"]] });
    assertEquals(await writer.publish(sent), [true, ""]);
    assertEquals(await writer.publish(sent), [true, "duplicate: already here"]);
    for (let n = 0; n < 2; n++) {
      await database.transaction(async (tx) => {
        await new EventStore(tx, { now: relay.now }).event(stored);
        tx.wake("event", stored.id);
      });
    }
    const last = key.sign({ kind: 1 });
    await writer.publish(last);
    const heard = [await reader.live("all"), await reader.live("all"), await reader.live("all")];
    assertEquals(heard.map((event) => event.id), [sent, stored, last].map((event) => event.id));
  },
);

onEachDatabase("many events at once all get their OK, and are all stored", async (database) => {
  await using relay = await BuiltInRelay.serve({ database });
  await using client = await relay.connect();
  const key = relay.key();
  const events = Array.from({ length: 50 }, (_, n) => key.sign({ kind: 7, content: `${n}` }));
  const answers = await Promise.all(events.map((event) => client.publish(event)));
  assertEquals(answers.filter(([accepted]) => accepted).length, 50);
  assertEquals((await client.count({ authors: [key.pubkey], kinds: [7] }))[2].count, 50);
});
