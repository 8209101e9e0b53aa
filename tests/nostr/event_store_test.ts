import { assertEquals, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import { sql } from "kysely";
import { EventStore, type EventStoreOptions } from "../../src/nostr/event_store.ts";
import { memoryDatabase } from "../support/database.ts";
import { onEachDatabase, postgresDatabase, type SharedDatabase } from "../support/databases.ts";
import { postgresIsOff } from "../support/postgres.ts";
import { sample } from "./event_samples.ts";
import { storeSuite } from "./event_store_suite.ts";

storeSuite("sqlite", async (options?: EventStoreOptions) => {
  const database = await memoryDatabase();
  return { store: new EventStore(database.kysely, options), [Symbol.asyncDispose]: () => database.close() };
});

let shared: Promise<SharedDatabase> | undefined;

// One database for all of them: making each its own would take most of the time. It goes with the test run's server.
storeSuite("postgres", async (options?: EventStoreOptions) => {
  const database = await (await (shared ??= postgresDatabase())).open();
  await sql`truncate nostr_events`.execute(database.kysely);
  return { store: new EventStore(database.kysely, options), [Symbol.asyncDispose]: () => database.close() };
}, { ignore: postgresIsOff() });

const expiring = (at: number | string, content = "", kind = 1) =>
  sample({ kind, content, tags: [["d", content], ["expiration", `${at}`], ["t", "x"]] });

onEachDatabase("NIP-40 event() refuses what has expired", async (db) => {
  const store = new EventStore(db.kysely, { now: () => 100 });
  await assertRejects(() => store.event(expiring(99)), RelayError, "invalid: the event has expired");
  await assertRejects(() => store.event(expiring(100)), RelayError, "expired");
  await store.event(expiring(101));
  for (const odd of ["", "-5", "99.5", "1e1", "soon", "9".repeat(16)]) await store.event(expiring(odd, odd));
  assertEquals((await store.count([{}])).count, 7);
});

onEachDatabase("NIP-40 expired events aren't found, counted, streamed or removed", async (db) => {
  let now = 100;
  const store = new EventStore(db.kysely, { now: () => now });
  const [short, long, always] = [
    expiring(200, "short"),
    expiring(300, "long"),
    sample({ content: "always", tags: [["t", "x"]] }),
  ];
  for (const event of [short, long, always]) await store.event(event);
  now = 200;
  const filters = [{}, { ids: [short.id, long.id, always.id] }, { "#t": ["x"] }, { "#t": ["x", "y"] }, {
    kinds: [1],
    limit: 9,
  }];
  for (const filter of filters) {
    const found = await store.query([filter]);
    assertEquals(found.map((event) => event.content).sort(), ["always", "long"], JSON.stringify(filter));
    assertEquals((await store.count([filter])).count, 2);
    assertEquals((await Array.fromAsync(store.req([filter]))).length, 4);
  }
  assertEquals(
    (await store.query([{ limit: 2 }])).length,
    2,
    "an expired event takes no place under the limit",
  );
  await store.remove([{ ids: [short.id] }]);
  now = 100;
  assertEquals((await store.query([{ ids: [short.id] }])).length, 1);
});

onEachDatabase("NIP-40 removeExpired() removes at most `limit` of what has expired", async (db) => {
  let now = 100;
  const store = new EventStore(db.kysely, { now: () => now });
  for (let i = 0; i < 5; i++) await store.event(expiring(200 + i, `${i}`));
  await store.event(sample());
  assertEquals(await store.removeExpired(10), 0);
  now = 203;
  assertEquals(await store.removeExpired(3), 3);
  assertEquals(await store.removeExpired(3), 1);
  assertEquals(await store.removeExpired(3), 0);
  now = 100;
  assertEquals((await store.query([{}])).map((event) => event.content).sort(), ["", "4"]);
});

onEachDatabase("NIP-40 a newer version brings its own expiration", async (db) => {
  let now = 100;
  const store = new EventStore(db.kysely, { now: () => now });
  const version = (created_at: number, tags: string[][]) =>
    sample({ kind: 30018, created_at, tags: [["d", "x"], ...tags] });
  await store.event(version(1, [["expiration", "200"]]));
  await store.event(version(2, []));
  now = 300;
  assertEquals((await store.query([{ kinds: [30018] }])).length, 1);
});

onEachDatabase("a store of an open transaction is part of it", async (db) => {
  const event = sample({ tags: [["t", "x"]] });
  await assertRejects(
    () =>
      db.transaction(async (tx) => {
        const store = new EventStore(tx);
        await store.event(event);
        await store.event(sample({ kind: 5, tags: [["e", event.id]] }), { timeout: 60_000 });
        assertEquals((await store.query([{}])).length, 1);
        throw new Error("no");
      }),
    Error,
    "no",
  );
  assertEquals(await new EventStore(db.kysely).query([{}]), []);
});

Deno.test("S2 indexTags(), indexSearch() and shouldOrder() are as NPostgres has them", () => {
  const event = sample({
    content: "hello",
    tags: [["t", "a"], ["client", "b"], ["p", ""], ["p"], [], ["e", "x".repeat(199)], ["e", "x".repeat(200)]],
  });
  assertEquals(EventStore.indexTags(event), [["t", "a"], ["e", "x".repeat(199)]]);
  assertEquals(
    EventStore.indexSearch(sample({ kind: 1, content: "hello", tags: [["t", "a"], ["p", "b", "c"]] })),
    "hello a b",
  );
  assertEquals(EventStore.indexSearch(sample({ kind: 0, content: "x".repeat(2000) }))?.length, 1000);
  assertEquals(EventStore.indexSearch(sample({ kind: 30018, content: "hello" })), undefined);

  const authors = ["alex", "patrick", "shantaram"];
  const bounded = [
    { ids: ["1", "2", "3"] },
    { ids: ["1", "2", "3"], limit: 3 },
    { ids: ["1", "2", "3"], limit: 20 },
    { kinds: [0], authors: ["alex"] },
    { kinds: [0], authors, limit: 20 },
    { kinds: [0, 3], authors: ["alex"] },
    { kinds: [0, 3], authors, limit: 6 },
    { kinds: [30023], authors: ["alex"], "#d": ["x"] },
    { kinds: [30023], authors, "#d": ["x", "y"], limit: 6 },
    { ids: [] },
  ];
  const unbounded = [
    {},
    { ids: ["1", "2", "3"], limit: 2 },
    { kinds: [0], authors, limit: 1 },
    { kinds: [0, 3], authors, limit: 5 },
    { kinds: [0] },
    { kinds: [1], authors: ["alex"] },
    { kinds: [30023], authors: ["alex"] },
    { kinds: [0, 1], authors: ["alex"] },
    { kinds: [30023], "#d": ["x"] },
  ];
  for (const filter of bounded) assertEquals(EventStore.shouldOrder(filter), false, JSON.stringify(filter));
  for (const filter of unbounded) assertEquals(EventStore.shouldOrder(filter), true, JSON.stringify(filter));
});
