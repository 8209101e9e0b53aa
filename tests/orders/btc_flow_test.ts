import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { checkBtc } from "../../src/app/btc.ts";
import type { Restored } from "../../src/payments/chain/account_search.ts";
import { checkBooks } from "../support/books.ts";
import { orderJson, refusalIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeChain, testAccount } from "../support/fake_chain.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { HoldingWallet } from "../support/holding_wallet.ts";
import { Shop, type ShopOptions } from "../support/shop.ts";

/** What a cup costs. */
const CUP_SAT = 100n;
const MINUTE = 60_000;

interface Scene {
  gapLimit?: number;
  leastSat?: bigint;
  servers?: string[];
  restored?: () => Restored | null;
}

/** A shop that takes money on-chain, too. */
async function open(chain: FakeChain, o: Scene & ShopOptions = {}): Promise<Shop> {
  let merchant: string | null = null;
  const { gapLimit = 20, leastSat = CUP_SAT, servers = ["chain"], restored = () => null } = o;
  const shop = await Shop.open({
    ...o,
    chain: {
      servers: servers.map((name) => chain.server(name)),
      confirmations: 1,
      receives: {
        account: testAccount(),
        merchant: () => merchant,
        leastSat,
        gapLimit,
        restored,
      },
    },
    onMerchant: (its) => merchant = its,
  });
  if (!chain.away) await until(shop, "the account is known", async () => (await accounts(shop)).length === 1);
  return shop;
}

async function accounts(shop: Shop) {
  return await shop.database.kysely.selectFrom("chain_accounts").selectAll().execute();
}

/** Time passes, a second or another step at a time, until it is so. */
async function until(shop: Shop, what: string, so: () => Promise<boolean>, stepMs = 1_000): Promise<void> {
  for (const end = Date.now() + 30_000; !await so();) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await shop.pass(stepMs);
  }
}

const untilPayment = (shop: Shop, payment: string, stepMs?: number) =>
  until(shop, payment, async () => (await shop.order()).payment === payment, stepMs);

/** The customer orders, and is asked to pay; where on-chain? */
async function bill(shop: Shop, name = "alice", order = {}) {
  const alice = shop.customer(name);
  const [request] = await alice.says(orderJson(order) as Record<string, unknown>);
  const options = request!.payment_options!;
  const btc = options.find(({ type }) => type === "btc")?.link ?? null;
  return { alice, request: request!, options, btc, address: btc && /^bitcoin:(\w+)\?/.exec(btc)![1]! };
}

onEachDatabase("an order is paid on-chain: seen, then confirmed, and booked once", async (database) => {
  const chain = new FakeChain();
  await using shop = await open(chain, { database });
  const { alice, options, btc, address } = await bill(shop);
  assertEquals(options.map(({ type }) => type), ["ln", "btc"]);
  assertEquals(btc, `bitcoin:${testAccount().derive(0, "bcrt").address}?amount=0.000001`);

  const txid = chain.pays(address!, CUP_SAT);
  await until(
    shop,
    "it is seen",
    async () => (await shop.timeline(await shop.order())).at(-1)!.includes("seen"),
  );
  assertEquals((await shop.order()).payment, "awaiting");
  const [told, ...none] = await alice.hears();
  assertEquals(none, []);
  assertMatch(told!.message!, /100 sat was seen and waits for 1 confirmation/);

  chain.mine();
  await untilPayment(shop, "paid");
  assertEquals((await alice.hears()).map(({ paid }) => paid), [true]);
  const order = await shop.order();
  assertEquals([order.received_msat, order.fulfilment], [100_000, "unfulfilled"]);
  assertEquals(await shop.stock(), { onHand: 4, held: 0 });
  const [payment, ...others] = await shop.database.kysely.selectFrom("payments").selectAll().execute();
  assertEquals(others, []);
  assertEquals([payment!.payment_hash, payment!.order_id, payment!.state], [
    `${txid}:0`,
    order.id,
    "matched",
  ]);
  // However little is remembered of it.
  await shop.database.kysely.deleteFrom("chain_outputs").execute();
  const forgotten = async () =>
    (await shop.database.kysely.selectFrom("chain_outputs").selectAll().execute()).length === 0;
  await until(shop, "it is found again", async () => !await forgotten(), 10 * MINUTE);
  assertEquals((await shop.order()).received_msat, 100_000);
  await checkBooks(shop, [{ paymentHash: `${txid}:0`, amountMsat: 100_000n }]);
});

