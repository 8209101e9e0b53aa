import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { Database } from "../../src/db/database.ts";
import { KeyClockError, reserveAddressTime, reserveMessageTime } from "../../src/nostr/key_clock.ts";
import { onEachDatabase } from "../support/databases.ts";

const START = Date.UTC(2026, 0, 1);
const START_SECONDS = START / 1000;

const message = (
  db: Database,
  pubkey: string,
  o: { customer?: string; answers?: number; now?: number; count?: number } = {},
) =>
  db.transaction((tx) => reserveMessageTime(tx, { pubkey, customer: "alice", answers: 0, now: START, ...o }));
const address = (db: Database, pubkey: string, o: { d?: string; now?: number; atLeast?: number } = {}) =>
  db.transaction((tx) => reserveAddressTime(tx, { pubkey, kind: 30018, d: "mug", now: START, ...o }));

onEachDatabase("a message's time is later than all that a client may have seen", async (db) => {
  assertEquals(await message(db, "a"), START_SECONDS);
  assertEquals(await message(db, "a"), START_SECONDS + 1);
  assertEquals(await message(db, "a", { customer: "bob" }), START_SECONDS);
  assertEquals(await message(db, "a", { answers: START_SECONDS + 60 }), START_SECONDS + 61);
  assertEquals(await address(db, "a", { now: START + 90_000 }), START_SECONDS + 90);
  assertEquals(await message(db, "a", { customer: "bob" }), START_SECONDS + 91);
  assertEquals(await message(db, "b", { customer: "bob" }), START_SECONDS);
});

onEachDatabase("several messages get consecutive seconds", async (db) => {
  assertEquals(await message(db, "a", { count: 3 }), START_SECONDS);
  assertEquals(await message(db, "a"), START_SECONDS + 3);
});

onEachDatabase("an address's time is later than its other versions, and only than those", async (db) => {
  assertEquals(await address(db, "a"), START_SECONDS);
  assertEquals(await address(db, "a"), START_SECONDS + 1);
  assertEquals(await address(db, "a", { d: "cup" }), START_SECONDS);
  assertEquals(await address(db, "a", { atLeast: START_SECONDS + 60 }), START_SECONDS + 61);
});

onEachDatabase("more than 15 minutes ahead is refused, and nothing is reserved", async (db) => {
  await assertRejects(() => message(db, "a", { answers: START_SECONDS + 900 }), KeyClockError, "901 s ahead");
  await assertRejects(() => address(db, "a", { atLeast: START_SECONDS + 900 }), KeyClockError);
  assertEquals(await message(db, "a", { answers: START_SECONDS + 899 }), START_SECONDS + 900);
  assertEquals(await address(db, "a"), START_SECONDS);
});

onEachDatabase(
  "a message waits for a catalogue event whose transaction is open, and comes after it",
  async (db) => {
    await address(db, "a", { d: "cup" });
    const reserved = Promise.withResolvers<void>();
    const publishing = db.transaction(async (tx) => {
      const time = await reserveAddressTime(tx, { pubkey: "a", kind: 30018, d: "mug", now: START + 60_000 });
      reserved.resolve();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return time;
    });
    await reserved.promise;
    const answered = await message(db, "a");
    assertEquals(answered, await publishing + 1);
  },
);

onEachDatabase(
  "at the same time nobody gets a time twice, and messages come after the catalogue",
  async (db) => {
    const step = fc.record({
      what: fc.constantFrom("message" as const, "address" as const),
      who: fc.constantFrom("alice", "bob"),
      count: fc.integer({ min: 1, max: 3 }),
      lateMs: fc.integer({ min: 0, max: 5_000 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { maxLength: 4 }),
        async (rounds) => {
          const pubkey = `key${run++}`;
          const used = new Map<string, Set<number>>();
          let newestOfCatalog = 0;
          for (const round of rounds) {
            const before = newestOfCatalog;
            await Promise.all(round.map(async ({ what, who, count, lateMs }) => {
              const now = START + lateMs;
              const first = what === "message"
                ? await message(db, pubkey, { customer: who, now, count })
                : await address(db, pubkey, { d: who, now });
              assert(first >= Math.floor(now / 1000));
              if (what === "message") assert(first > before, "a message must be later than the catalogue");
              else newestOfCatalog = Math.max(newestOfCatalog, first);
              const times = used.get(what + who) ?? new Set();
              used.set(what + who, times);
              for (let i = 0; i < (what === "message" ? count : 1); i++) {
                assert(!times.has(first + i), "a time was given twice");
                times.add(first + i);
              }
            }));
          }
        },
      ),
      { numRuns: 40 },
    );
  },
);
