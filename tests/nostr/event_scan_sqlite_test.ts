import { assert, assertEquals } from "@std/assert";
import type { NostrFilter } from "@nostrify/types";
import { sql } from "kysely";
import { plainFilters } from "../../src/nostr/event_filter.ts";
import { EventQuery } from "../../src/nostr/event_query.ts";
import { memoryDatabase } from "../support/database.ts";
import { ALICE, BOB } from "./event_samples.ts";

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
    "SEARCH t USING PRIMARY KEY (name=? AND value=? AND created_at>?)",
    "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
    "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
  ]],
  ["a tag of an author", { kinds: [4], authors: [BOB], "#p": [ALICE] }, [
    "SEARCH t USING PRIMARY KEY (name=? AND value=?)",
    "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
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
    assert(!steps.some((step) => /^SCAN (e|t|x)\b/.test(step)), `${JSON.stringify(asked)}: ${steps.join("; ")}`);
  }
});

Deno.test("on SQLite a tag that few events have is walked before one that many share", async () => {
  const steps = await plan([{ "#p": [ALICE], "#e": ["1"] }]);
  assertEquals(steps[0], "SEARCH t USING PRIMARY KEY (name=? AND value=?)");
  const query = new EventQuery(plainFilters([{ "#p": [ALICE], "#e": ["1"] }]), { postgres: false, now: 0 });
  await using db = await memoryDatabase();
  assertEquals(query.events().compile(db.kysely).parameters[0], "e");
});
