import { assert, assertEquals } from "@std/assert";
import { merchantInput } from "../../src/catalog/merchant_input.ts";
import {
  ensureMerchant,
  getMerchant,
  listMerchants,
  pauseMerchant,
  resumeMerchant,
  updateMerchant,
} from "../../src/catalog/merchants.ts";
import { onEachDatabase } from "../support/databases.ts";

const now = Date.UTC(2026, 0, 1);
const pubkey = "aa".repeat(32);
const other = "bb".repeat(32);

onEachDatabase("a merchant is made once, changed, paused and resumed", async (database) => {
  const ensure = (key: string, name: string, at: number) =>
    database.transaction((tx) => ensureMerchant(tx, { pubkey: key, name, keySource: "settings", now: at }));
  assertEquals([await ensure(pubkey, "Tea", now), await ensure(pubkey, "Other name", now + 1)], [
    true,
    false,
  ]);
  const jobs = await database.kysely.selectFrom("jobs").select(["kind", "key"]).execute();
  assertEquals(jobs.map((job) => [job.kind, job.key]), [["identity.publish", pubkey]]);

  const input = { profile: { about: "leaves" } };
  const changed = await database.transaction((tx) => updateMerchant(tx, { pubkey, input, now: now + 1_000 }));
  assertEquals(changed, {
    ok: true,
    merchant: {
      pubkey,
      name: "Tea",
      profile: { about: "leaves" },
      state: "active",
      pause_message: null,
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:01.000Z",
    },
  });
  const paused = await database.transaction((tx) =>
    pauseMerchant(tx, { pubkey, message: "Back on Monday", now })
  );
  assert(paused.ok);
  assertEquals([paused.merchant.state, paused.merchant.pause_message], ["paused", "Back on Monday"]);
  const resumed = await database.transaction((tx) => resumeMerchant(tx, { pubkey, now }));
  assert(resumed.ok);
  assertEquals([resumed.merchant.state, resumed.merchant.pause_message], ["active", null]);

  await ensure(other, "Later", now + 5);
  assertEquals((await listMerchants(database.kysely)).map((one) => one.name), ["Tea", "Later"]);
  const unknown = await getMerchant(database.kysely, "cc".repeat(32));
  assert(!unknown.ok && unknown.code === "not_found");
  const nobody = await database.transaction((tx) => resumeMerchant(tx, { pubkey: "cc".repeat(32), now }));
  assert(!nobody.ok && nobody.code === "not_found");
});

Deno.test("a profile takes kind 0's fields and no others", () => {
  assert(merchantInput.safeParse({ profile: { name: "Tea", picture: "https://example.com/a.png" } }).success);
  for (const profile of [{ picture: "javascript:1" }, { nsec: "x" }, { name: "" }]) {
    assert(!merchantInput.safeParse({ profile }).success, JSON.stringify(profile));
  }
});
