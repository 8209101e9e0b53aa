import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { Database } from "../../src/db/database.ts";
import { claim, finish, putBack } from "../../src/jobs/claims_store.ts";
import { listJobs } from "../../src/jobs/jobs_store.ts";
import { onEachDatabase, onPostgres } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add } from "../support/jobs.ts";

const clock = new FakeClock(1_000_000);

/** What waits, oldest first. */
async function waiting(db: Database): Promise<[string | null, unknown, number][]> {
  const jobs = await listJobs(db.kysely, { state: "ready" }, { limit: 100 });
  return jobs.reverse().map((job) => [job.key, job.payload.n, job.runAt - clock.now()]);
}

function take(db: Database, holder = "me", limit = 10) {
  return db.transaction((tx) =>
    claim(tx, [{ kind: "work", merchant: "", limit, leaseMs: 1000 }], holder, clock.now())
  );
}

onEachDatabase("enqueue() is part of its transaction", async (db) => {
  await assertRejects(() => add(db, clock, { payload: { n: 1 } }, { payload: { n: 2n } as never }));
  assertEquals(await waiting(db), []);
});

onEachDatabase("of one key one job waits: the newest payload at the earliest time", async (db) => {
  await add(db, clock, { key: "a", payload: { n: 1 }, runAt: clock.now() + 50 }, {
    key: "b",
    payload: { n: 9 },
  });
  await add(db, clock, { key: "a", payload: { n: 2 }, runAt: clock.now() + 20 });
  await add(db, clock, { key: "a", payload: { n: 3 }, runAt: clock.now() + 90 });
  assertEquals(await waiting(db), [["a", 3, 20], ["b", 9, 0]]);
});

onEachDatabase("jobs without a key are never merged, and neither are those of another kind", async (db) => {
  await add(db, clock, {}, {}, { key: "a" }, { key: "a", kind: "other" });
  assertEquals((await waiting(db)).length, 4);
});

onEachDatabase("a job asked for while one of its key runs waits until that has ended", async (db) => {
  await add(db, clock, { key: "a", payload: { n: 1 } });
  const [running] = await take(db);
  await add(db, clock, { key: "a", payload: { n: 2 } });
  assertEquals(await take(db), []);
  assertEquals(await db.transaction((tx) => finish(tx, running!, "me")), true);
  assertEquals((await take(db)).map((one) => one.payload), ['{"n":2}']);
});

onEachDatabase("a failed job gives way to a newer one of its key", async (db) => {
  await add(db, clock, { key: "a", payload: { n: 1 } });
  const [running] = await take(db);
  await add(db, clock, { key: "a", payload: { n: 2 }, runAt: clock.now() + 7 });
  assertEquals(await db.transaction((tx) => putBack(tx, running!, "me", { runAt: clock.now() + 1 })), true);
  assertEquals(await waiting(db), [["a", 2, 7]]);
});

onEachDatabase("a new request for a job that has failed often gives it all its tries again", async (db) => {
  await add(db, clock, { key: "a", maxAttempts: 3 });
  for (let i = 0; i < 2; i++) {
    const [one] = await take(db);
    await db.transaction((tx) => putBack(tx, one!, "me", { runAt: clock.now() }));
  }
  await add(db, clock, { key: "a", maxAttempts: 3 });
  const [job] = await listJobs(db.kysely, {}, { limit: 1 });
  assertEquals([job!.attempts, job!.maxAttempts], [2, 5]);
});

onEachDatabase("claim() takes what is due of each kind, the oldest first, up to its limit", async (db) => {
  const at = (n: number, kind = "work") => ({ kind, payload: { n }, runAt: clock.now() + n });
  await add(db, clock, at(-1), at(1), at(-3), at(-2), at(-9, "other"), at(-8, "other"), at(-9, "foreign"));
  const claims = await db.transaction((tx) =>
    claim(
      tx,
      [{ kind: "work", merchant: "", limit: 2, leaseMs: 1 }, {
        kind: "other",
        merchant: "",
        limit: 1,
        leaseMs: 1,
      }],
      "me",
      clock.now(),
    )
  );
  assertEquals(claims.map((one) => one.payload).sort(), ['{"n":-2}', '{"n":-3}', '{"n":-9}']);
  assertEquals(claims.every((one) => one.attempts === 1), true);
});

