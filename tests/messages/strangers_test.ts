import { assert, assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { reception } from "../../src/messages/reception.ts";
import { Strangers } from "../../src/messages/strangers.ts";
import { buildAdmission } from "../../src/policies/admission.ts";
import { systemRandom } from "../../src/random.ts";
import { messageTo } from "../relay/merchant_relay.ts";
import { BuiltInRelay } from "../support/built_in_relay.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { silentLog } from "../support/log.ts";
import { newKey } from "../support/nostr_client.ts";
import { fillInbox, inboxRow } from "./inbox_rows.ts";

const STEP_MS = 10;
/** As the built-in relay has it. */
const PATIENCE_MS = 5_000;
const AT_THE_DOOR = 1_000;

/** Strangers who write at a rate, and wait at the door for a while if they must, while so many a second are read. */
async function writeFor(
  seconds: number,
  o: { database: Database; perSecond: number; readPerSecond: number },
): Promise<{ taken: number; most: number; turnedAway: number }> {
  const { database } = o;
  const clock = new FakeClock(1_000_000);
  const strangers = new Strangers({ database, clock, log: silentLog });
  const sum = { taken: 0, most: 0, turnedAway: 0 };
  let waiting = 0;
  let door: number[] = [];
  let [toWrite, toRead] = [0, 0];
  for (let i = 0; i < (seconds * 1_000 + PATIENCE_MS) / STEP_MS; i++) {
    if (i * STEP_MS < seconds * 1_000) toWrite += o.perSecond * STEP_MS / 1_000;
    toRead += o.readPerSecond * STEP_MS / 1_000;
    for (; toWrite >= 1; toWrite--) door.push(clock.monotonic());
    while (door.length > 0 && strangers.welcome) {
      door.shift();
      strangers.took(100);
      await fillInbox(database, [inboxRow(`${sum.taken++}`, { received_at: i, next_at: 0 })]);
      waiting++;
    }
    const before = door.length;
    door = door.filter((since) => clock.monotonic() - since <= PATIENCE_MS).slice(0, AT_THE_DOOR);
    sum.turnedAway += before - door.length;
    const read = Math.min(waiting, Math.floor(toRead));
    toRead -= Math.floor(toRead);
    if (read > 0) {
      const first = database.kysely.selectFrom("inbox").select("seq").where("state", "=", "new")
        .orderBy("seq").limit(read);
      await database.kysely.updateTable("inbox").set({ state: "done" }).where("seq", "in", first).execute();
      waiting -= read;
    }
    sum.most = Math.max(sum.most, waiting);
    clock.jump(STEP_MS);
    // The count that was begun comes in.
    await settle();
  }
  await settle();
  return sum;
}

Deno.test("nobody reads for ten seconds: 20 new customers a second are taken in all the same", async () => {
  await using database = await freshDatabase();
  const { taken, turnedAway } = await writeFor(10, { database, perSecond: 20, readPerSecond: 0 });
  assertEquals([taken, turnedAway], [200, 0]);
});

Deno.test("nobody reads, and junk comes at 2,000 a second: hardly any of it comes in", async () => {
  await using database = await freshDatabase();
  const { taken } = await writeFor(10, { database, perSecond: 2_000, readPerSecond: 0 });
  assert(taken <= 24 + 60 + 15 * 40 + 20, `${taken}`);
});

Deno.test("nobody reads for minutes: what waits is bounded", async () => {
  await using database = await freshDatabase();
  const { taken } = await writeFor(30, { database, perSecond: 100, readPerSecond: 0 });
  assert(taken <= 1_020 && taken > 900, `${taken}`);
});

for (const readPerSecond of [300, 15]) {
  Deno.test(`in a flood of which ${readPerSecond} a second are read no more waits than may`, async () => {
    await using database = await freshDatabase();
    const { taken, most } = await writeFor(5, { database, perSecond: 2_000, readPerSecond });
    assert(most <= 24 + 10, `${most} waited`);
    assert(taken <= 10 * readPerSecond + most, `${taken}`);
  });
}

Deno.test("what was counted before a pause doesn't say that nobody reads: new customers wait until that is known", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock(1_000_000);
  const strangers = new Strangers({ database, clock, log: silentLog });
  const rows = Array.from({ length: 30 }, (_, i) => inboxRow(`${i}`, { received_at: i, next_at: 0 }));
  await fillInbox(database, rows);
  for (let i = 0; i < 30; i++) strangers.took(100);
  const asked = async () => {
    const { welcome } = strangers;
    await settle();
    return welcome;
  };
  assertEquals(await asked(), false);
  clock.jump(500);
  assertEquals(await asked(), false);
  // Nobody writes for a while. The same messages wait, and somebody may be about to read them.
  clock.jump(60_000);
  assertEquals([await asked(), await asked()], [false, false]);
  const answers: boolean[] = [];
  for (let i = 0; i < 10; i++) {
    clock.jump(300);
    answers.push(await asked());
  }
  assertEquals(answers, [...Array(6).fill(false), ...Array(4).fill(true)]);
});

Deno.test("200 new customers write to the built-in relay while nobody reads: each hears OK", async () => {
  await using database = await freshDatabase();
  const clock = { monotonic: () => relay.clock.monotonic(), now: () => relay.clock.now() } as FakeClock;
  const strangers = new Strangers({ database, clock, log: silentLog });
  const merchant = newKey();
  await using relay = await BuiltInRelay.serve({
    database,
    random: systemRandom,
    merchants: new Set([merchant.pubkey]),
    strangers,
    onArrival: reception(strangers),
    admission: ({ merchants, ...parts }) =>
      buildAdmission({ ...parts, servedMerchants: merchants, maxBytes: 65_536, minPow: 0, log: silentLog }),
  });
  await using client = await relay.connect();
  const events = Array.from({ length: 200 }, () => relay.key().sign(messageTo(merchant)));
  for (let second = 0; second < 10; second++) {
    for (const event of events.slice(second * 20, second * 20 + 20)) client.send("EVENT", event);
    // A question that is answered shows that the events before it were looked at.
    await client.query({ kinds: [1] });
    for (let i = 0; i < 10; i++) await relay.clock.advance(100);
  }
  await relay.clock.advance(1_000);
  for (const { id } of events) {
    const [, , accepted, reason] = await client.take((message) => message[1] === id);
    assertEquals([accepted, reason], [true, ""]);
  }
});
