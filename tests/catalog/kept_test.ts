import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { copyCatalogue, withdrawCatalogue } from "../../src/catalog/moving.ts";
import { type ProductInput, productInput } from "../../src/catalog/product_input.ts";
import { changeStock, createProduct, deleteProduct, updateProduct } from "../../src/catalog/products.ts";
import { selectProduct } from "../../src/catalog/products_store.ts";
import type { Refusal } from "../../src/catalog/refusal.ts";
import { type StallInput, stallInput } from "../../src/catalog/stall_input.ts";
import { createStall, deleteStall, updateStall } from "../../src/catalog/stalls.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { merchant, now, Shop } from "./shop.ts";

const by = "medusa";
const stall = {
  id: "kept",
  name: "Kept",
  currency: "EUR",
  shipping: [{ id: "de", name: "Germany", cost: "5" }, { id: "fr", name: "France", cost: "6" }],
};
const cup = {
  id: "kept-cup",
  stall_id: "kept",
  name: "Cup",
  price: "12.5",
  quantity: 5,
  shipping: [{ id: "fr", cost: "0.1" }],
};

/** A shop with a stall and a product that Medusa keeps, and one of each of its own. */
async function keptShop(database: Database): Promise<Shop> {
  const shop = await Shop.open(database);
  await shop.stall();
  await shop.product();
  const { random } = shop;
  await database.transaction(async (tx) => {
    assert((await createStall(tx, { merchant, input: stallInput.parse(stall), now, random, by })).ok);
    assert((await createProduct(tx, { merchant, input: productInput.parse(cup), now, random, by })).ok);
  });
  return shop;
}

function update(database: Database, change: Partial<ProductInput>, id = "kept-cup", keeper?: typeof by) {
  const input = productInput.parse({ ...cup, id, ...change });
  return database.transaction((tx) =>
    updateProduct(tx, { merchant, id, input, now, ...keeper && { by: keeper } })
  );
}

function refused(result: { ok: true } | Refusal, pointer?: string): string {
  assert(!result.ok, "it was taken");
  assertEquals([result.code, result.pointer], ["conflict", pointer]);
  return result.reason;
}

Deno.test("what Medusa decides of a product is refused to the merchant, and the rest isn't", async () => {
  await using database = await freshDatabase();
  await keptShop(database);
  const changes: [string, Partial<ProductInput>][] = [
    ["price", { price: "12.51" }],
    ["currency", { currency: "USD" }],
    ["shipping", { shipping: [] }],
    ["quantity", { quantity: 6 }],
    ["quantity", { quantity: null }],
    ["stall_id", { stall_id: "tea", shipping: [], price: "12" }],
    ["type", { type: "variable" }],
  ];
  for (const [field, change] of changes) {
    const reason = refused(await update(database, change), `/${field}`);
    assertStringIncludes(reason, `the ${field} of the product kept-cup is kept by Medusa: change it there`);
    assertStringIncludes(reason, "PATCH /api/v1/medusa/products/kept-cup");
  }
  const same = await update(database, {
    name: "Fine cup",
    description: "of clay",
    active: false,
    price: 12.5,
    shipping: [{ id: "fr", cost: 0.1 }],
  });
  assert(same.ok);
  assertEquals([same.product.name, same.product.active, same.product.quantity], ["Fine cup", false, 5]);
  assertEquals((await selectProduct(database.kysely, merchant, "kept-cup"))!.kept_by, "medusa");
  const theirs = await update(database, { price: "13", quantity: 7 }, "kept-cup", by);
  assert(theirs.ok);
  assertEquals([theirs.product.price, theirs.product.quantity], [13, 7]);
});

Deno.test("a kept product is neither deleted nor counted here, but by who keeps it", async () => {
  await using database = await freshDatabase();
  await keptShop(database);
  const product = { merchant, id: "kept-cup", now };
  const change = { set: 3 };
  refused(await database.transaction((tx) => deleteProduct(tx, product)));
  refused(await database.transaction((tx) => changeStock(tx, { ...product, change })));
  const counted = await database.transaction((tx) => changeStock(tx, { ...product, change, by }));
  assert(counted.ok && counted.product.quantity === 3);
  assert((await database.transaction((tx) => deleteProduct(tx, { ...product, by }))).ok);
});

Deno.test("nothing of the merchant's comes into a kept stall", async () => {
  await using database = await freshDatabase();
  const shop = await keptShop(database);
  refused(await shop.createProduct({ id: "mine", stall_id: "kept" }), "/stall_id");
  refused(await update(database, { stall_id: "kept", price: 100, shipping: [] }, "cup"), "/stall_id");
});

Deno.test("a kept stall has a name and a description of the merchant's, and nothing else", async () => {
  await using database = await freshDatabase();
  const { random } = await keptShop(database);
  const change = (change: Partial<StallInput>) => {
    const input = stallInput.parse({ ...stall, ...change });
    return database.transaction((tx) => updateStall(tx, { merchant, id: "kept", input, now, random }));
  };
  refused(await change({ currency: "USD" }), "/currency");
  refused(await change({ shipping: [stall.shipping[0]!] }), "/shipping");
  refused(await change({ shipping: stall.shipping.map((zone) => ({ ...zone, cost: 1 })) }), "/shipping");
  const done = await change({ name: "My shop", description: "all that I have" });
  assert(done.ok && done.stall.name === "My shop" && done.stall.shipping.length === 2);
  const reason = refused(await database.transaction((tx) => deleteStall(tx, { merchant, id: "kept", now })));
  assertEquals(reason, "the stall kept is kept by Medusa: change it there");
});

Deno.test("a shop that moves to another key takes its kept stalls along, and withdraws them", async () => {
  await using database = await freshDatabase();
  await keptShop(database);
  const to = "bb".repeat(32);
  await Shop.open(database, to);
  await database.transaction((tx) => copyCatalogue(tx, { from: merchant, to, now }));
  await database.transaction((tx) => withdrawCatalogue(tx, merchant, now));
  assertEquals((await selectProduct(database.kysely, to, "kept-cup"))!.kept_by, "medusa");
  assertEquals((await selectProduct(database.kysely, merchant, "kept-cup"))!.deleted_at, now);
});
