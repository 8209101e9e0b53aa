import { assert, assertEquals } from "@std/assert";
import { orderJson, refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

const cups = (quantity: number) => [{ product_id: "cup", quantity }];

onEachDatabase(
  "another quantity while unpaid: new invoice, hold and expiry; the old invoice is watched",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    const first = requestIn(await alice.orders());
    await shop.pass(600_000);
    const second = requestIn(await alice.orders({ items: cups(3) }));
    assert(second.payment_options![0]!.link !== first.payment_options![0]!.link);
    assertEquals(second.payment_options![0]!.amount_sats, 300);
    assert(second.payment_options![0]!.expiry > 890, "a full time to pay");
    assertEquals(await shop.stock(), { onHand: 5, held: 3 });

    // The old one is paid instead: a part, and the rest is asked for.
    const [rest] = await alice.pays(first);
    assertEquals(rest!.payment_options![0]!.amount_sats, 200);
    assert(rest!.message!.startsWith("We received 100 sat of 300 sat. Please pay the rest: 200 sat."));
    assertEquals(toldIn(await alice.pays(rest!)), [
      "processing, paid: Payment received: 300 sat. Thank you!",
    ]);
    assertEquals(await shop.stock(), { onHand: 2, held: 0 });
  },
);

Deno.test("A, B and A again: each change is taken, one invoice is open, the last one sells", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const links = [];
  for (const quantity of [1, 2, 1]) {
    links.push(requestIn(await alice.orders({ items: cups(quantity) })).payment_options![0]!.link);
  }
  assertEquals(new Set(links).size, 3);
  const open = await shop.database.kysely.selectFrom("invoices").select(["bolt11", "state"]).execute();
  assertEquals(open.filter((one) => one.state === "open").map((one) => one.bolt11), [links[2]!]);
  assertEquals(await shop.stock(), { onHand: 5, held: 1 });
  assertEquals((await shop.order()).revision, 3);
  await alice.pays(links[2]!);
  assertEquals(await shop.stock(), { onHand: 4, held: 0 });
});

Deno.test("another address leaves the total, and so the invoice and its time, as they were", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const first = requestIn(await alice.orders());
  const { expires_at } = await shop.order();
  await shop.pass(300_000);
  const second = requestIn(await alice.orders({ address: "2 Other Street" }));
  assertEquals(second.payment_options![0]!.link, first.payment_options![0]!.link);
  const order = await shop.order();
  assertEquals([order.address, order.expires_at], ["2 Other Street", expires_at]);
});

Deno.test("other goods at the same price change the hold and not the invoice", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "bowl", name: "Bowl" });
  const alice = shop.customer();
  const first = requestIn(await alice.orders());
  const second = requestIn(await alice.orders({ items: [{ product_id: "bowl", quantity: 1 }] }));
  assertEquals(second.payment_options![0]!.link, first.payment_options![0]!.link);
  assert(second.message!.startsWith("1 × Bowl"));
  assertEquals([await shop.stock("cup"), await shop.stock("bowl")], [
    { onHand: 5, held: 0 },
    { onHand: 5, held: 1 },
  ]);
});

Deno.test("a change while the invoice is being made: one invoice goes out, and it is the changed order's", async () => {
  await using shop = await Shop.open();
  shop.wallet.faults.next("createInvoice", { do: "delay", ms: 3_000 });
  const alice = shop.customer();
  await alice.writes(orderJson());
  await shop.inbox.settled();
  await alice.writes(orderJson({ items: cups(4) }));
  await shop.inbox.settled();
  await shop.clock.advance(3_000);
  await shop.settle();
  assertEquals(requestIn(await alice.hears()).payment_options![0]!.amount_sats, 400);
});

Deno.test("more than there is: refused with what there is, and the order stands as it was", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const first = requestIn(await alice.orders({ items: cups(2) }));
  const reason = refusalIn(await alice.orders({ items: cups(6) }));
  assertEquals(
    reason,
    'This order can\'t be changed: Only 5 of "Cup" left. It stands as it was. Its payment request stays valid.',
  );
  assertEquals(await shop.stock(), { onHand: 5, held: 2 });
  await alice.pays(first);
  assertEquals(await shop.stock(), { onHand: 3, held: 0 });
});

Deno.test("what can't be read or priced changes nothing", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const first = requestIn(await alice.orders());
  assert(
    refusalIn(await alice.orders({ items: [] })).includes("The order has no items. It stands as it was."),
  );
  assert(refusalIn(await alice.orders({ items: [{ product_id: "moon", quantity: 1 }] })).includes("moon"));
  const order = await shop.order();
  assertEquals([order.payment, order.total_msat], ["awaiting", 100_000]);
  assertEquals((await alice.pays(first)).length, 1);
});

Deno.test("a part is paid: a change is refused and neither lines nor hold move", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders({ items: cups(2) })), { amountMsat: 50_000n });
  assert(refusalIn(await alice.orders({ items: cups(5) })).includes("Part of it is already paid."));
  assertEquals(await shop.stock(), { onHand: 5, held: 2 });
  const items = await shop.database.kysely.selectFrom("order_items").select("quantity").execute();
  assertEquals(items.map((item) => item.quantity), [2]);
});

Deno.test("what was written before the version that we have doesn't take its place", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const now = Math.floor(shop.clock.now() / 1000);
  await alice.orders({ items: cups(3) }, { at: now });
  const answer = requestIn(await alice.orders({ items: cups(1) }, { at: now - 60 }));
  assertEquals(answer.payment_options![0]!.amount_sats, 300);
  assertEquals((await shop.order()).total_msat, 300_000);
});

Deno.test("while the shop is closed a change of the total is refused, another address is not", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  shop.terms.closed = "We're at the sea until Monday.";
  assert(refusalIn(await alice.orders({ items: cups(2) })).includes("We're at the sea until Monday."));
  requestIn(await alice.orders({ address: "2 Other Street" }));
});
