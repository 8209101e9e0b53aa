import { assert, assertEquals } from "@std/assert";
import { forgetCustomer } from "../../src/app/forget_customer.ts";
import { Retention } from "../../src/app/retention.ts";
import type { Database } from "../../src/db/database.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import { type Customer, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";

const DAY_MS = 24 * 3_600_000;
const ADDRESS = "7 Canary Road, Canarytown";
const order = {
  address: ADDRESS,
  name: "Canary Name",
  message: "ring the Canary bell",
  contact: { nostr: null, phone: "+49 canary" },
};

/** Everything of the tables that hold what people wrote, as text. */
async function held(db: Database): Promise<string> {
  const tables = [
    "orders",
    "messages",
    "inbox",
    "outbox_events",
    "nostr_events",
    "order_timeline",
    "refunds",
    "jobs",
    "notices",
    "idempotency",
  ] as const;
  const rows = await Promise.all(tables.map((table) => db.kysely.selectFrom(table).selectAll().execute()));
  return JSON.stringify(rows);
}

/** Which tables still have something of a person, by what only they hold. */
async function rest(shop: Shop, who: Customer) {
  const db = shop.database.kysely;
  const count = async (rows: Promise<unknown[]>) => (await rows).length;
  const { pubkey } = who;
  return {
    messages: await count(db.selectFrom("messages").select("seq").where("customer", "=", pubkey).execute()),
    inbox: await count(
      db.selectFrom("inbox").select("seq").where("sender", "=", pubkey).where("event", "!=", "").execute(),
    ),
    posts: await count(
      db.selectFrom("outbox_events").select("event_id").where("recipient", "=", pubkey).execute(),
    ),
    events: (await new EventStore(db).query([{ kinds: [4, 1059], "#p": [pubkey] }])).length,
    rates: await count(db.selectFrom("sender_rates").select("sender").where("sender", "=", pubkey).execute()),
  };
}

const NOTHING = { messages: 0, inbox: 0, posts: 0, events: 0, rates: 0 };

function retention(shop: Shop, days = 90): Retention {
  const { database, clock } = shop;
  return new Retention({
    database,
    clock,
    log: silentLog,
    settings: { NCC_RETENTION_DAYS: days, NCC_DATA_DIR: "/nowhere" },
  });
}

async function sold(shop: Shop, who: Customer, id = "order-1"): Promise<void> {
  await who.pays(requestIn(await who.orders({ ...order, id })));
  const row = await shop.order(id);
  await shop.happens(row, { type: "shipped", carrier: "DHL", tracking: "0034" });
  await shop.happens(row, { type: "delivered" });
  await who.hears();
}

/** A shop of two people: alice's order is complete, bob's has just begun. */
async function aliceAndBob(database: Database, envelope: "nip04" | "nip17") {
  const shop = await Shop.open({ database });
  const alice = shop.customer("alice", envelope);
  const bob = shop.customer("bob", envelope);
  await alice.says("Hello, do you have Canary cups?");
  await sold(shop, alice);
  return { shop, alice, bob };
}

for (const envelope of ["nip04", "nip17"] as const) {
  onEachDatabase(
    `90 days after its delivery an order keeps its figures and nothing of its customer (${envelope})`,
    async (database) => {
      const { shop, alice, bob } = await aliceAndBob(database, envelope);
      await using _ = shop;
      await shop.pass(91 * DAY_MS);
      await bob.orders({ id: "bob-1", address: "9 Bob Street" });
      assert((await held(database)).includes("anary"));
      await retention(shop).run();
      const text = await held(database);
      assert(!text.includes("anary"), text.slice(Math.max(0, text.indexOf("anary") - 200)).slice(0, 400));
      assertEquals(await rest(shop, alice), NOTHING);
      const row = await shop.order("order-1");
      assertEquals(
        [row.customer, row.payment, row.fulfilment, row.total_msat, row.received_msat, row.forgotten_at],
        [alice.pubkey, "paid", "delivered", 100_000, 100_000, shop.clock.now()],
      );
      assertEquals(row.tracking, null);
      assert((await shop.timeline(row)).some((line) => line.includes("100 sat")));
      assertEquals((await shop.order("bob-1")).address, "9 Bob Street");
      assert((await rest(shop, bob)).messages > 0);
    },
  );
}

onEachDatabase(
  "nothing is taken out before its time, nor while something is still to be done",
  async (database) => {
    const { shop, alice, bob } = await aliceAndBob(database, "nip04");
    await using _ = shop;
    // Paid, and never shipped.
    await bob.pays(requestIn(await bob.orders({ ...order, id: "bob-1" })));
    await shop.pass(89 * DAY_MS);
    await retention(shop).run();
    assertEquals((await shop.order("order-1")).address, ADDRESS);
    assert((await rest(shop, alice)).messages > 0);
    await shop.pass(400 * DAY_MS);
    await retention(shop).run();
    assertEquals((await shop.order("order-1")).address, null);
    assertEquals((await shop.order("bob-1")).address, ADDRESS);
  },
);

