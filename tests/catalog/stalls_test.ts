import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { deleteStall, getStall, listStalls, updateStall } from "../../src/catalog/stalls.ts";
import { getProduct } from "../../src/catalog/products.ts";
import { type StallInput, stallInput } from "../../src/catalog/stall_input.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { merchant, now, Shop } from "./shop.ts";

const other = "bb".repeat(32);

function replace(shop: Shop, id: string, input: Partial<StallInput>, at = now + 1000) {
  const { merchant, random } = shop;
  const whole = stallInput.parse({ name: "Tea", currency: "sat", ...input });
  return shop.database.transaction((tx) => updateStall(tx, { merchant, id, input: whole, now: at, random }));
}

onEachDatabase("a stall is made, read, replaced and deleted", async (database) => {
  const shop = await Shop.open(database);
  const made = await shop.stall({
    description: "leaves",
    shipping: [{ id: "eu", name: "Europe", cost: "12.00", regions: ["DE"], countries: ["FR", "DE"] }],
  });
  assertEquals(made, {
    id: "tea",
    merchant,
    name: "Tea",
    description: "leaves",
    currency: "sat",
    shipping: [{ id: "eu", name: "Europe", cost: 12, regions: ["DE", "FR"], countries: ["DE", "FR"] }],
    event_id: null,
    published_at: null,
    created_at: "2026-01-01T00:00:00.000Z",
    updated_at: "2026-01-01T00:00:00.000Z",
  });
  assertEquals(await getStall(database.kysely, { id: "tea" }), { ok: true, stall: made });
  const changed = await replace(shop, "tea", { name: "Fine tea", shipping: [{ name: "Europe", cost: 5 }] });
  assert(changed.ok);
  // A zone without an id is the one that had its name: carts that are open keep working.
  assertEquals(changed.stall.shipping, [{ id: "eu", name: "Europe", cost: 5, regions: [], countries: [] }]);
  assertEquals(changed.stall.description, "");
  assertEquals(changed.stall.updated_at, "2026-01-01T00:00:01.000Z");
  assert((await database.transaction((tx) => deleteStall(tx, { merchant, id: "tea", now }))).ok);
  const gone = await getStall(database.kysely, { id: "tea" });
  assert(!gone.ok && gone.code === "not_found");
  assertEquals((await shop.stall()).name, "Tea");
});

Deno.test("a stall without zones gets a free one, a stall without an id a UUID", async () => {
  await using database = await freshDatabase();
  const shop = await Shop.open(database);
  const made = await shop.stall({ id: undefined });
  assertEquals(made.id, "00000000-0000-4000-8000-000000000001");
  assertEquals(made.shipping, [{
    id: "00000000-0000-4000-8000-000000000002",
    name: "Free",
    cost: 0,
    regions: [],
    countries: [],
  }]);
});

Deno.test("createStall() refuses what doesn't fit, and says which field", async () => {
  await using database = await freshDatabase();
  const shop = await Shop.open(database);
  await shop.stall({ shipping: [{ id: "eu", cost: 1 }] });
  const cases: [Partial<StallInput>, string, string, string][] = [
    [{}, "conflict", "/id", "there is a stall tea already"],
    [{ id: "b", currency: "dollars" }, "invalid", "/currency", "dollars is no currency"],
    [{ id: "b", currency: "msat" }, "invalid", "/currency", "msat"],
    [{ id: "b", shipping: [{ cost: 1.5 }] }, "invalid", "/shipping/0/cost", "sat has no decimals"],
    [{ id: "b", currency: "EUR", shipping: [{ cost: "1.505" }] }, "invalid", "/shipping/0/cost", "EUR has 2"],
    [
      { id: "b", shipping: [{ id: "z", cost: 1 }, { id: "z", cost: 2 }] },
      "invalid",
      "/shipping/1/id",
      "two zones",
    ],
    [
      { id: "b", shipping: [{ cost: 1 }, { id: "eu", cost: 1 }] },
      "conflict",
      "/shipping/1/id",
      "the stall tea",
    ],
    [{ id: "b", merchant: other }, "invalid", "/merchant", "belongs to the merchant"],
  ];
  for (const [input, code, pointer, reason] of cases) {
    const refused = await shop.createStall(input);
    assert(!refused.ok, JSON.stringify(input));
    assertEquals([refused.code, refused.pointer], [code, pointer]);
    assertStringIncludes(refused.reason, reason);
  }
  const stranger = await new Shop(database, other).createStall();
  assert(!stranger.ok && stranger.code === "not_found");
});

Deno.test("currencies are written as NIP-15's clients compare them", async () => {
  await using database = await freshDatabase();
  const shop = await Shop.open(database);
  for (const [i, [given, written]] of [["SATS", "sat"], ["eur", "EUR"], ["btc", "BTC"]].entries()) {
    assertEquals((await shop.stall({ id: `s${i}`, currency: given! })).currency, written);
  }
});

Deno.test("stall ids are a merchant's own: who asks without naming one is asked back", async () => {
  await using database = await freshDatabase();
  const first = await Shop.open(database);
  const second = await Shop.open(database, other);
  await first.stall({ name: "Mine", shipping: [{ id: "eu", cost: 1 }] });
  await second.stall({ name: "Theirs", shipping: [{ id: "eu", cost: 1 }] });
  const unclear = await getStall(database.kysely, { id: "tea" });
  assert(!unclear.ok && unclear.code === "conflict");
  const theirs = await getStall(database.kysely, { id: "tea", merchant: other });
  assert(theirs.ok && theirs.stall.name === "Theirs");
});

Deno.test("a stall's products follow it: zones that go, a currency that can't, its deletion", async () => {
  await using database = await freshDatabase();
  const shop = await Shop.open(database);
  await shop.stall({ shipping: [{ id: "eu", cost: 1 }, { id: "us", cost: 1 }] });
  await shop.product({ shipping: [{ id: "eu", cost: 3 }, { id: "us", cost: 4 }] });
  const refused = await replace(shop, "tea", { currency: "EUR", shipping: [{ id: "eu", cost: 1 }] });
  assert(!refused.ok && refused.code === "conflict" && refused.pointer === "/currency");
  assert((await replace(shop, "tea", { shipping: [{ id: "us", cost: 1 }] })).ok);
  const product = await getProduct(database.kysely, { id: "cup" });
  assert(product.ok);
  assertEquals(product.product.shipping, [{ id: "us", cost: 4 }]);
  await database.transaction((tx) => deleteStall(tx, { merchant, id: "tea", now }));
  const gone = await getProduct(database.kysely, { id: "cup" });
  assert(!gone.ok && gone.code === "not_found");
});

onEachDatabase("stalls are listed page by page, newest first, each once", async (database) => {
  const old = await Shop.open(database, merchant, now);
  const young = await Shop.open(database, other, now + 1);
  for (const id of ["a", "c", "b"]) await old.stall({ id });
  for (const id of ["a", "d"]) await young.stall({ id });
  const seen: string[] = [];
  let after: [number, string, string] | undefined;
  for (let pages = 0; pages < 5; pages++) {
    const stalls = await listStalls(database.kysely, {}, { limit: 2, after });
    seen.push(...stalls.map((stall) => `${stall.id}${stall.merchant[0]}`));
    const last = stalls.at(-1);
    if (last === undefined) break;
    after = [Date.parse(last.created_at), last.id, last.merchant];
  }
  assertEquals(seen, ["db", "ab", "ca", "ba", "aa"]);
  assertEquals((await listStalls(database.kysely, { merchant }, { limit: 10 })).length, 3);
});
