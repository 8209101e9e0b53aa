import { assert, assertEquals } from "@std/assert";
import type { DemoFault } from "../../src/payments/demo_faults.ts";
import type { InvoiceStatus } from "../../src/payments/wallet.ts";
import { checkBooks } from "../support/books.ts";
import { type Answer, Customer, orderJson, refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";
import { until } from "../support/wire.ts";
import { silentLog } from "../support/log.ts";
import { systemRandom } from "../../src/random.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";

const MINUTE = 60_000;
const PAID = ["processing, paid: Payment received: 100 sat. Thank you!"];

/** Time passes in steps, with whatever is under way. */
async function passes(shop: Shop, ms: number, stepMs = 500): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) await shop.sleeps(stepMs);
}

/** Time passes in steps until something is so. */
async function comes(shop: Shop, isSo: () => Promise<boolean>, stepMs = 500): Promise<void> {
  await until(async () => {
    if (await isSo()) return true;
    await shop.sleeps(stepMs);
    return false;
  }, 60_000);
}

/** Orders, and answers what is said within some time, without waiting for it. */
async function ordersWithin(shop: Shop, alice: Customer, ms: number, order = {}): Promise<Answer[]> {
  await alice.writes(orderJson(order));
  await shop.inbox.settled();
  await passes(shop, ms);
  return await alice.hears();
}

const invoicesOf = (shop: Shop) =>
  shop.database.kysely.selectFrom("invoices").selectAll().orderBy("created_at").orderBy("attempt").execute();

onEachDatabase(
  "lost answers: one invoice reaches the customer, and a lost one that is paid counts",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    shop.wallet.faults.next("createInvoice", { do: "lose" }, { do: "lose" });
    const request = requestIn(await ordersWithin(shop, alice, 20_000));
    const made = await shop.wallet.invoices();
    assertEquals(made.length, 3);
    assertEquals(request.payment_options![0]!.link, made[2]!.bolt11);
    assertEquals(await alice.pays(request).then(toldIn), PAID);
    // Nobody but the wallet has it; what it says that arrived is the order's all the same.
    await shop.wallet.settle(made[0]!.bolt11, { late: true });
    await shop.pass(25 * 60 * MINUTE);
    await shop.pass(10_000);
    const told = toldIn(await alice.hears());
    assert(told.length === 1 && told[0]!.includes("received another 100 sat"), JSON.stringify(told));
    assert((await shop.timeline(await shop.order())).some((text) => text.includes("never reached us")));
    await checkBooks(shop);
  },
);

onEachDatabase(
  "an answer after 8 s isn't offered any more, is watched, and counts when it is paid",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    shop.wallet.faults.next("createInvoice", { do: "delay", ms: 9_000 });
    const request = requestIn(await ordersWithin(shop, alice, 12_000));
    const [late, open] = await shop.wallet.invoices();
    assertEquals(request.payment_options![0]!.link, open!.bolt11);
    assertEquals((await invoicesOf(shop)).map((row) => [row.state, row.payment_hash]), [
      ["void", late!.paymentHash],
      ["open", open!.paymentHash],
    ]);
    assertEquals(toldIn(await alice.pays(late!.bolt11)), PAID);
    const twice = toldIn(await alice.pays(request));
    assert(twice[0]!.includes("received another 100 sat"));
    await checkBooks(shop);
  },
);

Deno.test("notifications before the invoice is stored, several times and of what isn't ours: one payment", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  shop.wallet.faults.next("createInvoice", { do: "delay", ms: 2_000 });
  await alice.writes(orderJson());
  await shop.inbox.settled();
  await shop.sleeps(1_000);
  const [made] = await shop.wallet.invoices();
  await shop.wallet.settle(made!.bolt11);
  for (const paymentHash of [made!.paymentHash, "00".repeat(32), made!.paymentHash]) {
    shop.wallet.hint({ paymentHash });
  }
  // The ladder's first look comes 5 s after the invoice: until then only the hint can have told.
  await passes(shop, 4_000);
  await shop.settle();
  const heard = await alice.hears();
  // Nothing is left to pay when the request would have gone out.
  assertEquals(toldIn(heard), PAID);
  for (let n = 0; n < 5; n++) shop.wallet.hint({ paymentHash: made!.paymentHash });
  await passes(shop, 2_000);
  assertEquals(await alice.hears(), []);
  await checkBooks(shop);
});

Deno.test("notifications in another order than the payments: each order gets its own", async () => {
  await using shop = await Shop.open();
  const customers = ["alice", "bob", "carol"].map((name) => shop.customer(name));
  const made: string[] = [];
  for (const customer of customers) {
    made.push(requestIn(await customer.orders()).payment_options![0]!.link);
  }
  for (const bolt11 of made.toReversed()) await shop.wallet.settle(bolt11, { silently: true });
  for (const { paymentHash } of (await shop.wallet.invoices()).toReversed()) {
    shop.wallet.hint({ paymentHash });
  }
  await passes(shop, 3_000);
  await shop.settle();
  for (const customer of customers) assertEquals(toldIn(await customer.hears()), PAID);
  await checkBooks(shop);
});

