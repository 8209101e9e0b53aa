import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { forgetRates, takeTurn } from "../../src/messages/sender_rates_store.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";

const NOW = Date.UTC(2026, 0, 1);
const [merchant, sender] = ["aa".repeat(32), "bb".repeat(32)];

onEachDatabase(
  "a sender's bucket is full at first, refills evenly, and turns follow one another",
  async (database) => {
    const turns: number[] = [];
    for (const at of [0, 0, 0, 0, 500, 2_000, 60_000]) {
      const turn = await database.transaction((tx) =>
        takeTurn(tx, merchant, sender, { count: 2, perMs: 2_000 }, NOW + at)
      );
      turns.push(turn - NOW);
    }
    assertEquals(turns, [0, 0, 1_000, 2_000, 3_000, 4_000, 60_000]);
  },
);

Deno.test("however messages come, no more have their turn in a time than the rate allows, and nothing waits for less", async () => {
  await using database = await freshDatabase();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 25 }),
      fc.integer({ min: 1, max: 7 }),
      async (pauses, count) => {
        const rate = { count, perMs: 10_000 };
        const who = `sender ${++run}`;
        let at = NOW;
        const turns: number[] = [];
        for (const pause of pauses) {
          at += pause;
          turns.push(await database.transaction((tx) => takeTurn(tx, merchant, who, rate, at)));
        }
        const ideal = idealTurns(pauses, count, 10_000);
        // A thousandth of a message is the grain, and a millisecond may be lost by each message.
        const grain = rate.perMs / rate.count / 1000 + turns.length;
        const late = turns.map((turn, i) => turn - NOW - ideal[i]!);
        assertEquals(late.filter((ms) => ms < -1e-6 || ms > grain), []);
      },
    ),
    { numRuns: 50 },
  );
});

/** The same bucket without rounding. */
function idealTurns(pauses: number[], count: number, perMs: number): number[] {
  let tokens = count;
  let at = 0;
  return pauses.map((pause) => {
    at += pause;
    tokens = Math.min(count, tokens + pause * count / perMs) - 1;
    return tokens >= 0 ? at : at + -tokens * perMs / count;
  });
}

Deno.test("forgetRates() forgets who wasn't read for long, and nobody else", async () => {
  await using database = await freshDatabase();
  const rate = { count: 2, perMs: 2_000 };
  for (const [who, at] of [["old", NOW], ["new", NOW + 10]] as const) {
    await database.transaction((tx) => takeTurn(tx, merchant, who, rate, at));
  }
  await database.transaction((tx) => forgetRates(tx, NOW + 5));
  const rows = await database.kysely.selectFrom("sender_rates").select("sender").execute();
  assertEquals(rows.map((row) => row.sender), ["new"]);
});
