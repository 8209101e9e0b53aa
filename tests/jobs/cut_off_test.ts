import { assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { claim, freeAll, freeHolder } from "../../src/jobs/claims_store.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add } from "../support/jobs.ts";

const LEASE_MS = 30_000;
const DOUBLED = [0, 0, 0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, LEASE_MS, LEASE_MS];

/** Cuts a job off after each wait, and sees that it waits as long as that and no shorter. */
async function cutOff(
  database: Database,
  free: (holder: string, now: number) => Promise<unknown>,
): Promise<void> {
  const clock = new FakeClock();
  await add(database, clock, {});
  const take = (now: number) => {
    const wanted = [{ kind: "work", merchant: "", limit: 1, leaseMs: LEASE_MS }];
    return database.transaction((tx) => claim(tx, wanted, "gone", now));
  };
  let now = clock.now();
  assertEquals((await take(now)).length, 1);
  for (const wait of DOUBLED) {
    await free("gone", now);
    if (wait > 0) assertEquals(await take(now + wait - 1), [], `${wait - 1} ms`);
    now += wait;
    assertEquals((await take(now)).length, 1, `${wait} ms`);
  }
}

onEachDatabase(
  "a job that is cut off again and again waits, at most for its lease, so that its tries last",
  (database) => cutOff(database, (_, now) => database.transaction((tx) => freeAll(tx, now))),
);

onEachDatabase(
  "so does one whose process is gone beside others",
  (database) => cutOff(database, (holder, now) => database.transaction((tx) => freeHolder(tx, holder, now))),
);
