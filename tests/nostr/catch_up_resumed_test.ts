import { assert, assertEquals } from "@std/assert";
import type { NostrFilter } from "@nostrify/types";
import { readCursor } from "../../src/nostr/arrivals.ts";
import { type Database } from "../../src/db/database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { testPool, until } from "../support/wire.ts";
import { believing, caughtUp, count, intakeOf, merchant, now, unsigned } from "./intake_harness.ts";

const PAGE = 50;
/** Events of which the relay gives a page, and how far back they go. */
const EVENTS = 2_000;

/** A relay with a history, which hangs up on whoever asks for more than so many pages. */
async function tiresome(pages: number): Promise<FakeRelay> {
  let asked = 0;
  const relay: FakeRelay = await FakeRelay.start({
    limit: PAGE,
    closed: (filters) => {
      if (isLive(filters)) asked = 0;
      else if (++asked > pages) relay.drop();
      return null;
    },
  });
  for (let i = 0; i < EVENTS; i++) relay.events.push(unsigned(i, now - 10 - i, i % 4 ? 4 : 1059));
  return relay;
}

const isLive = (filters: NostrFilter[]) => filters.length > 1;
const ofPages = (relay: FakeRelay) => relay.reqs.filter((filters) => !isLive(filters)).map(([one]) => one!);
const mark = (database: Database) => database.kysely.selectFrom("catch_ups").selectAll().executeTakeFirst();

onEachDatabase(
  "a relay that hangs up before the catch-up's end is read to its end all the same",
  async (database) => {
    // 30 pages of kind 4 and 10 of wraps; two of each life's eight are the newest of each kind.
    await using relay = await tiresome(8);
    await using pool = testPool();
    await using intake = await intakeOf(database, pool, [relay], { verifier: believing });
    await until(async () => await count(database) === EVENTS, 20_000);
    const lives = intake.status().relays[0]!.restarts + 1;
    assert(lives >= 6 && lives <= 20, `${lives} lives`);
    // It never came so far that nothing could have arrived behind its back.
    assertEquals(intake.status().relays[0]!.caughtUp, false);
  },
);

Deno.test("a relay that never gets to a page's end is read to its end all the same", async () => {
  await using relay = await FakeRelay.start({ breaksAfter: 240 });
  for (let i = 0; i < EVENTS; i++) relay.events.push(unsigned(i, now - 10 - i, i % 4 ? 4 : 1059));
  await using database = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(database, pool, [relay], { verifier: believing });
  await until(async () => await count(database) === EVENTS, 20_000);
  // Each life brings what it was shown; now and then that is the newest once more.
  const lives = intake.status().relays[0]!.restarts + 1;
  assert(lives <= 20, `${lives} lives`);
});

Deno.test("a new process goes on where the last one stopped, the newest first, and reads all of it once more", async () => {
  await using relay = await FakeRelay.start({ limit: PAGE });
  for (let i = 0; i < EVENTS; i++) relay.events.push(unsigned(i, now - 10 - i));
  await using database = await freshDatabase();
  let pages = 0;
  relay.is.closed = (filters) => !isLive(filters) && ++pages > 20 ? "error: that is enough" : null;
  await using pool = testPool();
  const first = await intakeOf(database, pool, [relay], { verifier: believing });
  // Each page begins with the last second of the one before.
  await until(async () => await count(database) === 20 * (PAGE - 1) + 1);
  await first.stop();
  const stood = (await mark(database))!;
  assertEquals(stood.kind, 4);
  assert(stood.until! < now - 700, `it stands at ${now - stood.until!}`);

  // Meanwhile: one of now, and a wrap dated back into what was read already.
  relay.events.push(unsigned(10_001, now), unsigned(10_002, now - 500, 1059), unsigned(10_003, now - 500));
  relay.is.closed = null;
  relay.reqs = [];
  await using intake = await intakeOf(database, pool, [relay], { verifier: believing });
  await until(async () => await count(database) === EVENTS + 3);
  await caughtUp(intake);
  await until(async () => await mark(database) === undefined);
  const all = ofPages(relay).filter((filter) => filter.kinds![0] === 4);
  // The last question of the first process may still have been under way.
  const asked = all.slice(all.findIndex(({ until }) => until === undefined));
  assertEquals(asked.slice(0, 3).map(({ until }) => until), [
    undefined,
    stood.until!,
    stood.until! - (PAGE - 1),
  ]);
  const rest = asked.findIndex(({ until }, i) => i > 0 && until === undefined);
  assert(rest >= 22 && rest <= 30, `${rest} pages before it began anew`);
  const cursor = (await readCursor(database, merchant.pubkey, relay.url))!;
  assert(cursor > stood.started_at, "the cursor is that of the second reading");
});

Deno.test("a catch-up that was interrupted long ago begins anew", async () => {
  await using relay = await FakeRelay.start({ limit: PAGE });
  for (let i = 0; i < EVENTS; i++) relay.events.push(unsigned(i, now - 10 - i));
  await using database = await freshDatabase();
  const at = (now - 11 * 60) * 1_000;
  await database.kysely.insertInto("catch_ups")
    .values({
      merchant: merchant.pubkey,
      relay: relay.url,
      started_at: at,
      kind: 4,
      until: now - 1_000,
      updated_at: at,
    })
    .execute();
  await using pool = testPool();
  await using intake = await intakeOf(database, pool, [relay], { verifier: believing });
  await caughtUp(intake);
  assertEquals(ofPages(relay)[0]!.until, undefined);
  assertEquals(ofPages(relay)[1]!.until, now - 10 - (PAGE - 1));
});

Deno.test("where the page and its mark can't be stored, neither is", async () => {
  await using relay = await FakeRelay.start({ limit: PAGE });
  for (let i = 0; i < 400; i++) relay.events.push(unsigned(i, now - 10 - i));
  await using database = await freshDatabase();
  await using pool = testPool();
  let tried = 0;
  const receive = () => (tried++, Promise.reject(new Error("disk full")));
  const intake = await intakeOf(database, pool, [relay], { verifier: believing, receive });
  await until(() => tried > 1);
  await intake.stop();
  assertEquals([await count(database), await mark(database)], [0, undefined]);
});