Deno.test("an address stands beside an ordinary invoice, and none beside a hold invoice", async () => {
  for (const holds of [true, false]) {
    const clock = new FakeClock();
    const wallet = holds ? { wallet: new HoldingWallet(clock) } : {};
    await using shop = await open(new FakeChain(), {
      clock,
      ...wallet,
      terms: { stockPolicy: "holdinvoice" },
    });
    assertEquals((await bill(shop)).options.map(({ type }) => type), holds ? ["ln"] : ["ln", "btc"]);
  }
});

Deno.test("every order has an address of its own, and every repeat says the same", async () => {
  await using shop = await open(new FakeChain());
  const first = await bill(shop);
  const again = await bill(shop);
  assertEquals(again.btc, first.btc);
  const other = await bill(shop, "bob");
  assertNotEquals(other.address, first.address);
});

Deno.test("an order waits for a payment that is in no block, for a day", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { alice, address } = await bill(shop);
  chain.pays(address!, CUP_SAT);
  await until(
    shop,
    "it is seen",
    async () => (await shop.timeline(await shop.order())).at(-1)!.includes("seen"),
  );
  await alice.hears();
  assertMatch(refusalIn(await alice.orders()), /on its way/);
  for (let i = 0; i < 20; i++) await shop.pass(60 * MINUTE);
  assertMatch(refusalIn(await alice.orders()), /on its way/);
  assertEquals([(await shop.order()).payment, (await shop.stock()).held], ["awaiting", 1]);
  await untilPayment(shop, "expired", 30 * MINUTE);
  assertEquals((await shop.stock()).held, 0);
  // A miner takes it after all: it is a late payment.
  chain.mine();
  await untilPayment(shop, "paid", 10 * MINUTE);
});

Deno.test("a payment that hangs in no block for days keeps no price for its customer", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { address } = await bill(shop);
  chain.pays(address!, CUP_SAT);
  await until(
    shop,
    "it is seen",
    async () => (await shop.timeline(await shop.order())).at(-1)!.includes("seen"),
  );
  for (let i = 0; i < 60; i++) await shop.pass(60 * MINUTE);
  chain.mine();
  await untilPayment(shop, "refund_due", MINUTE);
});

Deno.test("an order expires in time when too little is on its way", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { address } = await bill(shop);
  chain.pays(address!, CUP_SAT - 10n);
  await until(
    shop,
    "it is seen",
    async () => (await shop.timeline(await shop.order())).at(-1)!.includes("seen"),
  );
  await untilPayment(shop, "expired", MINUTE);
  assert(shop.clock.now() < (await shop.order()).created_at + 30 * MINUTE);
});

Deno.test("a payment that is replaced before it has a block is none, and the order doesn't wait for it", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { address, alice } = await bill(shop);
  const txid = chain.pays(address!, CUP_SAT);
  await until(
    shop,
    "it is seen",
    async () => (await shop.timeline(await shop.order())).at(-1)!.includes("seen"),
  );
  await alice.hears();
  await shop.pass(20 * MINUTE);
  assertEquals((await shop.order()).payment, "awaiting");
  chain.drop(txid);
  await until(
    shop,
    "gone",
    async () => (await shop.timeline(await shop.order())).join().includes("replaced"),
  );
  await untilPayment(shop, "expired", MINUTE);
  assertEquals(await alice.hears(), []);
  await checkBooks(shop, []);
});

Deno.test("a payment whose fee is raised on its way is told of once", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { address, alice } = await bill(shop);
  const outputs = () => shop.database.kysely.selectFrom("chain_outputs").select("state").execute();
  const first = chain.pays(address!, CUP_SAT);
  await until(shop, "it is seen", async () => (await outputs()).length === 1);
  assertEquals((await alice.hears()).length, 1);
  chain.drop(first);
  chain.pays(address!, CUP_SAT);
  await until(shop, "the other is seen", async () => (await outputs()).length === 2);
  assertEquals(await alice.hears(), []);
  chain.mine();
  await untilPayment(shop, "paid");
  assertEquals((await alice.hears()).map(({ paid }) => paid), [true]);
  assertEquals((await shop.order()).received_msat, 100_000);
});

