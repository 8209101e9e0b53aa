import { assert, assertEquals } from "@std/assert";
import type { NostrFilter } from "@nostrify/types";
import { sql } from "kysely";
import { plainFilters } from "../../src/nostr/event_filter.ts";
import { EventQuery } from "../../src/nostr/event_query.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import { memoryDatabase } from "../support/database.ts";
import { ALICE, BOB, CAROL, sample } from "./event_samples.ts";

/** What SQLite says it does, without the reading of JSON lists. */
async function plan(filters: NostrFilter[]): Promise<string[]> {
  await using db = await memoryDatabase();
  const query = new EventQuery(plainFilters(filters), { postgres: false, now: 0 });
  const { rows } = await sql<{ detail: string }>`explain query plan ${query.events()}`.execute(db.kysely);
  return rows.map((row) => row.detail).filter((detail) => !/json_each|LIST SUBQUERY/.test(detail));
}

const inTimeOrder: [string, NostrFilter, string[]][] = [
  ["by id", { ids: ["1"] }, ["SEARCH e USING INDEX sqlite_autoindex_nostr_events_1 (id=?)"]],
  ["kind and author", { kinds: [4], authors: [ALICE], limit: 20 }, [
    "SEARCH e USING INDEX nostr_events_author (pubkey=? AND kind=?)",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
  ["kind and author since", { kinds: [4], authors: [ALICE], since: 5 }, [
    "SEARCH e USING INDEX nostr_events_author (pubkey=? AND kind=? AND created_at>?)",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
  ["a tag since", { kinds: [1059], "#p": [ALICE], since: 5, limit: 50 }, [
    "SEARCH t USING PRIMARY KEY (name=? AND value=? AND kind=? AND created_at>?)",
    "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
  ["a tag of any kind", { "#t": ["x"], limit: 50 }, [
    "SEARCH t USING COVERING INDEX nostr_tags_time (name=? AND value=?)",
    "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
  ["an author", { authors: [ALICE], limit: 5 }, [
    "SEARCH e USING INDEX nostr_events_author_time (pubkey=?)",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
  ["an address", { kinds: [30018], authors: [ALICE], "#d": ["x"] }, [
    "SEARCH e USING INDEX nostr_events_address (pubkey=? AND kind=? AND d=?)",
  ]],
  ["a profile", { kinds: [0], authors: [ALICE] }, [
    "SEARCH e USING INDEX nostr_events_address (pubkey=? AND kind=? AND d=?)",
  ]],
  ["a kind", { kinds: [30018], limit: 100 }, [
    "SEARCH e USING INDEX nostr_events_kind (kind=?)",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
  ["everything", { limit: 10 }, [
    "SCAN e USING INDEX nostr_events_time",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
];

for (const [what, filter, expected] of inTimeOrder) {
  Deno.test(`on SQLite a query for ${what} walks one index, in its order`, async () => {
    assertEquals(await plan([filter]), expected);
  });
}

Deno.test("on SQLite no list and no mix of filters reads the whole table", async () => {
  const filters: NostrFilter[] = [
    { ids: ["1", "2"] },
    { ids: ["1", "2"], "#p": [ALICE] },
    { kinds: [30017, 30018], authors: [ALICE] },
    { kinds: [0], authors: [ALICE, BOB] },
    { kinds: [4, 1059], "#p": [ALICE, BOB], since: 5 },
    { "#p": [ALICE], "#e": ["1"] },
    { "#p": [ALICE, BOB], "#t": ["a", "b"] },
    { kinds: [30018], "#d": ["x", "y"], authors: [ALICE] },
    { kinds: [1], limit: 10 },
  ];
  for (const asked of [...filters.map((filter) => [filter]), filters]) {
    const steps = await plan(asked);
    assert(
      !steps.some((step) => /^SCAN (e|t|x)\b/.test(step)),
      `${JSON.stringify(asked)}: ${steps.join("; ")}`,
    );
  }
});

Deno.test("on SQLite a limit cuts each of several values' newest, before they are put in order", async () => {
  const steps = await plan([{ kinds: [30017, 30018], authors: [ALICE, BOB], limit: 20 }]);
  assertEquals(
    steps.filter((step) => step === "SEARCH e USING INDEX nostr_events_author (pubkey=? AND kind=?)").length,
    4,
  );
  assert(
    !steps.includes("USE TEMP B-TREE FOR ORDER BY") || steps.at(-1) === "USE TEMP B-TREE FOR ORDER BY",
    steps.join("; "),
  );
});

Deno.test("on SQLite a tag that few events have is walked before one that many share", async () => {
  const query = new EventQuery(plainFilters([{ "#p": [ALICE], "#e": ["1"] }]), { postgres: false, now: 0 });
  await using db = await memoryDatabase();
  assertEquals(query.events().compile(db.kysely).parameters[0], "e");
});

Deno.test("on SQLite an author of few events is looked through, one of many is not", async () => {
  await using db = await memoryDatabase();
  const store = new EventStore(db.kysely);
  await db.transaction(async (tx) => {
    const inner = new EventStore(tx);
    for (let i = 0; i < 600; i++) {
      await inner.event(sample({ kind: 4, created_at: i, tags: [["p", i % 100 ? BOB : CAROL]] }));
    }
    for (let i = 0; i < 3; i++) {
      await inner.event(sample({ kind: 4, pubkey: BOB, created_at: i, tags: [["p", ALICE]] }));
    }
    for (let i = 0; i < 3; i++) {
      await inner.event(sample({ kind: 4, pubkey: BOB, created_at: 10 + i, tags: [["p", CAROL]] }));
    }
  });
  const times = async (author: string, p: string, limit = 3) =>
    (await store.query([{ kinds: [4], authors: [author], "#p": [p], limit }])).map((event) =>
      event.created_at
    );
  assertEquals(await times(ALICE, CAROL), [500, 400, 300]);
  assertEquals(await times(ALICE, CAROL, 100), [500, 400, 300, 200, 100, 0]);
  assertEquals(await times(BOB, ALICE), [2, 1, 0]);
});
