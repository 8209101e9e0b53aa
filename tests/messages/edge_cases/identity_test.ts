import { assert, assertEquals } from "@std/assert";
import { Customer, orderJson, refusalIn, requestIn, toldIn } from "../../support/customer.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { Shop } from "../../support/shop.ts";

const cups = (quantity: number) => ({ items: [{ product_id: "cup", quantity }] });
const cancellation = (id: string) => ({ id, type: 3, status: "cancelled" });

async function inbox(shop: Shop, merchant = shop.merchant): Promise<[string, string | null][]> {
  const rows = await shop.database.kysely.selectFrom("inbox").select(["state", "reason"])
    .where("merchant", "=", merchant).orderBy("seq").execute();
  return rows.map((row) => [row.state, row.reason]);
}

Deno.test("#1 same id, different pubkey: an order of its own, which neither shows nor touches the first", async () => {
  await using shop = await Shop.open();
  const [alice, mallory] = [shop.customer("alice"), shop.customer("mallory", "nip17")];
  const hers = requestIn(await alice.orders(cups(2)));
  const his = requestIn(await mallory.orders(cups(1)));
  assertEquals(his.payment_options![0]!.amount_sats, 100);
  requestIn(await mallory.orders({ ...cups(2), address: "3 Mallory Lane" }));
  refusalIn(await mallory.says(cancellation("order-1")));
  assertEquals(await alice.hears(), []);
  const order = (await shop.orders()).find((one) => one.customer === alice.pubkey)!;
  assertEquals([order.payment, order.address, order.total_msat], ["awaiting", "1 Example Street", 200_000]);
  assertEquals((await alice.pays(hers)).length, 1);
  assertEquals(await mallory.hears(), []);
});

onEachDatabase(
  "#2 same id, same pubkey, identical body: the same invoice, nothing held twice",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    const first = requestIn(await alice.orders(cups(2)));
    const event = await alice.writes(orderJson(cups(2)), { relay: "wss://one.example" });
    await shop.receive(event, "wss://two.example");
    await shop.settle();
    const second = requestIn(await alice.hears());
    const third = requestIn(await alice.orders(cups(2), { envelope: "nip17" }));
    const links = [first, second, third].map((request) => request.payment_options![0]!.link);
    assertEquals(new Set(links).size, 1);
    assertEquals(await shop.stock(), { onHand: 5, held: 2 });
    assertEquals((await shop.orders()).length, 1);
  },
);

Deno.test("#2 the same after a restart: relays bring everything again, and it is answered once", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  const events = [];
  let link: string;
  {
    await using shop = await Shop.open({ database, clock });
    const alice = shop.customer();
    for (const envelope of ["nip04", "nip17"] as const) {
      events.push(await alice.writes(orderJson({ id: envelope }), { envelope }));
    }
    await shop.settle();
    const answers = await alice.hears();
    assertEquals(answers.map((answer) => answer.type), [1, 1]);
    link = answers.find((answer) => answer.id === "nip04")!.payment_options![0]!.link;
  }
  {
    await using shop = await Shop.process({ database, clock });
    const alice = shop.customer();
    await alice.hears();
    for (const event of events) await shop.receive(event, "wss://another.example");
    await shop.settle();
    assertEquals(await alice.hears(), []);
    const again = requestIn(await alice.orders({ id: "nip04" }));
    assertEquals(again.payment_options![0]!.link, link);
    assertEquals(await shop.stock(), { onHand: 5, held: 2 });
  }
});

Deno.test("#3 same id, same pubkey, changed body: a new invoice while unpaid, a refusal after payment", async () => {
  for (const envelope of ["nip04", "nip17"] as const) {
    await using shop = await Shop.open();
    const alice = shop.customer("alice", envelope);
    const first = requestIn(await alice.orders(cups(1)));
    const second = requestIn(await alice.orders(cups(2)));
    assert(first.payment_options![0]!.link !== second.payment_options![0]!.link);
    await alice.pays(second);
    assertEquals(toldIn(await alice.orders(cups(3))), [
      "processing, paid: This order is paid and can't be changed any more. It stands as it was.",
    ]);
    assertEquals(await shop.stock(), { onHand: 3, held: 0 });
    // The replaced invoice is watched all the same: who pays it too gets that money back.
    assertEquals((await alice.pays(first))[0]!.message!.includes("You'll get that back"), true);
  }
});

