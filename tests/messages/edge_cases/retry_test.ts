import { assert, assertEquals } from "@std/assert";
import { checkBooks } from "../../support/books.ts";
import { refusalIn, requestIn } from "../../support/customer.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { Shop } from "../../support/shop.ts";

const cups = (quantity: number) => ({ items: [{ product_id: "cup", quantity }] });

onEachDatabase(
  "#3 a refused order comes corrected under its id: taken, held and invoiced anew",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    for (const wrong of [{ items: [] }, { items: [{ product_id: "moon", quantity: 1 }] }, cups(6), cups(0)]) {
      refusalIn(await alice.orders(wrong));
    }
    const request = requestIn(await alice.orders({ ...cups(2), address: "2 Other Street" }));
    assertEquals(request.payment_options![0]!.amount_sats, 200);
    assert(request.payment_options![0]!.expiry > 890);
    const order = await shop.order();
    assertEquals([order.payment, order.reason, order.total_msat, order.address], [
      "awaiting",
      null,
      200_000,
      "2 Other Street",
    ]);
    assertEquals(await shop.stock(), { onHand: 5, held: 2 });
    await alice.pays(request);
    assertEquals(await shop.stock(), { onHand: 3, held: 0 });
    await checkBooks(shop);
    assertEquals((await shop.timeline(order)).filter((line) => line.startsWith("Asked for again")), [
      "Asked for again and refused: We have no product moon.",
      'Asked for again and refused: Only 5 of "Cup" left.',
      "Asked for again and refused: Line 1: the quantity of cup must be a whole number from 1 to 10000.",
      "Asked for again and taken this time: 200 sat.",
    ]);
  },
);

Deno.test("#3 a refused order is asked for again unchanged: the answer is the one of now", async () => {
  await using shop = await Shop.open({ terms: { closed: "We're at the sea until Monday." } });
  const alice = shop.customer();
  assertEquals(refusalIn(await alice.orders()), "We're at the sea until Monday.");
  assertEquals(refusalIn(await alice.orders()), "We're at the sea until Monday.");
  shop.terms.closed = null;
  requestIn(await alice.orders());
  assertEquals((await shop.orders()).length, 1);
});

Deno.test("#3 an order that failed for want of a wallet is tried again when it is asked for again", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  shop.walletThere = false;
  refusalIn(await alice.orders());
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  shop.walletThere = true;
  await alice.pays(requestIn(await alice.orders()));
  assertEquals((await shop.order()).payment, "paid");
  await checkBooks(shop);
});

Deno.test("#3 an older version of a refused order isn't tried: the reason is repeated", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const at = Math.floor(shop.clock.now() / 1000);
  const reason = refusalIn(await alice.orders(cups(6), { at }));
  assertEquals(refusalIn(await alice.orders(cups(1), { at: at - 1 })), reason);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("#3 what expired or was cancelled isn't revived by a correction: it is told why it ended", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  requestIn(await alice.orders({ id: "1" }));
  requestIn(await alice.orders({ id: "2" }));
  await shop.happens(await shop.order("2"), { type: "merchantCancelled", reason: "The kiln broke" });
  await shop.pass(900_001);
  await alice.hears();
  assertEquals(
    refusalIn(await alice.orders({ id: "1", ...cups(2) })),
    "This order expired before it was paid. Please order again.",
  );
  assertEquals(refusalIn(await alice.orders({ id: "2", ...cups(2) })), "The kiln broke.");
  assertEquals((await shop.wallet.invoices()).length, 2);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("#3 a refused order counts towards the cap when it is tried again", async () => {
  await using shop = await Shop.open({ terms: { maxOpenOrders: 1 } });
  const alice = shop.customer();
  refusalIn(await alice.orders({ id: "1", ...cups(6) }));
  requestIn(await alice.orders({ id: "2" }));
  assert(refusalIn(await alice.orders({ id: "1", ...cups(1) })).startsWith("You have 1 unpaid orders here"));
  assertEquals(await shop.stock(), { onHand: 5, held: 1 });
});

Deno.test("#3 a late payment for an order that was tried again pays it as it stands now", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const first = requestIn(await alice.orders());
  await shop.happens(await shop.order(), { type: "stockRefused", reason: "A cup broke" });
  refusalIn(await alice.hears());
  requestIn(await alice.orders(cups(2)));
  // The first invoice is still watched: it is a part of what the order costs now.
  assertEquals(requestIn(await alice.pays(first)).payment_options![0]!.amount_sats, 100);
  await checkBooks(shop);
});
