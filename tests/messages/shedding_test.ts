import type { NostrEvent } from "@nostrify/types";
import { assertEquals } from "@std/assert";
import { reception } from "../../src/messages/reception.ts";
import { Shedding } from "../../src/messages/shedding.ts";
import { Strangers } from "../../src/messages/strangers.ts";
import { arrive } from "../../src/nostr/arrivals.ts";
import { orderJson, requestIn } from "../support/customer.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";
import { fillInbox, inboxIds, inboxRow } from "./inbox_rows.ts";

const event = (id: string, kind = 4): NostrEvent => ({
  id,
  pubkey: `author of ${id}`,
  created_at: 1,
  kind,
  tags: [["p", "m"]],
  content: "x",
  sig: "",
});

onEachDatabase(
  "a full inbox sheds the oldest of what strangers sent by relays, and nothing else",
  async (database) => {
    await fillInbox(database, [
      inboxRow("regular", { lane: 0, sheddable: 0 }),
      inboxRow("acknowledged", { relay: "", sheddable: 0 }),
      inboxRow("oldest"),
      inboxRow("read", { state: "done" }),
      inboxRow("old wrap", { kind: 1059, lane: 2 }),
      inboxRow("newer"),
      inboxRow("newest"),
      inboxRow("elsewhere", { merchant: "n" }),
    ]);
    const shedding = new Shedding({ database, log: silentLog, limits: { perMerchant: 2, inAll: 10 } });
    assertEquals(await shedding.run(), 2);
    assertEquals(await inboxIds(database), [
      "regular",
      "acknowledged",
      "read",
      "newer",
      "newest",
      "elsewhere",
    ]);
    assertEquals(await shedding.run(), 0);
    const inAll = new Shedding({ database, log: silentLog, limits: { perMerchant: 2, inAll: 2 } });
    assertEquals(await inAll.run(), 1);
    // Who has most waiting gives way.
    assertEquals(await inboxIds(database), ["regular", "acknowledged", "read", "newest", "elsewhere"]);
  },
);

onEachDatabase("what was shed comes in again by the next catch-up", async (database) => {
  const arrivals = ["1", "2", "3"].map((id) => ({ event: event(id), relay: "wss://r/", merchants: ["m"] }));
  await database.transaction((tx) => arrive(tx, arrivals, 1_000));
  await new Shedding({ database, log: silentLog, limits: { perMerchant: 1 } }).run();
  assertEquals(await inboxIds(database), ["3"]);
  assertEquals(await database.transaction((tx) => arrive(tx, arrivals, 2_000)), 2);
  assertEquals(await inboxIds(database), ["3", "1", "2"]);
});

onEachDatabase(
  "what the built-in relay said OK to is never shed, also when another relay had brought it before",
  async (database) => {
    const brought = { event: event("1"), relay: "wss://r/", merchants: ["m"] };
    await database.transaction((tx) => arrive(tx, [brought], 1_000));
    const told = await database.transaction((tx) => arrive(tx, [{ ...brought, relay: "" }], 2_000));
    assertEquals(told, 0);
    await database.transaction((tx) => arrive(tx, [brought], 3_000));
    await new Shedding({ database, log: silentLog, limits: { perMerchant: 0 } }).run();
    assertEquals(await inboxIds(database), ["1"]);
  },
);