Deno.test("#4 an old order replayed by a relay: nothing happens, in either envelope", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const now = Math.floor(shop.clock.now() / 1000);
  const first = await alice.writes(orderJson(cups(1)));
  await shop.settle();
  requestIn(await alice.hears());
  requestIn(await alice.orders(cups(2)));
  await shop.pass(3 * 24 * 3_600_000);
  await shop.receive(first, "wss://archive.example");
  // The same rumor in a wrap of today, and orders of three days ago under ids that we never saw.
  await alice.writes(orderJson({ id: "old rumor" }), { envelope: "nip17", at: now });
  await alice.writes(orderJson({ id: "old rumor" }), { envelope: "nip17", at: now });
  await alice.writes(orderJson({ id: "old kind 4" }), { at: now });
  await shop.settle();
  assertEquals(await alice.hears(), []);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  assertEquals((await shop.order("order-1")).total_msat, 200_000);
  // They are listed for the merchant.
  for (const id of ["old rumor", "old kind 4"]) {
    const order = await shop.order(id);
    assertEquals([order.payment, order.reason!.includes("too late")], ["rejected", true]);
  }
  // Who sends such an order again is asking now.
  requestIn(await alice.orders({ id: "old kind 4" }));
});

Deno.test("#5 orders by the merchant's own key: never taken, in either envelope", async () => {
  await using shop = await Shop.open();
  for (const envelope of ["nip04", "nip17"] as const) {
    const self = shop.customer("merchant", envelope);
    assertEquals(self.pubkey, shop.merchant);
    await self.writes(orderJson());
    await self.writes("a note to myself");
  }
  await shop.settle();
  assertEquals(await shop.orders(), []);
  assert((await inbox(shop)).every(([state]) => state === "dropped"));
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("#5 merchant → merchant on one server: whoever the p tag names answers, and takes the other for a customer", async () => {
  await using shop = await Shop.open();
  const neighbour = await shop.neighbour("neighbour");
  for (const envelope of ["nip04", "nip17"] as const) {
    const buyer = shop.customer("neighbour", envelope);
    await buyer.hears();
    assertEquals(buyer.pubkey, neighbour.merchant);
    const request = requestIn(await buyer.orders({ id: envelope }));
    await buyer.pays(request);
    const order = await shop.order(envelope);
    assertEquals([order.merchant, order.customer, order.payment], [
      shop.merchant,
      neighbour.merchant,
      "paid",
    ]);
  }
  assertEquals(await inbox(shop, neighbour.merchant), []);
});

Deno.test("#5 two merchants on one server buy from each other, and each order is the seller's", async () => {
  await using shop = await Shop.open();
  const neighbour = await shop.neighbour("neighbour");
  const theirs = new Customer(neighbour, "merchant", "nip04");
  requestIn(await shop.customer("neighbour").orders({ id: "from us" }));
  await theirs.hears();
  requestIn(await theirs.orders({ id: "from them" }));
  assertEquals((await shop.order("from us")).merchant, shop.merchant);
  assertEquals((await shop.order("from them")).merchant, neighbour.merchant);
});

Deno.test("#6 bots that answer each other: what the shop says is never answered, by itself or by another", async () => {
  await using shop = await Shop.open();
  const neighbour = await shop.neighbour("neighbour");
  const [buyer, theirs] = [shop.customer("neighbour"), new Customer(neighbour, "merchant", "nip04")];
  const said = [
    ...await buyer.orders(),
    ...await buyer.orders({ id: "no such product", items: [{ product_id: "moon", quantity: 1 }] }),
    ...await buyer.orders({ id: "p", stall_id: "moon" }),
    ...await buyer.orders({ id: "q", stallId: "tea" }),
  ];
  said.push(...await buyer.pays(said[0]!));
  assert(said.some((answer) => answer.type === 1) && said.some((answer) => answer.type === 2));
  // Each of these answers reaches the neighbour's bot, and an echo brings them back to ours.
  for (const answer of said) {
    assertEquals(await theirs.says(answer.raw), []);
    assertEquals(await buyer.says(answer.raw), []);
  }
  const bots = await shop.database.kysely.selectFrom("inbox").select("seq").where("reason", "=", "bot")
    .execute();
  assertEquals(bots.length, 2 * said.length);
});

Deno.test("#6 two processes on one key: one of them answers, once", async () => {
  await using shop = await Shop.open();
  await using other = await shop.another();
  const alice = shop.customer();
  for (let i = 0; i < 4; i++) {
    await alice.writes(orderJson({ id: `${i % 2}` }), { at: Math.floor(shop.clock.now() / 1000) + i });
  }
  await Promise.all([shop.settle(), other.settle()]);
  assertEquals((await shop.orders()).length, 2);
  assert((await alice.hears()).every((answer) => answer.payment_options!.length === 1));
});
