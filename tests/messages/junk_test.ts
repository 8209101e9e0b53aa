import { assertEquals } from "@std/assert";
import { JunkSweep } from "../../src/app/junk_sweep.ts";
import { forgetJunk } from "../../src/messages/junk_store.ts";
import { takeTurn } from "../../src/messages/sender_rates_store.ts";
import { Strangers } from "../../src/messages/strangers.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import { onEachDatabase } from "../support/databases.ts";
import { silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";
import { fillInbox, inboxRow } from "./inbox_rows.ts";

const DAY_MS = 24 * 3_600_000;
const RATE = { count: 30, perMs: 60_000 };

/** Who is still in the inbox, by name; what isn't anybody's by its id. */
async function left(shop: Shop, names: Record<string, string>): Promise<string[]> {
  const rows = await shop.database.kysely.selectFrom("inbox").select(["author", "event_id"]).orderBy("seq")
    .execute();
  return rows.map((row) => names[row.author] ?? row.event_id);
}

function sweepOf(shop: Shop, limits: { events?: number } = {}) {
  const { database, clock } = shop;
  const strangers = new Strangers({ database, clock, log: silentLog, limits });
  const reliefs: number[] = [];
  const parts = { database, clock, log: silentLog, strangers, rate: RATE };
  const sweep = new JunkSweep({ ...parts, onRelief: () => reliefs.push(clock.now()) });
  return { sweep, strangers, reliefs };
}

onEachDatabase(
  "a week later what strangers wrote is forgotten, everywhere; customers' words stay",
  async (database) => {
    await using shop = await Shop.open({ database });
    const [stranger, customer, late, answered] = ["stranger", "customer", "late", "answered"].map((name) =>
      shop.customer(name)
    );
    const names = Object.fromEntries(
      Object.entries({ stranger, customer, late, answered }).map(([name, who]) => [who!.pubkey, name]),
    );
    const store = new EventStore(database.kysely);
    const kept = await customer!.writes("hello, before I order");
    const spam = await stranger!.writes("buy my coins");
    for (const event of [kept, spam]) await store.event(event);
    await late!.writes("I'll think about it");
    await answered!.writes("a question");
    await customer!.orders();
    await fillInbox(database, [
      inboxRow("noise", {
        merchant: shop.merchant,
        state: "dropped",
        junk_bytes: 2,
        received_at: shop.clock.now(),
      }),
      inboxRow("gone wrong", { merchant: shop.merchant, state: "dead", received_at: shop.clock.now() }),
    ]);
    await shop.settle();
    await database.kysely.insertInto("messages").values({
      merchant: shop.merchant,
      customer: answered!.pubkey,
      direction: "out",
      type: "chat",
      envelope: "nip04",
      body: "an answer",
      event_id: "answer",
      at: shop.clock.now(),
    }).execute();
    const { sweep, strangers } = sweepOf(shop);
    await sweep.run();
    assertEquals(strangers.status().events, 5);
    const all = ["customer", "stranger", "late", "answered", "customer", "noise", "gone wrong"];
    assertEquals(await left(shop, names), all);

    shop.clock.jump(7 * DAY_MS - 10_000);
    await late!.orders({ id: "late" });
    await sweep.run();
    assertEquals((await left(shop, names)).length, all.length + 1);
    await shop.pass(20_000);
    await sweep.run();
    assertEquals(await left(shop, names), ["customer", "late", "answered", "customer", "gone wrong", "late"]);
    assertEquals(strangers.status().events, 0);
    const bodies = await database.kysely.selectFrom("messages").select("body").where("direction", "=", "in")
      .where("type", "=", "chat").orderBy("seq").execute();
    const chat = bodies.map((row) => row.body).sort();
    assertEquals(chat, ["I'll think about it", "a question", "hello, before I order"]);
    assertEquals((await store.query([{ ids: [kept.id, spam.id] }])).map((event) => event.id), [kept.id]);
  },
);

onEachDatabase(
  "junk goes in portions; an event that another merchant still has stays stored",
  async (database) => {
    await using shop = await Shop.open({ database });
    const event = await shop.customer("stranger").writes("to two shops");
    await shop.settle();
    const store = new EventStore(database.kysely);
    await store.event(event);
    await database.kysely.insertInto("merchants").values({
      pubkey: "other",
      name: "",
      profile: "{}",
      state: "active",
      key_source: "secrets",
      created_at: 0,
      updated_at: 0,
    }).execute();
    await fillInbox(database, [inboxRow(event.id, { merchant: "other", received_at: shop.clock.now() })]);
    await fillInbox(
      database,
      [1, 2, 3].map((i) =>
        inboxRow(`${i}`, { merchant: shop.merchant, state: "dropped", junk_bytes: 1, received_at: i })
      ),
    );
    const before = shop.clock.now() + 1;
    const portion = (after: Parameters<typeof forgetJunk>[1]["after"]) =>
      database.transaction((tx) => forgetJunk(tx, { before, after, limit: 2 }));
    const first = await portion(null);
    assertEquals(first, { next: { receivedAt: 2, seq: first.next!.seq }, forgotten: 2 });
    assertEquals(await portion(first.next), { next: { receivedAt: before - 1, seq: 1 }, forgotten: 2 });
    assertEquals((await portion(null)).forgotten, 0);
    assertEquals((await store.query([{ ids: [event.id] }])).length, 1);
  },
);

onEachDatabase("while little room is left what nobody could read goes early", async (database) => {
  await using shop = await Shop.open({ database });
  const now = shop.clock.now();
  const junk = { merchant: shop.merchant, junk_bytes: 100, received_at: now };
  await fillInbox(database, [
    ...Array.from({ length: 6 }, (_, i) => inboxRow(`noise ${i}`, { ...junk, state: "dropped" })),
    ...Array.from(
      { length: 3 },
      (_, i) => inboxRow(`chat ${i}`, { ...junk, state: "done", sender: `s${i}` }),
    ),
  ]);
  const { sweep, strangers } = sweepOf(shop, { events: 10 });
  await sweep.run();
  assertEquals([strangers.status().events, strangers.full], [9, false]);
  shop.clock.jump(3_600_001);
  await fillInbox(database, [
    inboxRow("fresh noise", { ...junk, state: "dropped", received_at: shop.clock.now() }),
  ]);
  await sweep.run();
  assertEquals(await left(shop, {}), ["chat 0", "chat 1", "chat 2", "fresh noise"]);
  assertEquals(strangers.status().events, 4);
});

onEachDatabase("senders are forgotten once their bucket is full again", async (database) => {
  await using shop = await Shop.open({ database });
  const took = (sender: string, times: number) =>
    database.transaction(async (tx) => {
      for (let i = 0; i < times; i++) await takeTurn(tx, "m", sender, RATE, shop.clock.now());
    });
  await took("slow", 1);
  await took("in debt", 40);
  shop.clock.jump(60_001);
  await took("recent", 1);
  await sweepOf(shop).sweep.run();
  const rows = await database.kysely.selectFrom("sender_rates").select("sender").orderBy("sender").execute();
  assertEquals(rows.map((row) => row.sender), ["in debt", "recent"]);
});

onEachDatabase(
  "what was left at relays is asked for again once there is room, and not too often",
  async (database) => {
    await using shop = await Shop.open({ database });
    const { sweep, strangers, reliefs } = sweepOf(shop, { events: 3_000 });
    const waiting = { merchant: shop.merchant, next_at: shop.clock.now() };
    shop.served = false;
    await database.transaction(async (tx) => {
      for (let i = 0; i < 1_200; i++) {
        await tx.insertInto("inbox").values(inboxRow(`${i}`, waiting)).execute();
      }
    });
    const relievedBy = async () => {
      await sweep.run();
      return reliefs.length;
    };
    strangers.left(5, false);
    assertEquals(await relievedBy(), 0);
    strangers.left(5);
    assertEquals(await relievedBy(), 0);
    await database.kysely.deleteFrom("inbox").execute();
    assertEquals([await relievedBy(), await relievedBy()], [1, 1]);
    strangers.left(5);
    assertEquals(await relievedBy(), 1);
    shop.clock.jump(10 * 60_000);
    assertEquals(await relievedBy(), 2);
  },
);