Deno.test("a part is paid on-chain: the rest is asked for at the same address", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain, { leastSat: 30n });
  const { alice, address } = await bill(shop);
  const one = chain.pays(address!, 60n);
  chain.mine();
  await until(shop, "a part", async () => (await shop.order()).received_msat === 60_000);
  const rest = (await alice.hears()).find(({ type }) => type === 1 && true)!;
  assertEquals(rest.payment_options!.at(-1)!.link, `bitcoin:${address}?amount=0.0000004`);
  const two = chain.pays(address!, 40n);
  chain.mine();
  await untilPayment(shop, "paid");
  await checkBooks(
    shop,
    [one, two].map((txid, i) => ({
      paymentHash: `${txid}:0`,
      amountMsat: [60_000n, 40_000n][i]!,
    })),
  );
});

Deno.test("paid by Lightning and on-chain: the second is to be refunded", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { alice, request, address } = await bill(shop);
  chain.pays(address!, CUP_SAT);
  assertEquals(
    (await alice.pays({ ...request, payment_options: [request.payment_options![0]!] }))[0]?.paid,
    true,
  );
  chain.mine();
  await untilPayment(shop, "refund_due");
  const order = await shop.order();
  assertEquals([order.received_msat, order.refunding_msat, order.fulfilment], [
    200_000,
    100_000,
    "unfulfilled",
  ]);
});

Deno.test("who pays to an old address is found by the nightly look-up, and the old price doesn't count any more", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { address } = await bill(shop);
  await untilPayment(shop, "expired", MINUTE);
  for (let day = 0; day < 60; day++) await shop.pass(24 * 60 * MINUTE);
  const asked = chain.asked.get(address!)!;
  for (let day = 0; day < 4; day++) await shop.pass(24 * 60 * MINUTE);
  const more = chain.asked.get(address!)! - asked;
  assert(more >= 3 && more <= 5, `asked ${more} times in four days`);
  chain.pays(address!, CUP_SAT, false);
  chain.mine();
  await untilPayment(shop, "refund_due", 12 * 60 * MINUTE);
  assertMatch((await shop.order()).reason!, /more than a day after/);
});

Deno.test("nothing is offered that nobody would see paid: without a server there is Lightning alone", async () => {
  const chain = new FakeChain();
  chain.away = true;
  await using shop = await open(chain);
  const types = async (name: string) => (await bill(shop, name)).options.map(({ type }) => type);
  assertEquals(await types("alice"), ["ln"]);
  chain.away = false;
  await until(shop, "the account is known", async () => (await accounts(shop)).length === 1, 15_000);
  assertEquals(await types("bob"), ["ln", "btc"]);
  chain.away = true;
  await shop.pass(2_000);
  await shop.pass(2_000);
  assertEquals(await types("carol"), ["ln"]);
});

Deno.test("past the gap limit no address is given out until one is used", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain, { gapLimit: 2 });
  const [one, two, three] = [await bill(shop, "a"), await bill(shop, "b"), await bill(shop, "c")];
  assert(one.btc !== null && two.btc !== null);
  assertEquals(three.btc, null);
  // What is in no block uses nothing up: it may never be in one.
  chain.pays(one.address!, CUP_SAT);
  await until(shop, "it is seen", async () => (await states(shop)).length > 0);
  assertEquals((await bill(shop, "f")).btc, null);
  chain.mine();
  await until(shop, "it is used", async () => (await states(shop)).includes("booked"));
  // One of the two is still unused.
  assertNotEquals((await bill(shop, "d")).btc, null);
  assertEquals((await bill(shop, "e")).btc, null);
});

/** The servers are away for a moment: the account is searched again if there is a reason to. */
async function reconnects(shop: Shop, chain: FakeChain): Promise<void> {
  chain.away = true;
  await until(shop, "nobody is there", () => Promise.resolve(shop.onChain!.watcher.up === false));
  chain.away = false;
  await until(shop, "it is back", () => Promise.resolve(shop.onChain!.watcher.up === true), 15_000);
}

