import { assertEquals, assertRejects } from "@std/assert";
import { AlreadyRunningError, SoleProcess } from "../../src/app/sole_process.ts";
import { backUpSqlite } from "../../src/db/backup.ts";
import { Lease } from "../../src/jobs/lease.ts";
import { listJobs } from "../../src/jobs/jobs_store.ts";
import { sqliteFile } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add, startRunner } from "../support/jobs.ts";
import { silentLog } from "../support/log.ts";

Deno.test("what a process had reserved that is gone is free as soon as the next one starts", async () => {
  await using shared = await sqliteFile();
  const [before, after] = [await shared.open(), await shared.open()];
  const clock = new FakeClock();
  const lease = (database: typeof before, holder: string) =>
    new Lease({ database, clock, log: silentLog, name: "inbox", holder });
  assertEquals(await lease(before, "crashed").acquire(), true);
  await add(before, clock, { payload: { n: 1 } });
  const hung = Promise.withResolvers<void>();
  await using crashed = await startRunner(before, clock, () => hung.promise, { holder: "crashed" });
  while ((await listJobs(after.kysely, { state: "running" }, { limit: 1 })).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(await lease(after, "next").acquire(), false);

  const sole = new SoleProcess({ database: after, clock, log: silentLog, settings: settingsFor(shared.url) });
  await sole.start();
  assertEquals(await lease(after, "next").acquire(), true);
  const done: unknown[] = [];
  await using next = await startRunner(after, clock, (job) => Promise.resolve(void done.push(job.payload)), {
    holder: "next",
  });
  await next.settled();
  assertEquals(done, [{ n: 1 }]);

  hung.resolve();
  await crashed.settled();
  await sole.stop();
});

Deno.test("a second process on the same file is told so, until the first has ended", async () => {
  await using shared = await sqliteFile();
  const settings = settingsFor(shared.url);
  const parts = { database: await shared.open(), clock: new FakeClock(), log: silentLog, settings };
  const [first, second] = [new SoleProcess(parts), new SoleProcess(parts)];
  await first.start();
  await assertRejects(() => second.start(), AlreadyRunningError, "Stop it first");
  await first.stop();
  await second.start();
  await second.stop();
});

Deno.test("a start whose file was replaced meanwhile, as a restore does, serves neither, and leaves it to the next", async () => {
  await using shared = await sqliteFile();
  const parts = { clock: new FakeClock(), log: silentLog, settings: settingsFor(shared.url) };
  const before = new SoleProcess({ ...parts, database: await shared.open() });
  const restored = `${shared.url}.restored`;
  await backUpSqlite(await shared.open(), restored);
  await Deno.rename(restored, shared.url);
  await assertRejects(() => before.start(), AlreadyRunningError, "was replaced while this start opened it");
  const after = new SoleProcess({ ...parts, database: await shared.open() });
  await after.start();
  await after.stop();
});

function settingsFor(path: string) {
  return { NCC_DATABASE_URL: `sqlite:${path}`, NCC_DATA_DIR: "/nowhere" };
}
