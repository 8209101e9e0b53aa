import { assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { countStrangers, nextDue, nextToRead } from "../../src/messages/lanes_store.ts";
import { onEachDatabase } from "../support/databases.ts";
import { fillInbox, inboxRow } from "./inbox_rows.ts";

const many = (name: string, count: number, changes: Parameters<typeof inboxRow>[1] = {}) =>
  Array.from({ length: count }, (_, i) => inboxRow(`${name}${i}`, changes));

async function read(
  database: Database,
  o: Partial<Parameters<typeof nextToRead>[1]> = {},
): Promise<string[]> {
  const rows = await nextToRead(database.kysely, { now: 5_000, limit: 10, strangers: 6, except: [], ...o });
  return rows.map((row) => row.event_id);
}

onEachDatabase(
  "regulars are read first, and strangers' messages and wraps share what is left",
  async (database) => {
    await database.kysely.insertInto("merchants").values({
      pubkey: "m",
      name: "",
      profile: "{}",
      state: "active",
      key_source: "settings",
      created_at: 0,
      updated_at: 0,
    }).execute();
    await fillInbox(database, [
      ...many("w", 20, { lane: 2, kind: 1059 }),
      ...many("s", 2),
      ...many("r", 3, { lane: 0 }),
      ...many("later", 3, { lane: 0, next_at: 9_000 }),
      ...many("done", 3, { lane: 0, state: "done" }),
    ]);
    assertEquals(await read(database), ["r0", "r1", "r2", "s0", "s1", "w0", "w1", "w2", "w3"]);
    assertEquals(await read(database, { strangers: 2 }), ["r0", "r1", "r2", "s0", "w0"]);
    assertEquals(await read(database, { limit: 2 }), ["r0", "r1"]);
    assertEquals(await read(database, { except: ["m"] }), []);
    assertEquals(await countStrangers(database.kysely, 5_000, 10), 12);
    assertEquals(await nextDue(database.kysely), 1_000);
  },
);

onEachDatabase(
  "while more strangers wait than fit, half of what is read came last, with what its senders wrote before",
  async (database) => {
    await database.kysely.insertInto("merchants").values({
      pubkey: "m",
      name: "",
      profile: "{}",
      state: "active",
      key_source: "settings",
      created_at: 0,
      updated_at: 0,
    }).execute();
    const rows = many("s", 20);
    // Who came last has an older one in the crowd.
    rows[7]!.author = rows[19]!.author;
    await fillInbox(database, rows);
    assertEquals(await read(database), ["s0", "s1", "s2", "s7", "s17", "s18"]);
    assertEquals(await read(database, { strangers: 21, limit: 30 }), rows.map((row) => row.event_id));
  },
);