onEachDatabase(
  "who has an open order or has paid before is read first and never shed, with what came before",
  async (database) => {
    await using shop = await Shop.open({ database });
    const strangers = new Strangers({ database, clock: shop.clock, log: silentLog, limits: { events: 0 } });
    const receive = reception(strangers);
    const [alice, bob, eve] = [shop.customer("alice"), shop.customer("bob"), shop.customer("eve")];
    await alice.pays(requestIn(await alice.orders()));
    await bob.orders();
    const from = (pubkey: string, id: string, changes: Record<string, unknown> = {}) => ({
      event: { ...event(id), pubkey, ...changes },
      relay: "wss://r/",
      merchants: [shop.merchant],
    });
    const standing = async () => {
      const rows = await database.kysely.selectFrom("inbox").select(["event_id", "lane", "sheddable"])
        .where("state", "=", "new").orderBy("seq").execute();
      return rows.map((row) => `${row.event_id}: ${row.lane}${row.sheddable ? ", may be shed" : ""}`);
    };
    // Not read yet, and from when he was a stranger.
    await database.transaction((tx) => arrive(tx, [from(bob.pubkey, "b1")], 1e15));
    await database.kysely.updateTable("inbox").set({ next_at: 1e15 }).where("state", "=", "new").execute();
    await database.transaction((tx) =>
      receive(tx, [
        from(alice.pubkey, "a1"),
        from(bob.pubkey, "b2"),
        from(eve.pubkey, "e1"),
        { ...from(eve.pubkey, "e2"), relay: "" },
        { ...from("throw-away", "w1", { kind: 1059 }), relay: "", authenticated: [alice.pubkey] },
        { ...from("throw-away", "w2", { kind: 1059 }), relay: "" },
        from(alice.pubkey, "w3", { kind: 1059 }),
      ], 1e15)
    );
    assertEquals(await standing(), ["b1: 0", "a1: 0", "b2: 0", "e2: 1", "w1: 0", "w2: 2"]);
    // Nothing more of strangers may be kept here: what relays have was left there.
    assertEquals([strangers.full, strangers.status().left], [true, 2]);
    await database.kysely.deleteFrom("inbox").where("state", "=", "new").execute();
  },
);

Deno.test("a sender who writes more than is ever read can't fill the inbox, and holds up nobody", async () => {
  await using shop = await Shop.open({ rate: { count: 1, perMs: 3_600_000 } });
  const [flood, bob] = [shop.customer("flood", "nip17"), shop.customer("bob")];
  for (let i = 0; i < 210; i++) await flood.writes(`${i}`, i < 205 ? {} : { relay: "wss://r/" });
  requestIn(await bob.orders());
  const rows = await shop.database.kysely.selectFrom("inbox").select(["state", "reason"]).execute();
  const count = (state: string) => rows.filter((row) => row.state === state).length;
  // One was read, the next wait; of the others those that a relay still has were left there.
  assertEquals([count("done"), count("new"), count("dropped")], [2, 199, 5]);
  assertEquals(rows.length, 206);
});

Deno.test("an order among three thousand that wait is answered, and all others are too", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer("alice");
  await fillInbox(
    shop.database,
    Array.from({ length: 3_000 }, (_, i) => {
      const junk = { ...event(`${i}`), tags: [["p", shop.merchant]] };
      const at = { received_at: shop.clock.now(), next_at: shop.clock.now() };
      return inboxRow(`${i}`, { ...at, merchant: shop.merchant, event: JSON.stringify(junk) });
    }),
  );
  await alice.writes(orderJson());
  await shop.settle();
  requestIn(await alice.hears());
  const left = await shop.database.kysely.selectFrom("inbox").select("seq").where("state", "=", "new")
    .execute();
  assertEquals(left, []);
  const rows = await shop.database.kysely.selectFrom("inbox").select(["event_id", "junk_bytes"])
    .where("junk_bytes", "is", null).execute();
  assertEquals(rows.length, 1);
});

Deno.test("Strangers: counted in the database, added to in between, and full by number or by size", async () => {
  await using database = await freshDatabase();
  await fillInbox(database, [
    inboxRow("junk", { state: "dropped", junk_bytes: 700 }),
    inboxRow("waiting"),
    inboxRow("order", { state: "done" }),
    inboxRow("regular's", { lane: 0 }),
  ]);
  await using shop = await Shop.open();
  const make = async (limits: { events?: number; bytes?: number }) => {
    const strangers = new Strangers({ database, clock: shop.clock, log: silentLog, limits });
    await strangers.recount();
    return strangers;
  };
  const few = await make({ events: 3 });
  assertEquals([few.full, few.status().events, few.status().bytes], [false, 2, 1_400]);
  few.took(100);
  assertEquals(few.full, true);
  assertEquals((await make({ bytes: 1_400 })).full, true);
  // A restart, or another process, finds the same.
  assertEquals((await make({ events: 3 })).full, false);
});
