import { assert, assertEquals } from "@std/assert";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { checkBooks } from "../support/books.ts";
import { type Answer, Customer, orderJson, refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";
import { comes, down, invoicesOf, MINUTE, ordersWithin, PAID, passes } from "./lossy_scene.ts";

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