onEachDatabase("claim() takes over what another's lease has run out on, within the limit", async (db) => {
  await add(db, clock, { payload: { n: 1 } });
  const [mine] = await take(db, "me");
  await add(db, clock, { payload: { n: 2 } });
  assertEquals((await take(db, "you", 1)).map((one) => one.payload), ['{"n":2}']);
  clock.jump(1000);
  await add(db, clock, { payload: { n: 3 } });
  const taken = await take(db, "you", 1);
  assertEquals(taken.length, 1);
  const all = [...taken, ...await take(db, "you", 10)];
  assertEquals(all.map((one) => [one.payload, one.attempts]).sort(), [['{"n":1}', 2], ['{"n":2}', 2], [
    '{"n":3}',
    1,
  ]]);
  assertEquals(await db.transaction((tx) => finish(tx, mine!, "me")), false);
  assertEquals(await db.transaction((tx) => putBack(tx, mine!, "me", { runAt: 0 })), false);
});

onPostgres("many who claim at once never get the same job", async (shared) => {
  const db = await shared.open();
  await add(db, clock, ...Array.from({ length: 60 }, (_, n) => ({ payload: { n } })));
  const claims = (await Promise.all(Array.from({ length: 9 }, (_, i) => take(db, `holder ${i}`, 7)))).flat();
  assertEquals(new Set(claims.map((one) => one.id)).size, claims.length);
  assertEquals(claims.length + (await take(db, "last", 60)).length, 60);
});

onEachDatabase("the queue behaves like its model (property)", async (db) => {
  const command = fc.oneof(
    fc.record({
      op: fc.constant("add" as const),
      key: fc.constantFrom("a", "b", null),
      n: fc.nat(9),
      delay: fc.nat(3),
    }),
    fc.record({ op: fc.constant("claim" as const), limit: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ op: fc.constant("finish" as const) }),
    fc.record({ op: fc.constant("fail" as const), delay: fc.nat(3) }),
    fc.record({ op: fc.constant("tick" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      await db.transaction((tx) => tx.deleteFrom("jobs").execute());
      let ready: { key: string | null; n: number; at: number }[] = [];
      const running: { key: string | null; n: number; claim: Awaited<ReturnType<typeof take>>[number] }[] =
        [];
      for (const one of commands) {
        if (one.op === "add") {
          const at = clock.now() + one.delay;
          await add(db, clock, { ...(one.key && { key: one.key }), payload: { n: one.n }, runAt: at });
          const same = ready.find((job) => job.key !== null && job.key === one.key);
          if (same) Object.assign(same, { n: one.n, at: Math.min(same.at, at) });
          else ready.push({ key: one.key, n: one.n, at });
        } else if (one.op === "claim") {
          const free = ready.filter((job) =>
            job.at <= clock.now() && (job.key === null || !running.some((other) => other.key === job.key))
          ).sort((a, b) => a.at - b.at);
          const claims = await take(db, "me", one.limit);
          assertEquals(claims.length, Math.min(free.length, one.limit));
          for (const claim of claims) {
            const n = JSON.parse(claim.payload).n;
            const { key, run_at: at } = await db.kysely.selectFrom("jobs").select(["key", "run_at"]).where(
              "id",
              "=",
              claim.id,
            )
              .executeTakeFirstOrThrow();
            const job = ready.find((job) => job.n === n && job.key === key && job.at === at)!;
            assert(job.at <= free[claims.length - 1]!.at, "an older one was left behind");
            ready = ready.filter((other) => other !== job);
            running.push({ key, n, claim });
          }
        } else if (one.op === "finish") {
          const job = running.shift();
          if (job) assertEquals(await db.transaction((tx) => finish(tx, job.claim, "me")), true);
        } else if (one.op === "fail") {
          const job = running.shift();
          if (!job) continue;
          const at = clock.now() + one.delay;
          await db.transaction((tx) => putBack(tx, job.claim, "me", { runAt: at }));
          if (job.key === null || !ready.some((other) => other.key === job.key)) {
            ready.push({ key: job.key, n: job.n, at });
          }
        } else clock.jump(1);
        const rows = await db.kysely.selectFrom("jobs").select(["key", "payload", "run_at"]).where(
          "state",
          "=",
          "ready",
        ).execute();
        const sorted = (list: unknown[]) => list.map((job) => JSON.stringify(job)).sort();
        assertEquals(
          sorted(rows.map((row) => [row.key, JSON.parse(row.payload).n, row.run_at])),
          sorted(ready.map((job) => [job.key, job.n, job.at])),
        );
      }
      // Leases of one run mustn't run out in the next.
      clock.jump(1);
    }),
    { numRuns: db.dialect === "sqlite" ? 100 : 15 },
  );
});
