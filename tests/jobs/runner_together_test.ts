import { assert, assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { listJobs } from "../../src/jobs/jobs_store.ts";
import { LeaseLostError, type RunningJob } from "../../src/jobs/runner.ts";
import { onEachDatabase, onEachSharedDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add, advanceUntil, startRunner, until } from "../support/jobs.ts";
import { recordingLog } from "../support/log.ts";

async function left(db: Database) {
  return (await listJobs(db.kysely, {}, { limit: 1000 })).reverse();
}

onEachSharedDatabase("two runners share the work, each job run once", async (shared) => {
  const databases = [await shared.open(), await shared.open()];
  const clock = new FakeClock();
  const runs = new Map<number, string[]>();
  const work = (holder: string) => async (job: RunningJob) => {
    runs.set(job.id, [...runs.get(job.id) ?? [], holder]);
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await using _first = await startRunner(databases[0]!, clock, work("first"), { holder: "first" });
  await using _second = await startRunner(databases[1]!, clock, work("second"), { holder: "second" });
  await add(databases[0]!, clock, ...Array.from({ length: 200 }, (_, n) => ({ payload: { n } })));
  // On SQLite a commit wakes nobody behind another handle: the second runner looks when time passes.
  await advanceUntil(clock, async () => (await left(databases[0]!)).length === 0, "all jobs");
  assertEquals(runs.size, 200);
  assert([...runs.values()].every((holders) => holders.length === 1), "a job ran twice");
  const by = [...runs.values()].flat();
  assert(by.includes("first") && by.includes("second"), "one of them did everything");
});

onEachDatabase("a long job's lease is renewed, so that nobody takes it over", async (db) => {
  const clock = new FakeClock();
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const work = () => {
    runs++;
    return gate.promise;
  };
  await using first = await startRunner(db, clock, work, { holder: "first" });
  await add(db, clock, {});
  await until(() => runs === 1);
  await using second = await startRunner(db, clock, work, { holder: "second" });
  const remaining = async () => {
    const { lease_until } = await db.kysely.selectFrom("jobs").select("lease_until")
      .executeTakeFirstOrThrow();
    return lease_until! - clock.now();
  };
  for (let i = 0; i < 4; i++) {
    clock.jump(9_000);
    await advanceUntil(clock, async () => await remaining() > 25_000, "the renewal");
  }
  assertEquals(runs, 1);
  gate.resolve();
  await first.settled();
  await second.settled();
  assertEquals([runs, await left(db)], [1, []]);
});

onEachDatabase("a dead process's job is taken over; if it was only asleep it can't complete", async (db) => {
  const clock = new FakeClock();
  // A clock that never wakes its sleeper is what a stalled process has.
  const stalled = new FakeClock(clock.now());
  const gate = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<unknown>();
  const lost = await startRunner(db, stalled, async (job) => {
    await gate.promise;
    try {
      await db.transaction(async (tx) => {
        await tx.insertInto("bans").values({ merchant: "m", pubkey: "by the lost one", created_at: 1 })
          .execute();
        await job.complete(tx);
      });
    } catch (error) {
      outcome.resolve(error);
      throw error;
    }
  }, { holder: "lost" });
  await add(db, clock, {});
  await until(async () => (await left(db))[0]?.state === "running");

  const attempts: number[] = [];
  await using heir = await startRunner(db, clock, (job) => {
    attempts.push(job.attempt);
    gate.resolve();
    return outcome.promise.then(() => {});
  }, { holder: "heir" });
  await heir.settled();
  await clock.advance(29_900);
  await until(async () => (await left(db))[0]?.state === "running");
  assertEquals(attempts, []);
  await advanceUntil(clock, () => attempts.length > 0, "the take-over");
  assert(await outcome.promise instanceof LeaseLostError);
  await heir.settled();
  await lost.stop();
  assertEquals(attempts, [2]);
  assertEquals(await left(db), []);
  assertEquals(await db.kysely.selectFrom("bans").selectAll().execute(), []);
});

onEachDatabase("a handler is told when its job was taken over", async (db) => {
  const clock = new FakeClock();
  const told = Promise.withResolvers<unknown>();
  await using runner = await startRunner(db, clock, async (job) => {
    await db.transaction((tx) => tx.updateTable("jobs").set({ lease_by: "another", attempts: 2 }).execute());
    job.signal.addEventListener("abort", () => told.resolve(job.signal.reason));
    await told.promise;
    throw new Error("broken off");
  });
  await add(db, clock, {});
  await until(async () => (await left(db))[0]?.attempts === 2);
  let heard = false;
  told.promise.then(() => heard = true);
  await advanceUntil(clock, () => heard);
  assert(await told.promise instanceof LeaseLostError);
  await runner.stop();
  assertEquals((await left(db)).map((job) => [job.state, job.attempts]), [["running", 2]]);
});

onEachDatabase("a job that ends the process each time is dead at last", async (db) => {
  const clock = new FakeClock();
  await add(db, clock, { maxAttempts: 2 });
  await db.transaction((tx) =>
    tx.updateTable("jobs").set({ state: "running", attempts: 2, lease_by: "ended", lease_until: clock.now() })
      .execute()
  );
  let runs = 0;
  await using runner = await startRunner(db, clock, () => Promise.resolve(void runs++));
  await runner.settled();
  assertEquals(runs, 0);
  assertEquals((await left(db)).map((job) => [job.state, job.lastError]), [
    ["dead", "the program ended during each of its tries"],
  ]);
});

onEachDatabase("stop() waits for what runs, and begins nothing more", async (db) => {
  const clock = new FakeClock();
  const gate = Promise.withResolvers<void>();
  let ended = 0, begun = 0;
  const runner = await startRunner(db, clock, {
    work: {
      concurrency: 2,
      run: async () => {
        begun++;
        await gate.promise;
        ended++;
      },
    },
  });
  await add(db, clock, {}, {}, {}, {});
  await until(() => begun === 2);
  const stopping = runner.stop().then(() => ended);
  await add(db, clock, {});
  gate.resolve();
  assertEquals(await stopping, 2);
  assertEquals((await left(db)).map((job) => [job.state, job.attempts]), [["ready", 0], ["ready", 0], [
    "ready",
    0,
  ]]);
});

onEachDatabase("stop() gives back what was claimed but not begun", async (db) => {
  const clock = new FakeClock();
  let begun = 0;
  await add(db, clock, {}, {}, {});
  const runner = await startRunner(db, clock, () => Promise.resolve(void begun++));
  await runner.stop();
  assertEquals([begun, (await left(db)).map((job) => [job.state, job.attempts])], [
    0,
    Array(3).fill(["ready", 0]),
  ]);
});

onEachDatabase("stop() breaks off what takes longer than 5 s, and no try is lost", async (db) => {
  const clock = new FakeClock();
  let begun = 0;
  const runner = await startRunner(db, clock, (job) => {
    begun++;
    return new Promise((_, reject) => job.signal.addEventListener("abort", () => reject(job.signal.reason)));
  });
  await add(db, clock, {});
  await until(() => begun === 1);
  const stopping = runner.stop();
  await clock.advance(5_000);
  await stopping;
  assertEquals((await left(db)).map((job) => [job.state, job.attempts, job.lastError]), [["ready", 0, null]]);
});

onEachDatabase("a fault of the database is logged and survived", async (db) => {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  let broken = true;
  const flaky = new Proxy(db, {
    get: (target, name) => {
      if (name === "transaction" && broken) return () => Promise.reject(new Error("connection lost"));
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  let runs = 0;
  await using runner = await startRunner(flaky, clock, () => Promise.resolve(void runs++), { log });
  await add(db, clock, {});
  await until(() => lines.some((line) => line.event === "jobs can't be read"));
  broken = false;
  await clock.advance(1_000);
  await runner.settled();
  assertEquals(runs, 1);
});
