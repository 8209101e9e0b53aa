import type { NostrEvent } from "@nostrify/types";
import { assertEquals, assertRejects } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { buildAdmission } from "../../src/policies/admission.ts";
import { BanList } from "../../src/policies/ban_list.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog, silentLog } from "../support/log.ts";

const [merchant, second, customer] = ["1", "2", "3"].map((digit) => digit.repeat(64)) as [
  string,
  string,
  string,
];

function order(tags: string[][], o: Partial<NostrEvent> = {}): NostrEvent {
  return { id: "0".repeat(64), pubkey: customer, kind: 4, created_at: 0, content: "", sig: "", tags, ...o };
}

function admissionOn(database: Database, clock = new FakeClock()) {
  const served = new Set([merchant, second]);
  return buildAdmission({
    servedMerchants: () => served,
    maxBytes: 1_000,
    minPow: 0,
    clock,
    database,
    log: silentLog,
  });
}

async function ban(database: Database, by: string, pubkey: string): Promise<void> {
  await database.kysely.insertInto("bans").values({ merchant: by, pubkey, reason: null, created_at: 0 })
    .execute();
}

Deno.test("admit() asks for this merchant, whoever else is named", async () => {
  await using database = await freshDatabase();
  const admission = admissionOn(database);
  assertEquals(await admission.admit(order([["p", merchant], ["p", second]]), merchant), { ok: true });
  assertEquals((await admission.admit(order([["p", second]]), merchant)).ok, false);
  assertEquals((await admission.admit(order([["p", merchant]], { kind: 1 }), merchant)).ok, false);
  assertEquals(
    (await admission.admit(order([["p", merchant]], { content: "x".repeat(1_000) }), merchant)).ok,
    false,
  );
  assertEquals(admission.counts(), { kind: 1, size: 1 });
});

Deno.test("a ban is one merchant's: the other still takes the event", async () => {
  await using database = await freshDatabase();
  await ban(database, merchant, customer);
  const admission = admissionOn(database);
  const both = order([["p", merchant], ["p", second]]);
  assertEquals(await admission.admitForAll(both), { ok: true, merchants: [second] });
  assertEquals((await admission.admit(both, merchant)).ok, false);
  assertEquals(await admission.admit(both, second), { ok: true });
  assertEquals((await admission.admitForAll(order([["p", merchant]]))).ok, false);
});

Deno.test("a ban set here counts at once after refreshBans()", async () => {
  await using database = await freshDatabase();
  const admission = admissionOn(database);
  const event = order([["p", merchant]]);
  assertEquals(await admission.admit(event, merchant), { ok: true });
  await ban(database, merchant, customer);
  assertEquals(await admission.admit(event, merchant), { ok: true });
  await admission.refreshBans();
  assertEquals((await admission.admit(event, merchant)).ok, false);
});

Deno.test("BanList: an event costs no query, and the table is read again after ten seconds", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  let reads = 0;
  const counted = new Proxy(database, {
    get(target, name) {
      if (name === "kysely") reads++;
      return Reflect.get(target, name, target);
    },
  });
  const bans = new BanList({ database: counted, clock, log: silentLog });
  for (let n = 0; n < 100; n++) await bans.fresh();
  assertEquals(reads, 1);
  await clock.advance(10_000);
  await Promise.all([bans.fresh(), bans.fresh()]);
  assertEquals(reads, 2);
});

Deno.test("BanList keeps the old list when the table can't be read, and says so", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  await ban(database, merchant, customer);
  const bans = new BanList({ database, clock, log });
  await bans.fresh();
  await database.close();
  await clock.advance(10_000);
  await bans.fresh();
  assertEquals([bans.has(merchant, customer), bans.has(second, customer)], [true, false]);
  assertEquals(lines.map((line) => line.event), ["policies.bans_not_read"]);
  await assertRejects(() => new BanList({ database, clock, log }).fresh());
});
