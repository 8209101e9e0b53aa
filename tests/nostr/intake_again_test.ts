import { assertEquals } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { testPool, until } from "../support/wire.ts";
import { caughtUp, count, intakeOf, message } from "./intake_harness.ts";

Deno.test("catchUpAgain() brings what was shed meanwhile, on the same connection", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  let later = 0;
  const setup = { clock: { ...systemClock, now: () => systemClock.now() + later } };
  relay.events.push(message({ text: "1" }), message({ text: "2" }));
  await using intake = await intakeOf(db, pool, [relay], setup);
  await until(async () => await count(db) === 2);
  await caughtUp(intake);
  await db.kysely.deleteFrom("inbox").execute();
  // For a minute an id that was seen is known without asking.
  later = 60_001;
  intake.catchUpAgain();
  await until(async () => await count(db) === 2);
  await caughtUp(intake);
  const { restarts, error } = intake.status().relays[0]!;
  assertEquals([restarts, error, relay.connections], [1, null, 1]);
});
