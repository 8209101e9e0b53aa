import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { alert } from "../../src/alert.ts";
import { listNotices } from "../../src/notifications/notices_store.ts";
import { adjust } from "../../src/stock/stock.ts";
import { requestIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { keyPair } from "../support/keys.ts";
import { Shop } from "../support/shop.ts";

const owner = keyPair("olivia").pubkey;
const partner = keyPair("pavel").pubkey;

const heard = async (shop: Shop, name = "olivia") =>
  (await shop.customer(name).hears()).map((one) => one.raw);

onEachDatabase(
  "an owner hears of a paid order once, with what to do and nothing of the customer",
  async (database) => {
    await using shop = await Shop.open({ database, owners: [owner] });
    const alice = shop.customer();
    await alice.pays(requestIn(await alice.orders()));
    const order = await shop.order();
    assertEquals(await heard(shop), [
      `[ncc] Order ${order.id.slice(0, 8)} is paid: 100 sat.\nncc order show ${order.id}`,
    ]);
  },
);

onEachDatabase(
  "the same fact is told once, however often and by however many processes it is found",
  async (database) => {
    await using shop = await Shop.open({ database, owners: [owner] });
    await using other = await shop.another();
    for (const process of [shop, other, shop]) {
      await database.transaction((tx) =>
        alert(
          tx,
          { merchant: shop.merchant, kind: "payment_unmatched", fact: "payment:1:unmatched" },
          shop.clock.now(),
        )
      );
      await process.settle();
    }
    assertEquals(await heard(shop), [
      "[ncc] A payment came that belongs to no order.\nGET /api/v1/payments/unmatched",
    ]);
  },
);

Deno.test("every owner is told, the merchant's own key never", async () => {
  const merchant = keyPair("merchant").pubkey;
  await using shop = await Shop.open({ owners: [owner, partner, merchant] });
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()));
  assertEquals([(await heard(shop)).length, (await heard(shop, "pavel")).length], [1, 1]);
  const dms = await shop.database.kysely.selectFrom("outbox_events").select("event")
    .where("purpose", "like", "notice:%").execute();
  assertEquals(dms.length, 2);
});

Deno.test("an owner with a list of relays for messages (kind 10050) is told by NIP-17, another by NIP-04", async () => {
  await using shop = await Shop.open({ owners: [owner, partner], relays: ["wss://relay.example"] });
  await shop.database.kysely.insertInto("recipient_relays").values([
    {
      pubkey: owner,
      dm_relays: '["wss://inbox.example"]',
      read_relays: "[]",
      looked_up_at: shop.clock.now(),
    },
    { pubkey: partner, dm_relays: "[]", read_relays: "[]", looked_up_at: shop.clock.now() },
  ]).execute();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()));
  const [toOlivia] = await shop.customer("olivia").hears();
  const [toPavel] = await shop.customer("pavel").hears();
  assertEquals([toOlivia?.envelope, toPavel?.envelope], ["nip17", "nip04"]);
});

Deno.test("a kind that is switched off is listed and not told", async () => {
  await using shop = await Shop.open({ owners: [owner], notify: ["-order_paid"] });
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders({ items: [{ product_id: "cup", quantity: 5 }] })));
  assertEquals(await heard(shop), ["[ncc] Product cup is sold out."]);
  const notices = await listNotices(shop.database.kysely, {}, { limit: 10 });
  assertEquals(notices.map(({ kind, state }) => [kind, state]), [["order_paid", "off"], [
    "sold_out",
    "told",
  ]]);
});

Deno.test("what owners are told isn't kept with anybody's conversation", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()));
  const rows = await shop.database.kysely.selectFrom("messages").select("customer").distinct().execute();
  assertEquals(rows.map((row) => row.customer), [alice.pubkey]);
});

Deno.test("sold out is told each time the last piece is sold, not at a hold and not before", async () => {
  await using shop = await Shop.open({ owners: [owner], notify: ["sold_out"] });
  const alice = shop.customer();
  const all = requestIn(await alice.orders({ items: [{ product_id: "cup", quantity: 5 }] }));
  assertEquals(await heard(shop), []);
  await alice.pays(all);
  await shop.database.transaction((tx) =>
    adjust(tx, { merchant: shop.merchant, productId: "cup", change: { add: 2 }, now: shop.clock.now() })
  );
  const bob = shop.customer("bob");
  await bob.pays(requestIn(await bob.orders()));
  assertEquals((await heard(shop)).length, 1);
  const carol = shop.customer("carol");
  await carol.pays(requestIn(await carol.orders()));
  assertEquals(await heard(shop), Array(2).fill("[ncc] Product cup is sold out."));
});

Deno.test("a burst of paid orders is told one by one, then summed up; what is urgent isn't", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  const { merchant, clock } = shop;
  const tell = (kind: "order_paid" | "refund_due", n: number) =>
    shop.database.transaction((tx) => alert(tx, { merchant, kind, fact: `${kind}:${n}` }, clock.now()));
  for (let n = 0; n < 57; n++) await tell("order_paid", n);
  await tell("refund_due", 1);
  await shop.settle();
  const first = await heard(shop);
  assertEquals(first.length, 21);
  assertEquals(first.filter((text) => text.includes("refund")).length, 1);
  await shop.pass(10 * 60_000);
  const last = (await heard(shop)).at(-1)!;
  assertEquals(last, "[ncc] 37 more orders were paid. ncc order list --payment paid");
  await tell("order_paid", 100);
  await shop.settle();
  assertEquals((await heard(shop)).length, 23);
});

Deno.test("an owner hears of it although the merchant isn't served for an hour", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  shop.served = false;
  await shop.database.transaction((tx) =>
    alert(
      tx,
      { merchant: shop.merchant, kind: "wallet_down", fact: "w:1", detail: "no answer" },
      shop.clock.now(),
    )
  );
  for (let i = 0; i < 60; i++) await shop.pass(60_000);
  assertEquals(await heard(shop), []);
  shop.served = true;
  await shop.pass(61_000);
  const [text] = await heard(shop);
  assertMatch(text!, /^\[ncc\] The wallet doesn't answer\./);
  assertStringIncludes(text!, "no answer");
});
