import { assertEquals, assertRejects } from "@std/assert";
import { behindFence, FENCED, fencedJobs, RestoreFence } from "../../src/app/restore_fence.ts";
import { fenceShop } from "../../src/app/restore.ts";
import { forgetRestore, REMEMBERED_MS } from "../../src/app/restore_report.ts";
import { writeRestore } from "../../src/app/restore_store.ts";
import { RetryLater, type RunningJob } from "../../src/jobs/runner.ts";
import { addSaid, wasRead } from "../../src/orders/said_before_store.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { onEachSharedDatabase } from "../support/databases.ts";
import { memoryDatabase } from "../support/database.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

const job = (kind: string) => ({ kind, payload: {} }) as RunningJob;

Deno.test("behind the fence only what books money runs; every other kind waits, without losing a try", async () => {
  const database = await memoryDatabase();
  const clock = new FakeClock();
  try {
    const fact = { restored_at: clock.now(), backup_at: 1, lifted_at: null };
    await database.transaction((tx) => writeRestore(tx, fact, clock.now()));
    const fence = await RestoreFence.load({ database, clock, log: silentLog });
    const ran: string[] = [];
    const kinds = [
      "payments.sweep",
      "reply.send",
      "invoice.create",
      "refund.pay",
      "catalog.publish",
      "new.kind",
    ];
    const handlers = fencedJobs(
      fence,
      Object.fromEntries(
        kinds.map((kind) => [kind, { run: (one) => Promise.resolve(void ran.push(one.kind)) }]),
      ),
    );
    for (const kind of kinds.slice(1)) {
      const error = await assertRejects(async () => await handlers[kind]!.run(job(kind)), RetryLater, FENCED);
      assertEquals((error as RetryLater).counts, false);
    }
    await handlers["payments.sweep"]!.run(job("payments.sweep"));
    assertEquals(ran, ["payments.sweep"]);

    let begun = 0;
    const service = behindFence(fence, {
      start: () => Promise.resolve(void begun++),
      stop: () => Promise.resolve(void begun--),
    });
    await service.start();
    assertEquals(begun, 0);
    await database.transaction(async (tx) => {
      await tx.insertInto("jobs").values({
        kind: "reply.send",
        key: "x",
        payload: "{}",
        state: "ready",
        run_at: clock.now() + 30_000,
        attempts: 0,
        max_attempts: 3,
        last_error: FENCED,
        created_at: 1,
      }).execute();
      await fence.lift(tx, clock.now());
    });
    await fence.look();
    assertEquals([fence.up, fence.any, begun], [false, true, 1]);
    const { run_at } = await database.kysely.selectFrom("jobs").select("run_at").executeTakeFirstOrThrow();
    assertEquals(run_at, clock.now());
    for (const kind of kinds.slice(1)) await handlers[kind]!.run(job(kind));
    assertEquals(ran, kinds);
    await service.stop();
    assertEquals(begun, 0);
  } finally {
    await database.close();
  }
});

Deno.test("where no backup was restored there is no fence and nothing to remember", async () => {
  const database = await memoryDatabase();
  try {
    const fence = await RestoreFence.load({ database, clock: new FakeClock(), log: silentLog });
    assertEquals([fence.up, fence.any], [false, false]);
  } finally {
    await database.close();
  }
});

Deno.test("what was said before the restore is forgotten a month after the fence was lifted", async () => {
  const database = await memoryDatabase();
  const clock = new FakeClock();
  try {
    const fact = { restored_at: 1, backup_at: 1, lifted_at: clock.now() };
    await database.transaction(async (tx) => {
      await writeRestore(tx, fact, 1);
      const said = { merchant: "m", customer: "c", event_id: "e", order_ref: null, kind: "other" as const };
      await addSaid(tx, [{ ...said, statement: "", bolt11: null, note: null, at_seconds: 1 }]);
    });
    const fence = await RestoreFence.load({ database, clock, log: silentLog });
    const month = fact.lifted_at + REMEMBERED_MS;
    assertEquals(await forgetRestore({ database, fence, now: month - 1 }), false);
    assertEquals([fence.any, await wasRead(database.kysely, "m", ["e"])], [true, true]);
    assertEquals(await forgetRestore({ database, fence, now: month }), true);
    assertEquals([fence.any, await wasRead(database.kysely, "m", ["e"])], [false, false]);
  } finally {
    await database.close();
  }
});

Deno.test("a service that is stopped behind the fence never begins", async () => {
  const database = await memoryDatabase();
  const clock = new FakeClock();
  try {
    const fact = { restored_at: 1, backup_at: 1, lifted_at: null };
    await database.transaction((tx) => writeRestore(tx, fact, 1));
    const fence = await RestoreFence.load({ database, clock, log: silentLog });
    let begun = 0;
    const service = behindFence(fence, {
      start: () => Promise.resolve(void begun++),
      stop: () => Promise.resolve(),
    });
    await service.start();
    await service.stop();
    await database.transaction((tx) => fence.lift(tx, 2));
    await fence.look();
    assertEquals(begun, 0);
  } finally {
    await database.close();
  }
});

onEachSharedDatabase(
  "`ncc restore --fence` puts the fence into a database that was restored by other means",
  async (shared) => {
    const url = shared.dialect === "sqlite" ? `sqlite:${shared.url}` : shared.url;
    const read = readSettings({ NCC_DATABASE_URL: url, NCC_DATA_DIR: "." }, () => "");
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    const clock = new FakeClock();
    const found = await fenceShop(read.settings, clock);
    assertEquals([found.kept, found.orders], [null, 0]);
    const database = await shared.open();
    const fence = await RestoreFence.load({ database, clock, log: silentLog });
    assertEquals([fence.up, fence.fact!.restored_at], [true, clock.now()]);
    await fence.start();
    // Another process lifts it: this one sees it by itself.
    const other = await RestoreFence.load({ database: await shared.open(), clock, log: silentLog });
    await database.transaction((tx) => other.lift(tx, clock.now()));
    while (fence.up) {
      await clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await fence.stop();
  },
);