const says = (change: (truth: InvoiceStatus) => unknown): DemoFault => ({ do: "lie", say: change });
const scaled = (times: bigint, by = 1n) =>
  says((truth) =>
    truth.status === "settled" ? { ...truth, amountMsat: truth.amountMsat! * times / by } : truth
  );

for (const [name, fault] of [["1000 times", scaled(1000n)], ["a thousandth", scaled(1n, 1000n)]] as const) {
  Deno.test(`the wallet mixes up sat and msat (${name} of it arrived): paid what was asked, no credit, and it says so`, async () => {
    await using shop = await Shop.open();
    const alice = shop.customer();
    const request = requestIn(await alice.orders());
    shop.wallet.faults.always("lookup", fault);
    assertEquals(toldIn(await alice.pays(request)), PAID);
    const order = await shop.order();
    assertEquals([order.payment, order.received_msat], ["paid", 100_000]);
    assert(
      (await shop.timeline(order)).some((text) => text.includes("which can't be for an invoice of 100 sat")),
    );
    await checkBooks(shop);
  });
}

Deno.test("an invoice of another amount, or of another order, is never shown", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const request = requestIn(await alice.orders());
  const first = (await shop.wallet.invoices())[0]!;
  // Its description names alice's order.
  const again = () => ({ bolt11: first.bolt11, paymentHash: first.paymentHash });
  shop.wallet.faults.next("createInvoice", { do: "lie", say: again });
  assert(refusalIn(await bob.orders()).includes("can't make an invoice"));
  assertEquals(toldIn(await alice.pays(request)), PAID);
  await checkBooks(shop);
});

Deno.test("'settled' with nothing, 'not found' at first, 'open' after 'settled': only a payment counts, once", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  shop.wallet.faults.next(
    "lookup",
    says(() => ({ status: "settled", amountMsat: 0n, settledAt: 1 })),
    says(() => ({ status: "not_found" })),
    says(() => ({ status: "open" })),
  );
  await passes(shop, 16_000, 1_000);
  assertEquals((await shop.order()).payment, "awaiting");
  assertEquals(toldIn(await alice.pays(request)), PAID);
  shop.wallet.faults.always("lookup", says(() => ({ status: "open" })));
  await shop.pass(16 * MINUTE);
  await shop.pass(25 * 60 * MINUTE);
  assertEquals((await shop.order()).payment, "paid");
  shop.wallet.faults.always("lookup", null);
  await checkBooks(shop);
});

Deno.test("a wallet that forgot an invoice lets the order expire and nothing else", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  shop.wallet.faults.always("lookup", says(() => ({ status: "not_found" })));
  await shop.pass(901_000);
  assertEquals((await shop.order()).payment, "expired");
  shop.wallet.faults.always("lookup", null);
  await checkBooks(shop);
});

const DOWN: DemoFault = { do: "fail", kind: "unreachable" };

/** The wallet's machine is off, or on again. */
function down(shop: Shop, is: boolean): void {
  for (const call of ["probe", "createInvoice", "lookup", "listIncoming"] as const) {
    shop.wallet.faults.always(call, is ? DOWN : null);
  }
}

onEachDatabase(
  "the wallet is down for an hour: nothing is lost, one invoice for each order, told once",
  async (database) => {
    await using shop = await Shop.open({ database, terms: { maxOpenOrders: 9 } });
    await shop.shelf.product({ id: "bowl", name: "Bowl", price: 100, quantity: 50 });
    const order = (id: string) => orderJson({ id, items: [{ product_id: "bowl", quantity: 1 }] });
    const before = shop.customer("before");
    const paidUnseen = requestIn(await before.orders(order("1")));
    down(shop, true);
    // Paid at the wallet while it can't be asked.
    await shop.wallet.settle(paidUnseen.payment_options![0]!.link, { silently: true });
    const during = ["a", "b", "c", "d"].map((name) => shop.customer(name));
    const heard = new Map<Customer, Answer[]>();
    for (const [n, customer] of during.entries()) {
      await customer.writes(order(`${n}`));
      await comes(shop, async () => (await shop.orders()).filter((one) => one.delay_told === 1).length > n);
      await passes(shop, 15 * MINUTE, MINUTE);
    }
    for (const customer of during) heard.set(customer, await customer.hears());
    down(shop, false);
    await passes(shop, 2 * MINUTE, 5_000);
    await shop.settle();
    const after = shop.customer("after");
    requestIn(await after.orders(order("1")));
    // An hour is longer than an order waits for a silent wallet to say that it is unpaid: its payment is a late one.
    assertEquals(toldIn(await before.hears()), PAID);
    for (const customer of during) {
      const all = [...heard.get(customer)!, ...await customer.hears()];
      assert(all[0]!.message!.startsWith("Your invoice takes longer"), all[0]!.raw);
      assertEquals(all.map((one) => one.payment_options?.length), [0, 1], JSON.stringify(all));
      const [option] = all[1]!.payment_options!;
      assert(option!.expiry > 700, `${option!.expiry} s to pay`);
      assertEquals(toldIn(await customer.pays(all[1]!)), PAID);
    }
    assertEquals((await shop.orders()).map((one) => one.payment).sort(), [
      "awaiting",
      "paid",
      "paid",
      "paid",
      "paid",
      "paid",
    ]);
    await checkBooks(shop);
  },
);

