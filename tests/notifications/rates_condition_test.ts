import { assertEquals } from "@std/assert";
import { Lease } from "../../src/jobs/lease.ts";
import { raised } from "../../src/notifications/conditions_store.ts";
import { ConditionsWatcher, type Observation } from "../../src/notifications/conditions_watcher.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

const merchant = "a".repeat(64);
const of = (name: string, up: boolean | null): Observation => ({
  merchant,
  name,
  up,
  detail: "no source has a price",
  kinds: { down: "rates_down", up: "rates_up" },
});

for (const name of ["rates", "medusa"]) {
  Deno.test(`${name}: what is needed no more is out of order no more, and nobody is told that it is back`, async () => {
    await using database = await freshDatabase();
    const clock = new FakeClock();
    const lease = new Lease({
      database,
      clock,
      log: silentLog,
      name: "conditions",
      holder: "one",
      ttlMs: 20_000,
    });
    let seen = [of("wallet", true), of(name, null)];
    const watcher = new ConditionsWatcher({ database, clock, log: silentLog, lease, observe: () => seen });
    await watcher.start();
    const passes = async (seconds: number) => {
      for (let passed = 0; passed < seconds; passed += 5) {
        await clock.asleep();
        await clock.advance(5_000);
      }
      await clock.asleep();
      return (await raised(database.kysely)).map(({ name }) => name);
    };
    // While nobody knows, nothing is said.
    assertEquals(await passes(120), []);
    seen = [of("wallet", true), of(name, false)];
    assertEquals(await passes(55), []);
    assertEquals(await passes(15), [name]);
    seen = [of("wallet", true)];
    assertEquals(await passes(10), []);
    const jobs = await database.kysely.selectFrom("jobs").select("payload").where("kind", "=", "owners.tell")
      .execute();
    assertEquals(jobs.map(({ payload }) => JSON.parse(payload).kind), ["rates_down"]);
    await watcher.stop();
  });
}
