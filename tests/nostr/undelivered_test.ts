import { assertEquals } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { testPool, until } from "../support/wire.ts";
import {
  Ahead,
  alertsIn,
  customer,
  merchant,
  posted,
  said,
  signed,
  states,
  workerOf,
} from "./outbox_harness.ts";

const fact = (event: { id: string }) => `message:${event.id}:undelivered`;

onEachDatabase(
  "a message that no relay of the customer's has after 15 minutes is told to the owners, once",
  async (db) => {
    await using theirs = await FakeRelay.start({ refuse: "rate-limited: slow down" });
    await using ours = await FakeRelay.start();
    await using pool = testPool({ signer: merchant });
    const clock = new Ahead();
    await using _worker = await workerOf(db, pool, clock);
    const event = await signed();
    await said(db, event, [theirs.url, ours.url], { reads: [theirs.url] });
    const step = async (ms: number) => {
      const tries = theirs.frames.length;
      clock.ms += ms;
      await until(() => theirs.frames.length > tries);
      await until(async () => (await states(db, event)).length === 2);
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await until(() => theirs.frames.length === 1);
    for (const ms of [6_000, 34_000, 140_000, 340_000]) await step(ms);
    assertEquals(await alertsIn(db), []);
    await step(700_000);
    await until(async () => (await alertsIn(db)).length === 1);
    assertEquals(await alertsIn(db), [{
      merchant: merchant.pubkey,
      kind: "delivery_failed",
      fact: fact(event),
    }]);
    await db.kysely.deleteFrom("jobs").execute();
    await step(4_000_000);
    theirs.is.refuse = null;
    await step(4_000_000);
    await until(async () => (await states(db, event)).every((state) => state === "delivered"));
    assertEquals(await alertsIn(db), []);
  },
);

onEachDatabase("a final refusal of all relays that count is told at once", async (db) => {
  await using theirs = await FakeRelay.start({ refuse: "blocked: spam" });
  await using ours = await FakeRelay.start();
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool);
  const event = await signed();
  await said(db, event, [theirs.url, ours.url], { reads: [theirs.url] });
  await until(async () => (await alertsIn(db)).length === 1);
  assertEquals((await alertsIn(db))[0]!.fact, fact(event));
});

Deno.test("no alarm for what was delivered, for what was stored where the customer reads, and for what is no customer's", async () => {
  await using refusing = await FakeRelay.start({ refuse: "blocked: spam" });
  await using good = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool);
  const [delivered, stored, anywhere, owners, stall] = await Promise.all(
    [signed(), signed(), signed(), signed(), signed({ kind: 30017, d: "tea" })],
  );
  await said(db, delivered, [good.url, refusing.url], { reads: [good.url, refusing.url] });
  await said(db, stored, [refusing.url], { readsOurs: true });
  // Where the customer reads is not known.
  await said(db, anywhere, [good.url, refusing.url]);
  await posted(db, owners, [refusing.url], {
    to: { pubkey: customer, reads: [refusing.url], readsOurs: false },
  });
  await posted(db, stall, [refusing.url], { at: systemClock.now() - 3_600_000 });
  const all = [delivered, stored, anywhere, owners, stall];
  await until(async () =>
    !(await Promise.all(all.map((event) => states(db, event)))).flat().includes("pending")
  );
  assertEquals(await alertsIn(db), []);
});