onEachDatabase(
  "while a refund isn't over its order keeps everything, and then loses the destination too",
  async (database) => {
    const shop = await Shop.open({ database });
    await using _ = shop;
    const alice = shop.customer();
    await alice.pays(requestIn(await alice.orders(order)));
    const row = await shop.order();
    await shop.happens(row, { type: "merchantCancelled", reason: "Canary reason" });
    await shop.pass(200 * DAY_MS);
    await retention(shop).run();
    assertEquals((await shop.order()).address, ADDRESS);
    assertEquals((await forgetCustomer(parts(shop), person(shop, alice), { backups: false })).ok, false);
  },
);

onEachDatabase(
  "a conversation without an order goes 90 days after its last word, all of it",
  async (database) => {
    const shop = await Shop.open({ database });
    await using _ = shop;
    const alice = shop.customer("alice", "nip17");
    await alice.says("First Canary question");
    await shop.pass(60 * DAY_MS);
    await alice.says("Second Canary question");
    await shop.pass(60 * DAY_MS);
    await retention(shop).run();
    assertEquals((await rest(shop, alice)).messages, 2);
    await shop.pass(31 * DAY_MS);
    await retention(shop).run();
    assertEquals(await rest(shop, alice), NOTHING);
  },
);

onEachDatabase(
  "who is forgotten and asks again is told how the order stands; the old event from another relay changes nothing",
  async (database) => {
    const { shop, alice } = await aliceAndBob(database, "nip04");
    await using _ = shop;
    const event = await alice.writes({
      type: 0,
      id: "early",
      items: [{ product_id: "cup", quantity: 1 }],
      ...order,
    });
    await shop.settle();
    for (let i = 0; i < 100 && (await shop.order("early")).payment !== "expired"; i++) {
      await shop.pass(60_000);
    }
    await shop.pass(120 * DAY_MS);
    await alice.hears();
    await retention(shop).run();
    assertEquals(await rest(shop, alice), NOTHING);
    await shop.receive(event, "wss://other.example");
    await shop.settle();
    assertEquals(await rest(shop, alice), NOTHING);
    assertEquals((await shop.orders()).length, 2);

    const told = toldIn(await alice.orders(order));
    assertEquals(told.length, 1);
    assert(told[0]!.startsWith("completed, paid, shipped"), told[0]);
    const row = await shop.order("order-1");
    assertEquals([row.address, row.fulfilment], [null, "delivered"]);
    // What she wrote now is kept as long as anything new.
    await shop.pass(91 * DAY_MS);
    await retention(shop).run();
    assertEquals(await rest(shop, alice), NOTHING);
  },
);

onEachDatabase(
  "a refused order that was forgotten can be asked for again, and has its address then",
  async (database) => {
    const shop = await Shop.open({ database });
    await using _ = shop;
    const alice = shop.customer();
    const many = { ...order, items: [{ product_id: "cup", quantity: 99 }] };
    await alice.orders(many);
    await shop.pass(91 * DAY_MS);
    await retention(shop).run();
    assertEquals((await shop.order()).address, null);
    requestIn(await alice.orders(order));
    const row = await shop.order();
    assertEquals([row.address, row.forgotten_at, row.payment], [ADDRESS, null, "awaiting"]);
  },
);

onEachDatabase("money for goods whose address was taken out goes back", async (database) => {
  const shop = await Shop.open({ database });
  await using _ = shop;
  const alice = shop.customer();
  const request = requestIn(await alice.orders(order));
  await shop.pass(DAY_MS);
  await shop.pass(91 * DAY_MS);
  await retention(shop).run();
  assertEquals((await shop.order()).forgotten_at === null, false);
  await alice.pays(request, { late: true, silently: true });
  await shop.database.kysely.updateTable("invoices").set({ next_lookup_at: shop.clock.now() }).execute();
  for (let i = 0; i < 50 && (await shop.order()).payment === "expired"; i++) await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "refund_due");
});

onEachDatabase(
  "two processes take different orders, and an interrupted run goes on where it stopped",
  async (database) => {
    const shop = await Shop.open({
      database,
      terms: { maxOpenOrders: 100 },
      rate: { count: 1000, perMs: 60_000 },
    });
    await using _ = shop;
    const alice = shop.customer();
    for (let i = 0; i < 60; i++) await alice.writes({ type: 0, id: `o${i}`, items: [], ...order });
    await shop.settle();
    await shop.pass(91 * DAY_MS);
    const first = retention(shop);
    const second = retention(shop);
    await Promise.all([first.run(), second.run()]);
    await retention(shop).run();
    assertEquals((await shop.orders()).filter((row) => row.forgotten_at === null), []);
    assertEquals(await rest(shop, alice), NOTHING);
  },
);

function parts(shop: Shop) {
  return { database: shop.database, clock: shop.clock, settings: { NCC_DATA_DIR: "/nowhere" } };
}

function person(shop: Shop, who: Customer) {
  return { merchant: shop.merchant, customer: who.pubkey };
}

onEachDatabase("0 days keep everything", async (database) => {
  const { shop, alice } = await aliceAndBob(database, "nip04");
  await using _ = shop;
  await shop.pass(1_000 * DAY_MS);
  const kept = retention(shop, 0);
  await kept.start();
  await kept.stop();
  assertEquals((await shop.order("order-1")).address, ADDRESS);
  assert((await rest(shop, alice)).messages > 0);
});