const unmatched = async (shop: Shop) =>
  (await shop.database.kysely.selectFrom("payments").select("amount_msat").where("state", "=", "unmatched")
    .orderBy("created_at").execute()).map((row) => row.amount_msat);

onEachDatabase(
  "what others have used is left out; what may have been given out before a restore is, too, and is watched",
  async (database) => {
    const chain = new FakeChain();
    const account = testAccount();
    chain.pays(account.derive(4, "bcrt").address, 5n);
    let restored: Restored | null = null;
    await using shop = await open(chain, { database, gapLimit: 10, restored: () => restored });
    assertEquals((await bill(shop)).address, account.derive(5, "bcrt").address);
    restored = { at: shop.clock.now() + 1, over: false };
    // Given out after the backup, and paid.
    chain.pays(account.derive(8, "bcrt").address, 7n);
    chain.mine();
    await reconnects(shop, chain);
    await until(shop, "it is searched", async () => (await accounts(shop))[0]!.next_index > 6, 15_000);
    assertEquals((await bill(shop, "bob")).address, account.derive(19, "bcrt").address);
    await until(shop, "it is booked", async () => (await unmatched(shop)).length === 1);
    // Given out after the backup, and paid now.
    chain.pays(account.derive(6, "bcrt").address, 8n);
    chain.pays(account.derive(18, "bcrt").address, 9n);
    chain.mine();
    await until(shop, "both are booked", async () => (await unmatched(shop)).length === 3);
    assertEquals((await unmatched(shop)).toSorted((a, b) => a - b), [7_000, 8_000, 9_000]);
  },
);

Deno.test("a backup of before the account: what may have been given out isn't again, and counts while the restore lasts", async () => {
  for (const over of [false, true]) {
    const chain = new FakeChain();
    const account = testAccount();
    chain.pays(account.derive(2, "bcrt").address, 5n);
    chain.mine();
    await using shop = await open(chain, { gapLimit: 5, restored: () => ({ at: 1, over }) });
    assertEquals((await bill(shop)).address, account.derive(8, "bcrt").address);
    chain.pays(account.derive(1, "bcrt").address, 6n);
    chain.mine();
    await until(shop, "it is booked", async () => (await unmatched(shop)).includes(6_000));
    // What was paid before may be somebody else's, when the account is new.
    assertEquals((await unmatched(shop)).includes(5_000), !over);
  }
});

Deno.test("an account that can't be searched keeps no payment from being seen", async () => {
  const chain = new FakeChain();
  let restored: Restored | null = null;
  await using shop = await open(chain, { restored: () => restored });
  const { address } = await bill(shop);
  restored = { at: shop.clock.now() + 1, over: true };
  const other = testAccount().derive(5, "bcrt").address;
  chain.refused.add(other);
  await reconnects(shop, chain);
  chain.pays(address!, CUP_SAT);
  chain.mine();
  await untilPayment(shop, "paid");
  await shop.pass(20 * MINUTE);
  assertEquals((await bill(shop, "bob")).btc, null);
  assertMatch(checkBtc(shop.onChain)!.detail, /the account can't be searched: it refused \(HTTP 429\)/);
  chain.refused.clear();
  await until(shop, "it is searched", () => Promise.resolve(shop.onChain!.watcher.network !== null), MINUTE);
  // What was asked before isn't asked again.
  assertEquals(chain.asked.get(testAccount().derive(4, "bcrt").address), 2);
  assertEquals(checkBtc(shop.onChain), { ok: true, detail: "chain" });
  assert((await bill(shop, "carol")).btc !== null);
});

Deno.test("a booked payment whose block is lost stays booked, and the timeline says so", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { address } = await bill(shop);
  chain.pays(address!, CUP_SAT);
  chain.mine();
  await untilPayment(shop, "paid");
  chain.reorganise();
  await until(
    shop,
    "it is lost",
    async () => (await shop.timeline(await shop.order())).join().includes("isn't part of the chain"),
  );
  chain.mine();
  await until(
    shop,
    "it is found",
    async () => (await shop.timeline(await shop.order())).at(-1)!.includes("is in another block"),
  );
  const [output] = await shop.database.kysely.selectFrom("chain_outputs").selectAll().execute();
  assertEquals([output!.state, output!.height], ["booked", chain.tip]);
  assertEquals([(await shop.order()).payment, (await shop.order()).received_msat], ["paid", 100_000]);
});

