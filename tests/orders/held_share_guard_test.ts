import { assert, assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { type Origin, place } from "../../src/orders/place.ts";
import type { OrderRequest } from "../../src/orders/types.ts";
import { systemRandom } from "../../src/random.ts";
import { checkBooks } from "../support/books.ts";
import { type Customer, orderJson } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop, type ShopOptions } from "../support/shop.ts";

const MINUTE = 60_000;
const FRESH_KEYS = 1_000;
const ASSIGNED = "assigned at payment";

/** A shop with the guard and so many bowls. */
async function shopWith(bowls: number | null, database?: Database, options: ShopOptions = {}): Promise<Shop> {
  const shop = await Shop.open({
    ...(database && { database }),
    ...options,
    terms: { maxHeldShare: 0.5, maxOpenOrders: 9, ...options.terms },
  });
  await shop.shelf.product({ id: "bowl", name: "Bowl", quantity: bowls });
  return shop;
}

function bowls(quantity: number, id = "1") {
  return orderJson({ id, items: [{ product_id: "bowl", quantity }] });
}

async function orders(shop: Shop, customer: Customer, quantity: number, id = "1") {
  await customer.writes(bowls(quantity, id));
  await shop.settle();
  const [answer] = await customer.hears();
  return answer!;
}

async function pays(shop: Shop, customer: Customer, answer: { payment_options?: { link: string }[] }) {
  await shop.paid(answer.payment_options![0]!.link);
  return await customer.hears();
}

/** Orders of keys that were never seen before, as the inbox would place them: what is guarded comes after the envelopes. */
async function crowd(shop: Shop, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const origin: Origin = {
      merchant: shop.merchant,
      customer: i.toString(16).padStart(64, "0"),
      dialect: "lnbits",
      envelope: "nip04",
      relay: "",
      askedAtSeconds: Math.floor(shop.clock.now() / 1000),
      stale: false,
    };
    const request: OrderRequest = {
      customerOrderId: "1",
      items: [{ productId: "bowl", quantity: 1 }],
      shippingId: null,
      stallId: null,
      name: null,
      address: null,
      message: null,
      contact: {},
      traits: { stallKey: "none" },
    };
    await shop.database.transaction((tx) =>
      place(tx, origin, request, shop.terms, systemRandom, shop.clock.now())
    );
  }
}

onEachDatabase(
  `${FRESH_KEYS.toLocaleString("en")} fresh keys order 10 bowls and don't pay: an honest customer still buys`,
  async (database) => {
    await using shop = await shopWith(10, database);
    // Their invoices and answers would only cost time: nothing of them decides about the stock.
    await shop.jobs.stop();
    await crowd(shop, FRESH_KEYS);
    assertEquals(await shop.stock("bowl"), { onHand: 10, held: 5 });
    const taken = await shop.orders();
    assertEquals([taken.length, taken.filter((order) => order.unheld === 1).length], [
      FRESH_KEYS,
      FRESH_KEYS - 5,
    ]);
    await database.kysely.deleteFrom("jobs").execute();
    await using open = await shop.another();
    const honest = open.customer("honest");
    const answer = await orders(open, honest, 2);
    assert(answer.message!.includes(ASSIGNED), answer.message);
    const [paid] = await pays(open, honest, answer);
    assertEquals([paid!.paid, paid!.status], [true, "processing"]);
    assertEquals(await open.stock("bowl"), { onHand: 8, held: 5 });
    await checkBooks(open);
  },
);

