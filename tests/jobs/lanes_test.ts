import { assert, assertEquals } from "@std/assert";
import type { RunningJob } from "../../src/jobs/runner.ts";
import { findDue } from "../../src/jobs/claims_store.ts";
import { onEachDatabase, onEachSharedDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add, advanceUntil, startRunner, until } from "../support/jobs.ts";

/** Jobs of `stuck` never end before the gate opens; others end at once and are counted. */
function gated(...stuck: string[]) {
  const gate = Promise.withResolvers<void>();
  const running = new Map<string, number>();
  const done = new Map<string, number>();
  const count = (map: Map<string, number>, who: string, by = 1) => map.set(who, (map.get(who) ?? 0) + by);
  const run = async (job: RunningJob) => {
    const who = String(job.payload.who);
    if (stuck.includes(who)) {
      count(running, who);
      await gate.promise;
      count(running, who, -1);
    }
    count(done, who);
  };
  return { run, gate, running, done };
}

const jobs = (merchant: string, count: number, more = {}) =>
  Array.from({ length: count }, () => ({ merchant, payload: { who: merchant }, ...more }));

onEachDatabase(
  "one merchant's jobs that never end leave room for another's, however many wait before them",
  async (db) => {
    const clock = new FakeClock();
    const { run, gate, running, done } = gated("slow");
    await using runner = await startRunner(db, clock, { work: { concurrency: 4, run } });
    await add(db, clock, ...jobs("slow", 300, { runAt: clock.now() - 60_000 }));
    await until(() => running.get("slow") === 4);
    await add(db, clock, ...jobs("quick", 50));
    await until(() => done.get("quick") === 50, "the other merchant's jobs");
    assertEquals(running.get("slow"), 4);
    gate.resolve();
    await runner.settled();
    assertEquals([...done], [["quick", 50], ["slow", 300]]);
  },
);

onEachDatabase("many merchants whose jobs never end don't keep out one more", async (db) => {
  const clock = new FakeClock();
  const stuck = Array.from({ length: 6 }, (_, n) => `slow ${n}`);
  const { run, gate, running, done } = gated(...stuck);
  await using runner = await startRunner(db, clock, { work: { concurrency: 4, run } });
  await add(db, clock, ...stuck.slice(0, 3).flatMap((one) => jobs(one, 20)));
  await until(() => stuck.slice(0, 3).every((one) => running.get(one) === 4));
  await add(db, clock, ...stuck.slice(3).flatMap((one) => jobs(one, 20)));
  await until(() => stuck.slice(3).every((one) => running.get(one) === 1));
  await add(db, clock, ...jobs("quick", 5));
  await until(() => done.get("quick") === 5, "the other merchant's jobs");
  assertEquals(stuck.map((one) => running.get(one)), [4, 4, 4, 1, 1, 1]);
  gate.resolve();
  await runner.settled();
  assertEquals(stuck.map((one) => done.get(one)), Array(6).fill(20));
});

onEachSharedDatabase(
  "each process keeps its own room, and a job waits for its time beside full lanes",
  async (shared) => {
    const databases = [await shared.open(), await shared.open()];
    const db = databases[0]!;
    const clock = new FakeClock();
    const { run, gate, running, done } = gated("slow");
    const start = (n: number) =>
      startRunner(databases[n]!, clock, { work: { concurrency: 2, run } }, { holder: `process ${n}` });
    await using _one = await start(0);
    await using _two = await start(1);
    await add(db, clock, ...jobs("slow", 30));
    await advanceUntil(clock, () => running.get("slow") === 4, "both processes' share");
    await add(db, clock, ...jobs("quick", 20, { runAt: clock.now() + 1_000 }));
    const from = clock.now();
    await clock.advance(900);
    assertEquals(done.get("quick"), undefined);
    await advanceUntil(clock, () => done.get("quick") === 20, "the other merchant's jobs");
    assert(clock.now() - from <= 2_500, `${clock.now() - from} ms`);
    gate.resolve();
    await advanceUntil(clock, () => done.get("slow") === 30);
  },
);

onEachDatabase(
  "findDue() answers each lane once with its oldest, and when the next one's time comes",
  async (db) => {
    const clock = new FakeClock();
    const at = (merchant: string, kind: string, ms: number) => ({ merchant, kind, runAt: clock.now() + ms });
    await add(
      db,
      clock,
      ...[
        at("b", "work", -5),
        at("a", "work", -2),
        at("b", "work", -9),
        at("c", "work", 40),
        at("", "work", 0),
      ],
      ...[at("a", "other", 30), at("a", "foreign", -50)],
    );
    const { lanes, next } = await findDue(db, ["work", "other"], clock.now());
    assertEquals(
      lanes.map(({ kind, merchant, at }) => [kind, merchant, at - clock.now()]).sort(),
      [["work", "", 0], ["work", "a", -2], ["work", "b", -9]],
    );
    assertEquals(next! - clock.now(), 30);
  },
);
