import { assert, assertEquals } from "@std/assert";
import { updateProduct } from "../../../src/catalog/products.ts";
import { productInput } from "../../../src/catalog/product_input.ts";
import { updateStall } from "../../../src/catalog/stalls.ts";
import { stallInput } from "../../../src/catalog/stall_input.ts";
import { checkBooks } from "../../support/books.ts";
import { type Answer, refusalIn, requestIn } from "../../support/customer.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { Shop } from "../../support/shop.ts";

const MINUTE = 60_000;
const cups = (quantity: number) => ({ items: [{ product_id: "cup", quantity }] });
const linkOf = (request: Answer) => request.payment_options![0]!.link;
const satOf = (request: Answer) => request.payment_options![0]!.amount_sats;
const secondsOf = (shop: Shop) => Math.floor(shop.clock.now() / 1000);

async function edit(shop: Shop, change: Record<string, unknown>): Promise<void> {
  const input = productInput.parse({ stall_id: "tea", name: "Cup", price: 100, ...change });
  const o = { merchant: shop.merchant, id: "cup", input, now: shop.clock.now() };
  await shop.database.transaction((tx) => updateProduct(tx, o));
}

onEachDatabase(
  "#25 the price rose while the order was under way: what it was then is paid, and said",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    const written = secondsOf(shop);
    await shop.pass(2_000);
    await edit(shop, { price: 150 });
    await shop.pass(9 * MINUTE);
    const request = requestIn(await alice.orders({ id: "1", ...cups(2) }, { at: written }));
    assertEquals(satOf(request), 200);
    assert(request.message!.includes("The price has changed since you ordered; you pay what it was then."));
    // Written after the change it costs what the shop asks now, and that it has risen is said for a day.
    const after = requestIn(await alice.orders({ id: "2" }));
    assertEquals(satOf(after), 150);
    assert(after.message!.includes("has gone up within the last day"));
    await alice.pays(request);
    await shop.pass(25 * 60 * MINUTE);
    const later = requestIn(await alice.orders({ id: "3" }));
    assertEquals([satOf(later), later.message!.includes("gone up")], [150, false]);
    await checkBooks(shop);
  },
);

Deno.test("#25 who dates an order back gains ten minutes at most", async () => {
  await using shop = await Shop.open();
  const written = secondsOf(shop);
  await shop.pass(2_000);
  await edit(shop, { price: 150 });
  await shop.pass(11 * MINUTE);
  const request = requestIn(await shop.customer().orders({}, { at: written }));
  assertEquals(satOf(request), 150);
  assert(request.message!.includes("has gone up within the last day"));
});

Deno.test("#25 a price that fell is paid as it is now; several changes count by the time of the order", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer(), shop.customer("bob")];
  const first = secondsOf(shop);
  await shop.pass(2_000);
  await edit(shop, { price: 120 });
  await shop.pass(2_000);
  const second = secondsOf(shop);
  await shop.pass(2_000);
  await edit(shop, { price: 110 });
  await shop.pass(2_000);
  assertEquals(satOf(requestIn(await alice.orders({}, { at: first }))), 100);
  const now = requestIn(await bob.orders({}, { at: second }));
  assertEquals([satOf(now), now.message!.includes("since you ordered")], [110, false]);
});

Deno.test("#25 shipping that became dearer is the same; what can't be had any more isn't brought back", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const zones = async (cost: number, id = "world") => {
    const input = stallInput.parse({
      name: "Tea",
      currency: "sat",
      shipping: [{ id, name: "World", cost, regions: [] }],
    });
    const o = { merchant: shop.merchant, id: "tea", input, now: shop.clock.now(), random: shop.shelf.random };
    assert((await shop.database.transaction((tx) => updateStall(tx, o))).ok);
    await shop.pass(2_000);
  };
  await zones(10);
  const written = secondsOf(shop);
  await shop.pass(2_000);
  await zones(30);
  assertEquals(satOf(requestIn(await alice.orders({ id: "1" }, { at: written }))), 110);
  await zones(5, "moon");
  assert(
    refusalIn(await alice.orders({ id: "2", shipping_id: "world" }, { at: written })).startsWith(
      "We don't know the shipping zone",
    ),
  );
});

Deno.test("#25 who only corrects the address keeps the price that was agreed", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const first = requestIn(await alice.orders());
  await shop.pass(2_000);
  await edit(shop, { price: 150 });
  await shop.pass(MINUTE);
  const second = requestIn(await alice.orders({ address: "2 Other Street" }));
  assertEquals([linkOf(second), satOf(second)], [linkOf(first), 100]);
  assertEquals(satOf(requestIn(await alice.orders(cups(2)))), 300);
});
