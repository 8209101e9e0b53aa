import { assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { listJobs, retryJob } from "../../src/jobs/jobs_store.ts";
import { GiveUp, RetryLater } from "../../src/jobs/runner.ts";
import { onEachDatabase, onEachSharedDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add, startRunner, until } from "../support/jobs.ts";
import { recordingLog } from "../support/log.ts";

async function left(db: Database) {
  return (await listJobs(db.kysely, {}, { limit: 1000 })).reverse();
}

onEachDatabase("a job runs after the commit that asks for it, and is gone when it is done", async (db) => {
  const clock = new FakeClock();
  const seen: unknown[] = [];
  await using runner = await startRunner(
    db,
    clock,
    (job) => Promise.resolve(void seen.push([job.kind, job.payload, job.attempt])),
  );
  await runner.settled();
  await add(db, clock, { payload: { order: "1" } });
  await runner.settled();
  assertEquals(seen, [["work", { order: "1" }, 1]]);
  assertEquals(await left(db), []);
});

onEachDatabase("the commit wakes a sleeping runner", async (db) => {
  const clock = new FakeClock();
  const ran = Promise.withResolvers<void>();
  await using runner = await startRunner(db, clock, () => Promise.resolve(ran.resolve()));
  await runner.settled();
  await add(db, clock, {});
  await ran.promise;
});

onEachSharedDatabase("without a wake-up the runner finds a job by itself within 250 ms", async (shared) => {
  const [db, other] = [await shared.open(), await shared.open()];
  const clock = new FakeClock();
  let runs = 0;
  await using runner = await startRunner(db, clock, () => Promise.resolve(void runs++));
  await runner.settled();
  await other.kysely.insertInto("jobs").values({
    kind: "work",
    payload: "{}",
    state: "ready",
    run_at: clock.now(),
    attempts: 0,
    max_attempts: 1,
    created_at: 0,
  }).execute();
  await clock.advance(249);
  assertEquals(runs, 0);
  await clock.advance(1);
  await until(() => runs === 1, "the poll");
});

onEachDatabase("a job waits for its time, to the millisecond", async (db) => {
  const clock = new FakeClock();
  const ran: number[] = [];
  const start = clock.now();
  await using runner = await startRunner(
    db,
    clock,
    () => Promise.resolve(void ran.push(clock.now() - start)),
  );
  await add(db, clock, { runAt: start + 90 });
  await runner.settled();
  assertEquals(ran, []);
  await clock.advance(89);
  await runner.settled();
  assertEquals(ran, []);
  await clock.advance(1);
  await until(() => ran.length === 1);
  assertEquals(ran, [90]);
});

onEachDatabase("complete() makes a job's effect and its end one fact", async (db) => {
  const clock = new FakeClock();
  let runs = 0;
  await using runner = await startRunner(db, clock, (job) =>
    db.transaction(async (tx) => {
      await tx.insertInto("bans").values({ merchant: "m", pubkey: `run ${++runs}`, created_at: 1 }).execute();
      await job.complete(tx);
      if (runs === 1) throw new Error("after all not");
    }));
  await add(db, clock, {});
  await runner.settled();
  assertEquals((await left(db)).map((job) => [job.state, job.lastError]), [["ready", "after all not"]]);
  await clock.advance(1000);
  await runner.settled();
  assertEquals(await left(db), []);
  assertEquals((await db.kysely.selectFrom("bans").select("pubkey").execute()).map((row) => row.pubkey), [
    "run 2",
  ]);
});

onEachDatabase(
  "a job that fails waits 1, 2, 4 … s, at most 5 min, and is dead after its last try",
  async (db) => {
    const clock = new FakeClock();
    const tries: number[] = [];
    const dead: unknown[] = [];
    const { log, lines } = recordingLog();
    await using runner = await startRunner(db, clock, {
      work: {
        run: () => {
          tries.push(clock.now());
          return Promise.reject(new Error("the wallet is away"));
        },
        onDead: async (tx, payload, error) => {
          dead.push([payload, error]);
          await tx.insertInto("bans").values({ merchant: "m", pubkey: "dead", created_at: 1 }).execute();
        },
      },
    }, { log });
    await add(db, clock, { payload: { n: 1 }, maxAttempts: 11 });
    for (;;) {
      await runner.settled();
      const [job] = await left(db);
      if (job!.state === "dead") break;
      clock.jump(job!.runAt - clock.now());
    }
    const waits = tries.slice(1).map((at, i) => (at - tries[i]!) / 1000);
    assertEquals(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    assertEquals(dead, [[{ n: 1 }, "the wallet is away"]]);
    assertEquals((await db.kysely.selectFrom("bans").selectAll().execute()).length, 1);
    assertEquals(lines.filter((line) => line.level === "error").map((line) => line.event), ["job is dead"]);

    const [job] = await left(db);
    assertEquals(await db.transaction((tx) => retryJob(tx, job!.id, clock.now())), { ok: true });
    await runner.settled();
    assertEquals(tries.length, 12);
    assertEquals(await db.transaction((tx) => retryJob(tx, job!.id, clock.now())), {
      ok: false,
      reason: "not dead",
    });
    assertEquals(await db.transaction((tx) => retryJob(tx, 12345, clock.now())), {
      ok: false,
      reason: "unknown",
    });
  },
);

onEachDatabase("what waits for somebody's decision uses up no tries", async (db) => {
  const clock = new FakeClock();
  let waits = 0;
  await using runner = await startRunner(db, clock, () => {
    if (waits++ < 30) throw new RetryLater("not decided", 15_000, false);
    return Promise.resolve();
  });
  await add(db, clock, { maxAttempts: 1 });
  for (let i = 0; i < 31; i++) {
    await runner.settled();
    clock.jump(15_000);
  }
  assertEquals([waits, await left(db)], [31, []]);
});

onEachDatabase("RetryLater says when, and GiveUp that there is no use", async (db) => {
  const clock = new FakeClock();
  await using runner = await startRunner(db, clock, {
    later: { run: () => Promise.reject(new RetryLater("not yet", 77_000)) },
    never: { run: () => Promise.reject(new GiveUp("no such order")) },
  });
  await add(db, clock, { kind: "later" }, { kind: "never" });
  await runner.settled();
  assertEquals((await left(db)).map((job) => [job.kind, job.state, job.runAt - clock.now(), job.lastError]), [
    ["later", "ready", 77_000, "not yet"],
    ["never", "dead", 0, "no such order"],
  ]);
});

onEachDatabase("a job isn't dead while onDead fails", async (db) => {
  const clock = new FakeClock();
  let failing = true;
  await using runner = await startRunner(db, clock, {
    work: {
      run: () => Promise.reject(new GiveUp("no use")),
      onDead: () => failing ? Promise.reject(new Error("not now")) : Promise.resolve(),
    },
  });
  await add(db, clock, {});
  await runner.settled();
  assertEquals((await left(db))[0]!.state, "running");
  failing = false;
  clock.jump(30_000);
  await runner.settled();
  assertEquals((await left(db))[0]!.state, "dead");
});

onEachDatabase("jobs that always fail don't hold up the others", async (db) => {
  const clock = new FakeClock();
  const done = new Set<unknown>();
  await using runner = await startRunner(db, clock, (job) => {
    if (job.payload.poison) return Promise.reject(new Error("poison"));
    done.add(job.payload.n);
    return Promise.resolve();
  });
  const poison = Array.from({ length: 40 }, () => ({ payload: { poison: true } }));
  await add(db, clock, ...poison, ...Array.from({ length: 40 }, (_, n) => ({ payload: { n } })));
  await runner.settled();
  assertEquals(done.size, 40);
  assertEquals((await left(db)).length, 40);
});

onEachDatabase(
  "as many of a kind run at once as its handler allows, and a full kind doesn't hold up another",
  async (db) => {
    const clock = new FakeClock();
    const gate = Promise.withResolvers<void>();
    let running = 0, most = 0, quick = 0;
    await using runner = await startRunner(db, clock, {
      slow: {
        concurrency: 3,
        run: async () => {
          most = Math.max(most, ++running);
          await gate.promise;
          running--;
        },
      },
      quick: { run: () => Promise.resolve(void quick++) },
    });
    await add(db, clock, ...Array.from({ length: 10 }, () => ({ kind: "slow" })));
    await until(() => running === 3);
    await add(db, clock, ...Array.from({ length: 20 }, () => ({ kind: "quick" })));
    await until(() => quick === 20, "the quick jobs");
    gate.resolve();
    await runner.settled();
    assertEquals(most, 3);
    assertEquals(await left(db), []);
  },
);
