import { assertEquals } from "@std/assert";
import { listJobs } from "../../src/jobs/jobs_store.ts";
import { served, UNSERVED } from "../../src/jobs/served.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add, startRunner } from "../support/jobs.ts";

Deno.test("served() hands on what was found", () => {
  assertEquals(served("an identity"), "an identity");
});

onEachDatabase(
  "a job for a merchant who isn't served here waits for ever, soon at first, then a minute",
  async (db) => {
    const clock = new FakeClock();
    const began = clock.now();
    const looks: number[] = [];
    let identity: string | undefined = undefined;
    await using runner = await startRunner(db, clock, () => {
      looks.push((clock.now() - began) / 1000);
      served(identity);
      return Promise.resolve();
    });
    await add(db, clock, { maxAttempts: 1 });
    await runner.settled();
    for (const seconds of [2, 2, 4, 8, 16, 32, 60, 60]) {
      for (const ms of [seconds * 1_000 - 1, 1]) {
        await clock.advance(ms);
        await runner.settled();
      }
    }
    assertEquals(looks, [0, 2, 4, 8, 16, 32, 64, 124, 184]);
    const [waiting] = await listJobs(db.kysely, {}, { limit: 1 });
    assertEquals([waiting?.state, waiting?.attempts, waiting?.lastError], ["ready", 0, UNSERVED]);
    identity = "served";
    await clock.advance(60_000);
    await runner.settled();
    assertEquals(await listJobs(db.kysely, {}, { limit: 1 }), []);
  },
);