onEachDatabase("who has paid before gets a hold above the share; who hasn't, gets none", async (database) => {
  await using shop = await shopWith(10, database);
  const [regular, first, second] = ["regular", "first", "second"].map((name) => shop.customer(name));
  await pays(shop, regular!, await orders(shop, regular!, 2));
  await orders(shop, first!, 4);
  const without = await orders(shop, second!, 1);
  assert(without.message!.includes(ASSIGNED), without.message);
  const held = await orders(shop, regular!, 3, "2");
  assert(!held.message!.includes(ASSIGNED), held.message);
  assertEquals(await shop.stock("bowl"), { onHand: 8, held: 7 });
  const unheld = (await shop.orders()).find((order) => order.unheld === 1)!;
  assert((await shop.timeline(unheld)).some((line) => line.includes("Assigned at payment")));
  // A third of the usual time, which is what the invoice says, too.
  assertEquals(unheld.expires_at! - unheld.created_at, 5 * MINUTE);
  assert(without.payment_options![0]!.expiry <= 300);
  await checkBooks(shop);
});

Deno.test("a product's only unpaid hold may be greater than the share, and the next one has none", async () => {
  await using shop = await shopWith(1);
  const [first, second] = [shop.customer("first"), shop.customer("second")];
  assert(!(await orders(shop, first, 1)).message!.includes(ASSIGNED));
  assertEquals(await shop.stock("bowl"), { onHand: 1, held: 1 });
  // What is held for somebody is never sold to another.
  assertEquals((await orders(shop, second, 1)).payment_options, []);
  await checkBooks(shop);
});

Deno.test("who alone holds more than the share has less time for it, is told so, and others order as ever", async () => {
  await using shop = await shopWith(4);
  const [regular, fresh] = [shop.customer("regular"), shop.customer("fresh")];
  await pays(shop, regular, await orders(shop, regular, 1));
  const answer = await orders(shop, fresh, 2);
  assert(answer.message!.includes("reserved for you for 10 minutes only"), answer.message);
  assert(answer.payment_options![0]!.expiry <= 600);
  const order = (await shop.orders()).find((one) => one.brief === 1)!;
  assertEquals(order.expires_at! - order.created_at, 10 * MINUTE);
  assert((await shop.timeline(order)).some((line) => line.includes("shorter time")));
  const usual = await orders(shop, regular, 1, "2");
  assert(!usual.message!.includes("only"), usual.message);
  assertEquals(await shop.stock("bowl"), { onHand: 3, held: 3 });
  await shop.pass(11 * MINUTE);
  assertEquals(await shop.stock("bowl"), { onHand: 3, held: 1 });
  await checkBooks(shop);
});

Deno.test("neither a small only hold nor a regular's large one is shortened", async () => {
  await using shop = await shopWith(10);
  const [regular, fresh] = [shop.customer("regular"), shop.customer("fresh")];
  await orders(shop, fresh, 4);
  await shop.pass(16 * MINUTE);
  await pays(shop, regular, await orders(shop, regular, 1));
  await orders(shop, regular, 9, "2");
  for (const order of (await shop.orders()).filter((one) => one.payment !== "paid")) {
    assertEquals([order.brief, order.expires_at! - order.created_at], [0, 15 * MINUTE]);
  }
});

onEachDatabase(
  "a changed order holds no more than the share, even if nobody else orders",
  async (database) => {
    await using shop = await shopWith(4, database);
    const fresh = shop.customer("fresh");
    await orders(shop, fresh, 4);
    assertEquals(await shop.stock("bowl"), { onHand: 4, held: 4 });
    for (const [quantity, held] of [[3, 0], [2, 2], [4, 0]] as const) {
      await shop.pass(MINUTE);
      const answer = await orders(shop, fresh, quantity);
      assertEquals(answer.message!.includes(ASSIGNED), held === 0, answer.message);
      assertEquals(await shop.stock("bowl"), { onHand: 4, held });
    }
    await checkBooks(shop);
  },
);

Deno.test("the share binds nobody where stock is unlimited, or the share is all", async () => {
  await using shop = await shopWith(null);
  for (let i = 0; i < 5; i++) {
    assert(!(await orders(shop, shop.customer(`${i}`), 100)).message!.includes(ASSIGNED));
  }
  await using open = await shopWith(4, undefined, { terms: { maxHeldShare: 1 } });
  for (let i = 0; i < 4; i++) await orders(open, open.customer(`${i}`), 1);
  assertEquals(await open.stock("bowl"), { onHand: 4, held: 4 });
});