/** An order is paid, its block is lost, and the transaction with it. */
async function lost(shop: Shop, chain: FakeChain) {
  const { address } = await bill(shop);
  const txid = chain.pays(address!, CUP_SAT);
  chain.mine();
  await untilPayment(shop, "paid");
  chain.reorganise();
  chain.drop(txid);
  await until(shop, "it is lost", async () => (await states(shop)).includes("lost"));
  return { address: address! };
}

const states = async (shop: Shop) =>
  (await shop.database.kysely.selectFrom("chain_outputs").select("state").orderBy("txid").execute())
    .map(({ state }) => state);

/** What the owners were told, by kind. */
const told = async (shop: Shop) =>
  (await shop.database.kysely.selectFrom("notices").select("kind").orderBy("seq").execute())
    .map(({ kind }) => kind);

onEachDatabase("a lost payment whose fee was raised before is one payment, not two", async (database) => {
  const chain = new FakeChain();
  await using shop = await open(chain, { database });
  const { address } = await lost(shop, chain);
  assertEquals((await told(shop)).filter((kind) => kind === "payment_lost"), ["payment_lost"]);
  const raised = chain.pays(address, CUP_SAT);
  chain.mine();
  await until(shop, "the other counts", async () => (await states(shop)).includes("booked"));
  assertEquals(await states(shop), ["replaced", "booked"]);
  const order = await shop.order();
  assertEquals([order.payment, order.received_msat, order.refunding_msat], ["paid", 100_000, 0]);
  await checkBooks(shop, [{ paymentHash: `${raised}:0`, amountMsat: 100_000n }]);
  assertMatch((await shop.timeline(order)).at(-1)!, /another transaction, which counts in its place/);
  // What comes beside it is a second one.
  chain.pays(address, CUP_SAT);
  chain.mine();
  await untilPayment(shop, "refund_due");
  assertEquals((await shop.order()).refunding_msat, 100_000);
});

Deno.test("what comes of another amount while a payment is lost is the merchant's to judge", async () => {
  const chain = new FakeChain();
  await using shop = await open(chain);
  const { address } = await lost(shop, chain);
  chain.pays(address, CUP_SAT + 5n);
  chain.mine();
  await until(shop, "it is booked", async () => (await states(shop)).includes("booked"));
  const order = await shop.order();
  assertEquals([order.payment, order.received_msat, order.refunding_msat], ["paid", 100_000, 0]);
  const payments = await shop.database.kysely.selectFrom("payments").select(["order_id", "state"])
    .orderBy("created_at").execute();
  assertEquals(payments.map(({ state }) => state), ["matched", "unmatched"]);
  assertEquals((await told(shop)).slice(-2), ["payment_lost", "payment_unmatched"]);
});

Deno.test("a large payment needs two servers that agree", async () => {
  const chain = new FakeChain();
  chain.silent.add("second");
  await using shop = await open(chain, { servers: ["first", "second"] });
  const { address } = await bill(shop);
  chain.pays(address!, 1_000_000n);
  chain.mine();
  await until(
    shop,
    "it is seen",
    async () => (await shop.timeline(await shop.order())).at(-1)!.includes("seen"),
  );
  await shop.pass(2 * MINUTE);
  assertEquals((await shop.order()).payment, "awaiting");
  chain.silent.clear();
  await untilPayment(shop, "overpaid", 30_000);
});

Deno.test("of several servers any other confirms a large payment, and that none does is told", async () => {
  const chain = new FakeChain();
  chain.dead.add("second").add("third");
  await using shop = await open(chain, { servers: ["first", "second", "third"] });
  const { address } = await bill(shop);
  chain.pays(address!, 1_000_000n);
  chain.mine();
  await until(shop, "that is told", () => Promise.resolve(shop.onChain!.watcher.problem !== null), 30_000);
  assertMatch(checkBtc(shop.onChain)!.detail, /a large payment is in a block, and no other server/);
  assertEquals((await shop.order()).payment, "awaiting");
  chain.dead.delete("third");
  await untilPayment(shop, "overpaid", 30_000);
  assertEquals([shop.onChain!.watcher.problem, checkBtc(shop.onChain)!.ok], [null, true]);
});
