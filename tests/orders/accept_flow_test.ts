import { assertEquals } from "@std/assert";
import { accept } from "../../src/orders/accept.ts";
import type { OrderRow } from "../../src/orders/orders_store.ts";
import { adjust } from "../../src/stock/stock.ts";
import { checkBooks } from "../support/books.ts";
import { requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

/** The merchant accepts the only order; answers what the life cycle refused it with, or null. */
async function accepts(shop: Shop): Promise<string | null> {
  const { id } = await shop.order();
  const { outcome } = await shop.database.transaction((tx) => accept(tx, id, shop.clock.now()));
  await shop.settle();
  return outcome.ignored ? outcome.timeline : null;
}

onEachDatabase(
  "a part payment is taken as the whole: sold, told, and the rest isn't asked for any more",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    const rest = requestIn(await alice.pays(requestIn(await alice.orders()), { amountMsat: 40_000n }));
    assertEquals(await accepts(shop), null);
    assertEquals(toldIn(await alice.hears()).length, 1);
    assertEquals([(await shop.order()).payment, await shop.stock()], ["paid", { onHand: 4, held: 0 }]);
    await checkBooks(shop);
    // Whoever pays the rest all the same has paid too much.
    await alice.pays(rest);
    assertEquals((await shop.order()).received_msat, 100_000);
    await checkBooks(shop);
  },
);

Deno.test("what nobody paid can't be accepted: only the wallet says paid", async () => {
  await using shop = await Shop.open();
  await shop.customer().orders();
  assertEquals(
    await accepts(shop),
    "Nothing changed: nothing has been paid, and only the wallet can say that it was.",
  );
  assertEquals((await shop.order()).payment, "awaiting");
});

Deno.test("an excess is kept as the customer's credit", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const old = requestIn(await alice.orders());
  const now = requestIn(await alice.orders({ items: [{ product_id: "cup", quantity: 2 }] }));
  await alice.pays(now);
  await alice.pays(old);
  assertEquals((await shop.order()).payment, "refund_due");
  assertEquals(await accepts(shop), null);
  assertEquals((await shop.order()).payment, "overpaid");
  assertEquals(toldIn(await alice.hears())[0]!.includes("stays here as your credit"), true);
  await checkBooks(shop);
});

Deno.test("an order whose money was to go back is taken after all while the goods are there, else not", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const request = requestIn(await alice.orders({ items: [{ product_id: "cup", quantity: 5 }] }));
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "The kiln broke" });
  await alice.pays(request);
  const [{ id }] = await shop.orders() as [OrderRow];
  const accepted = () => shop.database.transaction((tx) => accept(tx, id, shop.clock.now()));
  await bob.pays(requestIn(await bob.orders({ id: "bobs" })));
  assertEquals(
    (await accepted()).outcome.timeline,
    "Nothing changed: there isn't enough stock to accept it.",
  );
  await shop.database.transaction((tx) =>
    adjust(tx, { merchant: shop.merchant, productId: "cup", change: { add: 1 }, now: shop.clock.now() })
  );
  assertEquals((await accepted()).order.payment, "paid");
  await shop.settle();
  await checkBooks(shop);
});