onEachDatabase("unheld goods that are gone at payment are paid back", async (database) => {
  await using shop = await shopWith(4, database);
  const [holder, early, late] = ["holder", "early", "late"].map((name) => shop.customer(name));
  await orders(shop, holder!, 2);
  const [a, b] = [await orders(shop, early!, 2), await orders(shop, late!, 1)];
  assertEquals((await pays(shop, early!, a))[0]!.paid, true);
  const [told] = await pays(shop, late!, b);
  assert(told!.message!.includes("back"), told!.message);
  assertEquals((await shop.orders()).map((order) => order.payment).sort(), [
    "awaiting",
    "paid",
    "refund_due",
  ]);
  assertEquals(await shop.stock("bowl"), { onHand: 2, held: 2 });
  await checkBooks(shop);
});

onEachDatabase(
  "an amendment keeps to the share: above it the hold is given up, below it there is one again",
  async (database) => {
    await using shop = await shopWith(10, database);
    const [other, alice] = [shop.customer("other"), shop.customer("alice")];
    await orders(shop, other, 3);
    await orders(shop, alice, 2);
    assertEquals(await shop.stock("bowl"), { onHand: 10, held: 5 });
    await shop.pass(1_000);
    assert((await orders(shop, alice, 4)).message!.includes(ASSIGNED));
    assertEquals(await shop.stock("bowl"), { onHand: 10, held: 3 });
    await shop.pass(1_000);
    assert(!(await orders(shop, alice, 1)).message!.includes(ASSIGNED));
    assertEquals(await shop.stock("bowl"), { onHand: 10, held: 4 });
    await checkBooks(shop);
  },
);

Deno.test("a hold that ends makes room for the next newcomer", async () => {
  await using shop = await shopWith(10);
  await orders(shop, shop.customer("first"), 5);
  assert((await orders(shop, shop.customer("second"), 1)).message!.includes(ASSIGNED));
  await shop.pass(16 * MINUTE);
  assertEquals(await shop.stock("bowl"), { onHand: 10, held: 0 });
  assert(!(await orders(shop, shop.customer("third"), 5)).message!.includes(ASSIGNED));
  assertEquals(await shop.stock("bowl"), { onHand: 10, held: 5 });
  await checkBooks(shop);
});

Deno.test("an order under the shop's least or over its most is refused with the limit, and so is a change to one", async () => {
  const limits = { minTotalMsat: 200_000n, maxTotalMsat: 400_000n };
  await using shop = await Shop.open({ terms: { limits } });
  const alice = shop.customer();
  const asks = async (quantity: number, id: string) => {
    await alice.writes(orderJson({ id, items: [{ product_id: "cup", quantity }] }));
    await shop.settle();
    return (await alice.hears())[0]!;
  };
  const [small, large] = [await asks(1, "small"), await asks(5, "large")];
  assertEquals([small.payment_options, large.payment_options], [[], []]);
  assert(small.message!.includes("200 sat"), small.message);
  assert(large.message!.includes("400 sat"), large.message);
  assertEquals((await asks(2, "good")).payment_options!.length, 1);
  await shop.pass(1_000);
  assert((await asks(5, "good")).message!.includes("400 sat"));
  assertEquals(await shop.stock(), { onHand: 5, held: 2 });
  await checkBooks(shop);
});

Deno.test("the greatest quantity at the greatest price is refused as too much, and nothing overflows", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "moon", name: "Moon", price: 99_999_999_999, quantity: null });
  const alice = shop.customer();
  await alice.writes(orderJson({ items: [{ product_id: "moon", quantity: 10_000 }] }));
  await shop.settle();
  const [answer] = await alice.hears();
  assertEquals(answer!.payment_options, []);
  assert(answer!.message!.includes("the most we take"), answer!.message);
  await checkBooks(shop);
});
