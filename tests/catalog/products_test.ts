import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { loadForOrder } from "../../src/catalog/catalogue.ts";
import { type ProductInput, productInput, type StockInput } from "../../src/catalog/product_input.ts";
import {
  changeStock,
  deleteProduct,
  getProduct,
  listProducts,
  updateProduct,
} from "../../src/catalog/products.ts";
import { hold } from "../../src/stock/stock.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { merchant, now, Shop } from "./shop.ts";

function replace(shop: Shop, id: string, input: Partial<ProductInput>) {
  const whole = productInput.parse({ stall_id: "tea", name: "Cup", price: 100, ...input });
  return shop.database.transaction((tx) =>
    updateProduct(tx, { merchant, id, input: whole, now: now + 1000 })
  );
}

function stock(shop: Shop, id: string, change: StockInput) {
  return shop.database.transaction((tx) => changeStock(tx, { merchant, id, change, now }));
}

async function jobs(shop: Shop): Promise<[string, number][]> {
  const rows = await shop.database.kysely.selectFrom("jobs").select(["payload", "run_at"])
    .where("kind", "=", "catalog.publish").orderBy("id").execute();
  return rows.map((
    row,
  ) => [`${JSON.parse(row.payload).kind}:${JSON.parse(row.payload).d}`, row.run_at - now]);
}

onEachDatabase("a product is made, read, replaced and deleted", async (database) => {
  const shop = await Shop.open(database);
  await shop.stall({ currency: "EUR", shipping: [{ id: "eu", cost: 1 }] });
  const made = await shop.product({
    description: "blue",
    images: ["https://example.com/cup.jpg"],
    price: "12.50",
    specs: [["size", "2 dl"]],
    shipping: [{ id: "eu", cost: 0.1 }],
    categories: ["cups", "blue", "cups"],
  });
  assertEquals(made, {
    id: "cup",
    merchant,
    stall_id: "tea",
    name: "Cup",
    type: "simple",
    parent_id: null,
    description: "blue",
    images: ["https://example.com/cup.jpg"],
    currency: "EUR",
    price: 12.5,
    quantity: 5,
    specs: [["size", "2 dl"]],
    shipping: [{ id: "eu", cost: 0.1 }],
    categories: ["cups", "blue"],
    digital: false,
    active: true,
    held: 0,
    available: 5,
    event_id: null,
    published_at: null,
    created_at: "2026-01-01T00:00:00.000Z",
    updated_at: "2026-01-01T00:00:00.000Z",
  });
  await database.transaction((tx) =>
    hold(tx, { merchant, orderId: "o1", lines: [{ productId: "cup", quantity: 2 }], now })
  );
  const changed = await replace(shop, "cup", { name: "Mug", price: 9 });
  assert(changed.ok);
  assertEquals([changed.product.quantity, changed.product.held, changed.product.available], [5, 2, 3]);
  assertEquals([changed.product.name, changed.product.images, changed.product.categories], ["Mug", [], []]);
  const counted = await replace(shop, "cup", { quantity: 1 });
  assert(counted.ok);
  assertEquals([counted.product.quantity, counted.product.held, counted.product.available], [1, 2, 0]);
  assert((await database.transaction((tx) => deleteProduct(tx, { merchant, id: "cup", now }))).ok);
  const gone = await replace(shop, "cup", {});
  assert(!gone.ok && gone.code === "not_found");
  // Made again, it is counted anew; what open orders hold is still theirs.
  const again = await shop.product({ quantity: 7 });
  assertEquals([again.quantity, again.held, again.available], [7, 2, 5]);
});

Deno.test("createProduct() refuses what doesn't fit, and says which field", async () => {
  await using database = await freshDatabase();
  const shop = await Shop.open(database);
  await shop.stall({ shipping: [{ id: "eu", name: "Europe", cost: 1 }] });
  await shop.stall({ id: "pots", shipping: [{ id: "pots-eu", cost: 1 }] });
  await shop.product();
  await shop.product({ id: "shirt", type: "variable" });
  await shop.product({ id: "far", stall_id: "pots", type: "variable" });
  const cases: [Partial<ProductInput>, string, string, string][] = [
    [{}, "conflict", "/id", "there is a product cup already"],
    [{ id: "x", stall_id: "nowhere" }, "invalid", "/stall_id", "no stall nowhere"],
    [{ id: "x", price: 1.5 }, "invalid", "/price", "sat has no decimals"],
    [{ id: "x", currency: "XYZ" }, "invalid", "/currency", "no currency"],
    [{ id: "x", quantity: undefined }, "invalid", "/quantity", "null = unlimited"],
    [{ id: "x", shipping: [{ id: "pots-eu", cost: 1 }] }, "invalid", "/shipping/0/id", "it has eu (Europe)"],
    [{ id: "x", shipping: [{ id: "eu", cost: 0.5 }] }, "invalid", "/shipping/0/cost", "no decimals"],
    [{ id: "x", type: "variation" }, "invalid", "/parent_id", "needs parent_id"],
    [{ id: "x", parent_id: "cup" }, "invalid", "/parent_id", "no variable product cup"],
    [{ id: "x", parent_id: "far" }, "invalid", "/parent_id", "another stall"],
    [{ id: "x", a: `30018:${"bb".repeat(32)}:shirt` }, "invalid", "/a", "must be 30018:aaaa"],
    [{ id: "x", type: "simple", parent_id: "shirt" }, "invalid", "/parent_id", "has no parent"],
  ];
  for (const [input, code, pointer, reason] of cases) {
    const refused = await shop.createProduct(input);
    assert(!refused.ok, JSON.stringify(input));
    assertEquals([refused.code, refused.pointer], [code, pointer], JSON.stringify(input));
    assertStringIncludes(refused.reason, reason);
  }
});