onEachDatabase(
  "two outages, late answers and a restart: told once that it takes longer",
  async (database) => {
    const first = await Shop.open({ database });
    const alice = first.customer();
    const attempts = async () => (await invoicesOf(first)).length;
    first.wallet.faults.always("createInvoice", { do: "delay", ms: 9_000 });
    await alice.writes(orderJson());
    await comes(first, async () => (await first.orders())[0]?.delay_told === 1);
    first.wallet.faults.always("createInvoice", { do: "fail", kind: "unreachable" });
    const before = await attempts();
    await comes(first, async () => await attempts() > before + 3, 5_000);
    let closed = false;
    first[Symbol.asyncDispose]().then(() => closed = true);
    await comes(first, () => Promise.resolve(closed));

    const wallet = new DemoWallet({ clock: first.clock, random: systemRandom, log: silentLog });
    wallet.faults.always("createInvoice", { do: "fail", kind: "unreachable" });
    await using shop = await first.another({ wallet });
    const heir = new Customer(shop, "alice", "nip04");
    const restarted = await attempts();
    await comes(shop, async () => await attempts() > restarted + 3, 5_000);
    shop.wallet.faults.always("createInvoice", null);
    const state = async () => (await shop.order()).payment;
    await comes(shop, async () => await state() === "awaiting", 5_000);
    // Another total needs another invoice, and the wallet is away again.
    shop.wallet.faults.always("createInvoice", { do: "fail", kind: "unreachable" });
    await heir.writes(orderJson({ items: [{ product_id: "cup", quantity: 2 }] }));
    const amended = await attempts();
    await comes(shop, async () => await attempts() > amended + 3, 5_000);
    shop.wallet.faults.always("createInvoice", null);
    await comes(shop, async () => await state() === "awaiting", 5_000);
    await shop.settle();
    const all = await heir.hears();
    assert(all[0]!.message!.startsWith("Your invoice takes longer"), all[0]!.raw);
    assertEquals(all.map((one) => one.payment_options?.[0]?.amount_sats), [undefined, 100, 200]);
    await checkBooks(shop);
  },
);

Deno.test("down at expiry: the goods are held for half an hour more, then they are free and money found later is late", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  await shop.wallet.settle(request.payment_options![0]!.link, { silently: true });
  down(shop, true);
  await shop.pass(901_000);
  await shop.pass(29 * MINUTE);
  assertEquals([(await shop.order()).payment, await shop.stock()], ["awaiting", { onHand: 5, held: 1 }]);
  for (let n = 0; n < 4; n++) await shop.pass(MINUTE);
  // The clock's leap is no silence of the wallet: it has its half hour again.
  for (let n = 0; n < 31; n++) await shop.pass(MINUTE);
  assertEquals([(await shop.order()).payment, await shop.stock()], ["expired", { onHand: 5, held: 0 }]);
  down(shop, false);
  await shop.pass(61 * MINUTE);
  assertEquals(toldIn(await alice.hears()), PAID);
  await checkBooks(shop);
});

Deno.test("down at an amendment: the old invoice stays the only one until the wallet is back, and stays watched", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const old = requestIn(await alice.orders());
  down(shop, true);
  const told = await ordersWithin(shop, alice, 3_000, { items: [{ product_id: "cup", quantity: 2 }] });
  assert(refusalIn(told).startsWith("Your invoice takes longer"));
  down(shop, false);
  await passes(shop, 20_000);
  const now = requestIn(await alice.hears());
  assertEquals(now.payment_options![0]!.amount_sats, 200);
  const open = (await invoicesOf(shop)).filter((row) => row.state === "open");
  assertEquals(open.map((row) => row.bolt11), [now.payment_options![0]!.link]);
  // The customer paid the old one meanwhile: a part of what is owed now.
  const rest = requestIn(await alice.pays(old));
  assertEquals(rest.payment_options![0]!.amount_sats, 100);
  await checkBooks(shop);
});
