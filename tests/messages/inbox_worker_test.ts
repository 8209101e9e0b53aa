import { assert, assertEquals } from "@std/assert";
import { Lease } from "../../src/jobs/lease.ts";
import type { MerchantSigner } from "../../src/nostr/signer.ts";
import { orderJson, requestIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { signerThatFails } from "../support/failing_signer.ts";
import { recordingLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";
import { bodiesRead } from "./inbox_rows.ts";

async function inboxRows(shop: Shop) {
  return await shop.database.kysely.selectFrom("inbox").selectAll().orderBy("seq").execute();
}

onEachDatabase(
  "a sender above the rate waits and loses nothing: each message has its turn, in order",
  async (database) => {
    await using shop = await Shop.open({ database, rate: { count: 3, perMs: 3_000 } });
    const alice = shop.customer();
    for (let i = 1; i <= 6; i++) await alice.writes(`${i}`);
    await shop.customer("bob").writes("from bob");
    await shop.settle();
    assertEquals((await bodiesRead(shop.database)).sort(), ["1", "2", "3", "from bob"]);
    const opened = (await inboxRows(shop)).filter((row) => row.state === "new");
    assertEquals(opened.map((row) => row.next_at - shop.clock.now()), [1_000, 2_000, 3_000]);
    assert(opened.every((row) => row.attempts === 0));
    // What comes later has its turn after what waits, also when the bucket has refilled a little.
    await shop.pass(1_000);
    await alice.writes("7");
    await shop.settle();
    for (let i = 0; i < 4; i++) await shop.pass(1_000);
    assertEquals((await bodiesRead(shop.database)).filter((body) => body !== "from bob"), [
      "1",
      "2",
      "3",
      "4",
      "5",
      "6",
      "7",
    ]);
  },
);

Deno.test("a message that fails holds up what its sender wrote later, and nobody else", async () => {
  const { log, lines } = recordingLog();
  await using shop = await Shop.open({ log });
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const terms = { rate: shop.terms.rate };
  shop.terms.rate = () => {
    throw new Error("planted");
  };
  await shop.shelf.product({ id: "pot", name: "Pot", price: "5.00", currency: "EUR" });
  assertEquals(await alice.orders({ id: "1", items: [{ product_id: "pot", quantity: 1 }] }), []);
  assertEquals(await alice.orders({ id: "2" }), []);
  requestIn(await bob.orders({ id: "3" }));
  assert(lines.some((line) => line.event === "inbox.undecided"));
  Object.assign(shop.terms, terms);
  await shop.pass(2_000);
  assertEquals((await bodiesRead(shop.database)).map((body) => JSON.parse(body).id), ["3", "1", "2"]);
  assertEquals((await alice.hears()).map((answer) => answer.id).toSorted(), ["1", "2"]);
});

Deno.test("a message that fails again and again is left to people, and its sender is heard again", async () => {
  const { log, lines } = recordingLog();
  await using shop = await Shop.open({ log });
  const alice = shop.customer();
  await shop.shelf.product({ id: "pot", name: "Pot", price: "5.00", currency: "EUR" });
  shop.terms.rate = () => {
    throw new Error("planted");
  };
  await alice.orders({ id: "1", items: [{ product_id: "pot", quantity: 1 }] });
  await alice.orders({ id: "2" });
  for (let i = 0; i < 14; i++) await shop.pass(301_000);
  assertEquals(lines.filter((line) => line.event === "inbox.dead").length, 1);
  assertEquals((await inboxRows(shop)).map((row) => row.state), ["dead", "done"]);
  assertEquals((await alice.hears()).map((answer) => answer.id), ["2"]);
});

Deno.test("what is for a merchant who isn't served waits, is hardly looked at, and holds up nobody", async () => {
  await using shop = await Shop.open();
  const other = "bb".repeat(32);
  const alice = shop.customer();
  for (let i = 0; i < 150; i++) {
    await shop.database.transaction((tx) =>
      tx.insertInto("inbox").values({
        merchant: other,
        event_id: String(i).padStart(64, "0"),
        kind: 4,
        author: alice.pubkey,
        event: "{}",
        relay: "",
        received_at: 0,
        state: "new",
        attempts: 0,
        next_at: 0,
      }).execute()
    );
  }
  requestIn(await alice.orders());
  const rows = (await inboxRows(shop)).filter((row) => row.merchant === other);
  assert(rows.every((row) => row.state === "new" && row.attempts === 0));
  assertEquals(new Set(rows.map((row) => row.next_at)), new Set([shop.clock.now() + 60_000]));
});

Deno.test("the merchant is served again: what waited is answered", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  shop.served = false;
  assertEquals(await alice.orders(), []);
  shop.served = true;
  await shop.pass(61_000);
  requestIn(await alice.hears());
});

Deno.test("while the signer is down messages wait, in order, and none is lost", async () => {
  let down = true;
  await using shop = await Shop.open({ signer: (own: MerchantSigner) => signerThatFails(own, () => down) });
  const alice = shop.customer("alice", "nip17");
  for (const id of ["1", "2"]) assertEquals(await alice.orders({ id }), []);
  await shop.pass(1_500);
  down = false;
  await shop.pass(5_000);
  assertEquals((await bodiesRead(shop.database)).map((body) => JSON.parse(body).id), ["1", "2"]);
  // The answers of two orders don't wait for each other.
  assertEquals((await alice.hears()).map((answer) => answer.id).toSorted(), ["1", "2"]);
});

onEachDatabase("the same rumor in another wrap is the same message", async (database) => {
  await using shop = await Shop.open({ database });
  const alice = shop.customer("alice", "nip17");
  const at = Math.floor(shop.clock.now() / 1000);
  await alice.writes(orderJson(), { at });
  await alice.writes(orderJson(), { at });
  await shop.settle();
  requestIn(await alice.hears());
  assertEquals((await inboxRows(shop)).map((row) => [row.state, row.reason]), [["done", "order"], [
    "dropped",
    "duplicate rumor",
  ]]);
});

onEachDatabase(
  "chat is kept for people with what no database takes left out, and not answered",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    assertEquals(await alice.says("Is it\u0000 dishwasher\u0007-proof?\r\n\u202eThanks"), []);
    assertEquals(await bodiesRead(shop.database), ["Is it dishwasher-proof?\nThanks"]);
  },
);

