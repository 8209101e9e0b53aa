import { assert, assertEquals } from "@std/assert";
import { clear, raise, raised } from "../../src/notifications/conditions_store.ts";
import { setHalted } from "../../src/notifications/halt_store.ts";
import { sweepSoon } from "../../src/payments/sweep_jobs.ts";
import { buildAdmission } from "../../src/policies/admission.ts";
import { TestApi } from "../api/test_api.ts";
import { refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { keyPair } from "../support/keys.ts";
import { silentLog } from "../support/log.ts";
import { directMessage, until } from "../support/wire.ts";
import { OTHER, two } from "./two_merchants.ts";

const QUARTER_MS = 900_000;

onEachDatabase(
  "the same customer, order id, stall and product at two merchants: two of everything",
  async (db) => {
    const { shop, ours, theirs, states, cups } = await two({ database: db });
    await using _ = shop;
    const [mine, its] = [requestIn(await ours.orders()), requestIn(await theirs.orders())];
    assert(mine.payment_options![0]!.link !== its.payment_options![0]!.link);
    assertEquals(await states(), [["awaiting"], ["awaiting"]]);

    toldIn(await ours.pays(mine));
    assertEquals(await states(), [["paid"], ["awaiting"]]);
    assertEquals(await theirs.hears(), []);
    assertEquals([await cups(shop.merchant), await cups(OTHER)], [
      { onHand: 4, held: 0 },
      { onHand: 5, held: 1 },
    ]);

    await shop.pass(QUARTER_MS);
    for (let n = 0; n < 30 && (await states())[1]![0] !== "expired"; n++) await shop.pass(10_000);

    assertEquals(await states(), [["paid"], ["expired"]]);

    assertEquals([await cups(shop.merchant), await cups(OTHER)], [
      { onHand: 4, held: 0 },
      { onHand: 5, held: 0 },
    ]);
    assertEquals(await ours.hears(), []);
  },
);

Deno.test("what one merchant has sold out or refuses, the other sells", async () => {
  const { shop, ours, theirs, cups } = await two({}, { terms: { closed: "on holiday" } });
  await using _ = shop;
  refusalIn(await theirs.orders());
  requestIn(await ours.orders({ items: [{ product_id: "cup", quantity: 5 }] }));
  assertEquals((await cups(OTHER)).held, 0);
  const open = await two();
  await using _other = open.shop;
  requestIn(await open.ours.orders({ items: [{ product_id: "cup", quantity: 5 }] }));
  refusalIn(await open.ours.orders({ id: "order-2" }));
  requestIn(await open.theirs.orders({ id: "order-2" }));
});

onEachDatabase(
  "what one merchant's wallet says of a payment counts for its own invoices only",
  async (db) => {
    const { shop, theirs, ours, states, wallet } = await two({ database: db });
    await using _ = shop;
    requestIn(await theirs.orders());
    requestIn(await ours.orders());
    const [foreign] = await wallet.invoices();
    const at = shop.clock.now();
    const { paymentHash, bolt11 } = foreign!;
    const paid = { paymentHash, bolt11, description: null, createdAt: at };
    shop.wallet.faults.always("listIncoming", { do: "lie", say: () => ({ settled: [paid], next: null }) });
    const settled = { status: "settled", amountMsat: 100_000n, settledAt: at };
    shop.wallet.faults.always("lookup", { do: "lie", say: () => settled });
    await shop.pass(10 * 60_000);
    await db.transaction((tx) => sweepSoon(tx, shop.merchant, shop.clock.now()));
    await shop.settle();
    assertEquals(await states(), [["paid"], ["awaiting"]]);
  },
);

Deno.test("a halted merchant is silent, the other isn't, and what waited is answered when it is over", async () => {
  const { shop, ours, theirs } = await two();
  const db = shop.database;
  await using _ = shop;
  const halt = (reason: string | null) =>
    db.transaction((tx) => setHalted(tx, { merchant: shop.merchant, reason, now: shop.clock.now() }));
  assert(await halt("a test"));
  assertEquals(await ours.orders(), []);
  requestIn(await theirs.orders());
  assert(await halt(null));
  await shop.pass(16_000);
  requestIn(await ours.hears());
  assertEquals(await theirs.hears(), []);
});

Deno.test("who writes too much to one merchant is read at once by the other", async () => {
  const { shop, ours, theirs } = await two({ rate: { count: 2, perMs: 60_000 } });
  await using _ = shop;
  for (let n = 0; n < 4; n++) await ours.writes(`hello ${n}`);
  assertEquals(await ours.orders(), []);
  requestIn(await theirs.orders());
});

Deno.test("open orders are counted for each merchant", async () => {
  const { shop, ours, theirs } = await two({ terms: { maxOpenOrders: 1 } });
  await using _ = shop;
  requestIn(await ours.orders());
  refusalIn(await ours.orders({ id: "order-2" }));
  requestIn(await theirs.orders({ id: "order-2" }));
});

Deno.test("one merchant's messages that run ahead of the clock don't date the other's", async () => {
  const { shop, ours, theirs } = await two();
  await using _ = shop;
  const now = Math.floor(shop.clock.now() / 1_000);
  const ahead = requestIn(await ours.orders({}, { at: now + 300 }));
  assert(ahead.created_at > now + 300);
  assert(requestIn(await theirs.orders()).created_at < now + 10);
});

onEachDatabase("a merchant's ban leaves a message to both to the other", async (database) => {
  const clock = new FakeClock();
  const [one, other] = [keyPair("merchant").pubkey, OTHER];
  const author = keyPair("alice");
  await database.transaction((tx) =>
    tx.insertInto("bans").values({ merchant: one, pubkey: author.pubkey, reason: null, created_at: 0 })
      .execute()
  );
  const admission = buildAdmission({
    servedMerchants: () => new Set([one, other]),
    maxBytes: 100_000,
    minPow: 0,
    clock,
    database,
    log: silentLog,
  });
  const at = Math.floor(clock.now() / 1_000);
  const event = directMessage(one, { at, by: author.secretKey });
  const both = { ...event, tags: [["p", one], ["p", other]] };
  assertEquals((await admission.admit(event, one)).ok, false);
  assertEquals((await admission.screen(both)).ok, true);
  assertEquals(await admission.admitForAll(both), { ok: true, merchants: [other] });
});

Deno.test("owners hear of each merchant's facts and troubles apart", async () => {
  const { shop, ours, theirs } = await two({ owners: [keyPair("olivia").pubkey] });
  const db = shop.database;
  await using _ = shop;
  const now = shop.clock.now();
  const trouble = (merchant: string) => ({ merchant, name: "wallet", detail: "silent" });
  await db.transaction(async (tx) => {
    assertEquals(await raise(tx, trouble(shop.merchant), now), true);
    assertEquals(await raise(tx, trouble(OTHER), now), true);
    assertEquals(await clear(tx, trouble(shop.merchant), now), true);
  });
  assertEquals((await raised(db.kysely)).map((one) => one.merchant), [OTHER]);

  await ours.pays(requestIn(await ours.orders()));
  const told = async () =>
    (await db.kysely.selectFrom("notices").selectAll().execute()).map((one) => one.merchant);
  assertEquals([...new Set(await told())], [shop.merchant]);
  await theirs.pays(requestIn(await theirs.orders()));
  assertEquals([...new Set(await told())].sort(), [shop.merchant, OTHER].sort());
});

Deno.test("at a relay that wants to know who asks, each merchant is itself on a connection of its own", async () => {
  await using relay = await FakeRelay.start({ auth: true });
  await using api = await TestApi.open({ settings: { NCC_RELAYS: relay.url, NCC_PORT: "0" } });
  const made = await api.post("/merchants", { name: "Other", wallet: "demo:" });
  assertEquals(made.status, 201);
  const merchants = api.app.merchants.all();
  const keys = merchants.map((one) => one.pubkey).sort();
  assertEquals(keys.length, 2);
  for (const { intake } of merchants) await intake.start();

  await until(() => new Set(relay.auths).size === 2);
  assertEquals([...new Set(relay.auths)].sort(), keys);
  assertEquals(relay.connections, 2);
  await until(() => merchants.every(({ intake }) => intake.status().relays[0]?.caughtUp));
  const asked = relay.subscriptions.map((filters) => filters.flatMap((filter) => filter["#p"] ?? []));
  assertEquals(asked.map((all) => new Set(all).size), asked.map(() => 1));
  for (const { intake } of merchants) await intake.stop();
});
