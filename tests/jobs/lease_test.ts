import { assertEquals, assertRejects } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { assertHeld, Lease, LeaseLostError } from "../../src/jobs/lease.ts";
import { onEachDatabase, onPostgres } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

function leases(database: Database, clock: FakeClock) {
  const of = (holder: string) => new Lease({ database, clock, log: silentLog, name: "publisher", holder });
  return { mine: of("me"), yours: of("you") };
}

onEachDatabase("one holds a lease, until it releases it or it runs out, and epochs grow", async (db) => {
  const clock = new FakeClock();
  const { mine, yours } = leases(db, clock);
  assertEquals([mine.epoch, await mine.acquire(), mine.epoch], [null, true, 1]);
  assertEquals([await yours.acquire(), yours.epoch], [false, null]);
  await mine.release();
  assertEquals([mine.epoch, await yours.acquire(), yours.epoch], [null, true, 2]);
  assertEquals(await mine.acquire(), false);
  clock.jump(8_000);
  assertEquals([yours.epoch, await mine.acquire(), mine.epoch], [null, true, 3]);
});

onEachDatabase(
  "renew() keeps a lease under the same epoch; a lost one can't be renewed or released",
  async (db) => {
    const clock = new FakeClock();
    const { mine, yours } = leases(db, clock);
    await mine.acquire();
    for (let i = 0; i < 5; i++) {
      clock.jump(5_000);
      assertEquals([await mine.renew(), await yours.acquire()], [true, false]);
    }
    assertEquals([await mine.acquire(), mine.epoch], [true, 1]);
    clock.jump(9_000);
    assertEquals(await yours.acquire(), true);
    assertEquals([await mine.renew(), mine.epoch], [false, null]);
    await mine.release();
    assertEquals([yours.epoch, await mine.acquire()], [2, false]);
  },
);

onEachDatabase("assertHeld() refuses what another holder has taken over, and rolls it back", async (db) => {
  const clock = new FakeClock();
  const { mine, yours } = leases(db, clock);
  await mine.acquire();
  let writes = 0;
  const write = (epoch: number) =>
    db.transaction(async (tx) => {
      await tx.insertInto("bans").values({ merchant: "m", pubkey: `write ${++writes}`, created_at: 1 })
        .execute();
      await assertHeld(tx, "publisher", "me", epoch);
    });
  await write(1);
  clock.jump(9_000);
  await yours.acquire();
  await assertRejects(() => write(1), LeaseLostError, "publisher");
  clock.jump(9_000);
  await mine.acquire();
  await assertRejects(() => write(1), LeaseLostError);
  assertEquals((await db.kysely.selectFrom("bans").select("pubkey").execute()).map((row) => row.pubkey), [
    "write 1",
  ]);
});

onPostgres("nobody takes a lease over between assertHeld() and the commit", async (shared) => {
  const db = await shared.open();
  const clock = new FakeClock();
  const { mine, yours } = leases(db, clock);
  await mine.acquire();
  clock.jump(9_000);
  const order: string[] = [];
  const checked = Promise.withResolvers<void>();
  const writing = db.transaction(async (tx) => {
    await assertHeld(tx, "publisher", "me", 1);
    checked.resolve();
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push("written");
  });
  await checked.promise;
  const taking = yours.acquire().then(() => order.push("taken"));
  await Promise.all([writing, taking]);
  assertEquals(order, ["written", "taken"]);
});