Deno.test("machines' words that no order is are kept, change nothing and are never answered", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  for (
    const words of [
      { id: "order-1", type: 2, paid: true, shipped: true, message: "thanks" },
      { id: "order-1", type: 1, message: "pay me", payment_options: [] },
      { type: 7 },
      [1, 2, 3],
    ]
  ) assertEquals(await alice.says(words), []);
  const { payment, id } = await shop.order();
  assertEquals(payment, "awaiting");
  const kept = await shop.database.kysely.selectFrom("messages").select(["type", "order_id"])
    .where("type", "=", "claim").orderBy("seq").execute();
  assertEquals(kept.map((row) => row.order_id), [id, id, null, null]);
  await alice.pays(request);
});

Deno.test("what can't be opened or isn't ours is dropped with the reason", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const event = await alice.writes("hello");
  await shop.settle();
  await shop.receive({ ...event, id: "0".repeat(64), content: "rubbish?iv=AAAA" });
  await shop.receive({ ...event, id: "1".repeat(64), tags: [["p", "cc".repeat(32)]] });
  await shop.settle();
  assertEquals((await inboxRows(shop)).map((row) => row.state), ["done", "dropped", "dropped"]);
});

onEachDatabase(
  "one process reads the inbox; when it is gone, or stalls, another does, and nothing is done twice",
  async (database) => {
    await using first = await Shop.open({ database });
    await using second = await first.another();
    const alice = first.customer();
    requestIn(await alice.orders({ id: "1" }));
    // The first one's lease runs out while it stands still with a batch in its hands.
    await first.inbox.stop();
    await alice.writes(orderJson({ id: "2" }));
    await second.pass(9_000);
    requestIn(await alice.hears());
  },
);

Deno.test("an idle worker doesn't write: the lease is prolonged every few seconds alone", async () => {
  await using shop = await Shop.open();
  await shop.settle();
  const renewals: number[] = [];
  const renew = Lease.prototype.renew;
  Lease.prototype.renew = function () {
    renewals.push(shop.clock.now());
    return renew.call(this);
  };
  try {
    for (let i = 0; i < 12; i++) await shop.clock.advance(1_000);
  } finally {
    Lease.prototype.renew = renew;
  }
  assert(renewals.length <= 4, `${renewals.length} in 12 s`);
});