Deno.test("a variation belongs to its variable product, which stays as long as there is one", async () => {
  await using database = await freshDatabase();
  const shop = await Shop.open(database);
  await shop.stall();
  await shop.product({ id: "shirt", type: "variable", quantity: undefined });
  const red = await shop.product({ id: "red", a: `30018:${merchant}:shirt` });
  assertEquals([red.type, red.parent_id], ["variation", "shirt"]);
  const remove = (id: string) => database.transaction((tx) => deleteProduct(tx, { merchant, id, now }));
  const refused = await remove("shirt");
  assert(!refused.ok && refused.code === "conflict");
  const simple = await replace(shop, "shirt", { type: "simple" });
  assert(!simple.ok && simple.pointer === "/type");
  assert((await remove("red")).ok);
  assert((await remove("shirt")).ok);
});

Deno.test("what a digital product delivers is kept and never shown", async () => {
  await using database = await freshDatabase();
  const shop = await Shop.open(database);
  await shop.stall();
  const song = await shop.product({
    id: "song",
    digital: true,
    digital_content: "the key",
    quantity: undefined,
  });
  assertEquals([song.quantity, song.digital], [null, true]);
  assert(!JSON.stringify(song).includes("the key"));
  await replace(shop, "song", { digital: true });
  const row = await database.kysely.selectFrom("products").select("digital_content").executeTakeFirst();
  assertEquals(row?.digital_content, "the key");
});

onEachDatabase(
  "changeStock() adds or sets, and publishes a little later; an edit publishes at once",
  async (database) => {
    const shop = await Shop.open(database);
    await shop.stall();
    await shop.product();
    assertEquals(await jobs(shop), [["30017:tea", 0], ["30018:cup", 0]]);
    await database.kysely.deleteFrom("jobs").execute();
    const added = await stock(shop, "cup", { add: -2 });
    assert(added.ok && added.product.quantity === 3);
    const set = await stock(shop, "cup", { set: null });
    assert(set.ok && set.product.available === null);
    const refused = await stock(shop, "cup", { add: 1 });
    assert(!refused.ok && refused.code === "conflict" && refused.pointer === "/add");
    const unknown = await stock(shop, "pot", { set: 1 });
    assert(!unknown.ok && unknown.code === "not_found");
    assertEquals(await jobs(shop), [["30018:cup", 1000]]);
  },
);

onEachDatabase("products are listed by stall with their stock, page by page", async (database) => {
  const shop = await Shop.open(database);
  await shop.stall();
  await shop.stall({ id: "pots" });
  for (const id of ["a", "b", "c"]) await shop.product({ id });
  await shop.product({ id: "d", stall_id: "pots", quantity: null });
  const first = await listProducts(database.kysely, {}, { limit: 2 });
  assertEquals(first.map((one) => [one.id, one.available]), [["d", null], ["c", 5]]);
  const { created_at, id, merchant } = first[1]!;
  const after: [number, string, string] = [Date.parse(created_at), id, merchant];
  const second = await listProducts(database.kysely, {}, { limit: 3, after });
  assertEquals(second.map((one) => one.id), ["b", "a"]);
  const pots = await listProducts(database.kysely, { stallId: "pots" }, { limit: 5 });
  assertEquals(pots.map((one) => one.id), ["d"]);
});

onEachDatabase(
  "loadForOrder() gives pricing the products asked for, deleted ones too, and their stalls",
  async (database) => {
    const shop = await Shop.open(database);
    await shop.stall({
      currency: "EUR",
      shipping: [{ id: "eu", name: "Europe", cost: "1.50", regions: ["DE"] }],
    });
    await shop.product({ price: "0.10", shipping: [{ id: "eu", cost: 2 }] });
    await shop.product({ id: "old" });
    await database.transaction((tx) => deleteProduct(tx, { merchant, id: "old", now }));
    await database.transaction((tx) =>
      hold(tx, { merchant, orderId: "o1", lines: [{ productId: "cup", quantity: 2 }], now })
    );
    const slice = await database.transaction((tx) =>
      loadForOrder(tx, merchant, ["cup", "old", "none", "cup"])
    );
    slice.products.sort((a, b) => (a.id < b.id ? -1 : 1));
    assertEquals(slice, {
      products: [
        {
          id: "cup",
          stallId: "tea",
          name: "Cup",
          type: "simple",
          price: "0.1",
          currency: "EUR",
          digital: false,
          active: true,
          deleted: false,
          shipping: [{ id: "eu", cost: "2" }],
          available: 3,
        },
        {
          id: "old",
          stallId: "tea",
          name: "Cup",
          type: "simple",
          price: "100",
          currency: "EUR",
          digital: false,
          active: true,
          deleted: true,
          shipping: [],
          available: 5,
        },
      ],
      stalls: [{
        id: "tea",
        name: "Tea",
        currency: "EUR",
        zones: [{ id: "eu", name: "Europe", cost: "1.5", regions: ["DE"] }],
      }],
    });
  },
);

Deno.test("getProduct() of an id that two merchants use asks back", async () => {
  await using database = await freshDatabase();
  for (const pubkey of [merchant, "bb".repeat(32)]) {
    const shop = await Shop.open(database, pubkey);
    await shop.stall();
    await shop.product();
  }
  const unclear = await getProduct(database.kysely, { id: "cup" });
  assert(!unclear.ok && unclear.code === "conflict");
});
