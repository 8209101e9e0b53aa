import { assert, assertEquals, assertMatch } from "@std/assert";
import { WalletError } from "../../src/payments/wallet.ts";
import { type Customer, refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { memoryDatabase } from "../support/database.ts";
import { HoldingWallet } from "../support/holding_wallet.ts";
import { MortalDatabase } from "../support/mortal_database.ts";
import { Shop } from "../support/shop.ts";

const item = (product_id: string, quantity = 1) => ({ items: [{ product_id, quantity }] });

async function opened() {
  const clock = new FakeClock();
  const wallet = new HoldingWallet(clock);
  const shop = await Shop.open({ clock, wallet, terms: { stockPolicy: "holdinvoice" } });
  return { shop, wallet, clock };
}

/** Orders; the answer pays, so that the money waits with the wallet. */
async function ordered(wallet: HoldingWallet, customer: Customer, quantity = 1) {
  const request = requestIn(await customer.orders(item("cup", quantity)));
  return async (o: { silently?: boolean } = {}) => {
    const paid = await wallet.settle(request.payment_options![0]!.link, o);
    assert(paid.ok, paid.ok ? "" : paid.reason);
  };
}

Deno.test("nothing is held for an order; when its money waits the goods are reserved, and then it is taken", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  const pay = await ordered(wallet, alice);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  await pay();
  await shop.pass(2_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["settled"], "paid"]);
  assertEquals(await shop.stock(), { onHand: 4, held: 0 });
  toldIn(await alice.hears());
  const told = (await shop.timeline(await shop.order())).join("\n");
  assertMatch(told, /The payment is on hold with the wallet\.\n.*[Pp]aid/s);
});

Deno.test("the first order of a wallet that tells only with its first answer what it can has a hold invoice, too", async () => {
  const clock = new FakeClock();
  const wallet = new HoldingWallet(clock, { tellsAtOnce: false });
  await using shop = await Shop.open({ clock, wallet, terms: { stockPolicy: "holdinvoice" } });
  // Away at first: the order waits, as any does.
  wallet.faults.next("probe", { do: "fail", kind: "unreachable" });
  const pay = await clock.until(ordered(wallet, shop.customer("alice")));
  assertEquals(wallet.holds, ["open"]);
  await pay();
  await shop.pass(2_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["settled"], "paid"]);
});

Deno.test("money for an invoice whose answer came late is taken like any", async () => {
  const { shop, wallet, clock } = await opened();
  await using _ = shop;
  const { create } = wallet.holding;
  let late: string | undefined;
  wallet.holding.create = async (request, signal) => {
    wallet.holding.create = create;
    const made = await create(request, signal);
    late = made.bolt11;
    request.onLate?.(made);
    throw new WalletError("no_answer", "late");
  };
  await clock.until(ordered(wallet, shop.customer("alice")));
  assertEquals(wallet.holds, ["open", "open"]);
  await wallet.settle(late!);
  await shop.pass(2_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["settled", "open"], "paid"]);
});

Deno.test("who comes second for the last one gets the money back without a refund, and hears why", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const [hers, his] = [await ordered(wallet, alice, 4), await ordered(wallet, bob, 2)];
  await hers();
  await shop.pass(2_000);
  await his();
  await shop.pass(2_000);
  assertEquals(wallet.holds, ["settled", "cancelled"]);
  assertEquals((await shop.orders()).map((order) => order.payment).sort(), ["paid", "rejected"]);
  assertMatch(refusalIn(await bob.hears()), /sold to somebody else .* goes back to you/);
  assertEquals(await shop.stock(), { onHand: 1, held: 0 });
  const refunds = await shop.database.kysely.selectFrom("refunds").selectAll().execute();
  assertEquals(refunds, []);
});

Deno.test("a payment that waits for an order that was cancelled goes back", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  const pay = await ordered(wallet, alice);
  const order = await shop.order();
  await shop.happens(order, { type: "merchantCancelled", reason: "Closed today" });
  await pay();
  await shop.pass(60_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["cancelled"], "cancelled"]);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("a wallet that is away between accepting and taking is asked again until it has taken the money", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  const pay = await ordered(wallet, alice);
  wallet.onEnd = () => {
    throw new WalletError("unreachable", "away");
  };
  await pay();
  await shop.pass(2_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["held"], "held"]);
  assertEquals(await shop.stock(), { onHand: 5, held: 1 });
  wallet.onEnd = () => {};
  await shop.pass(20_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["settled"], "paid"]);
  assertEquals(await shop.stock(), { onHand: 4, held: 0 });
});

Deno.test("an order that is cancelled between accepting and taking: its money goes back without a refund", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  const pay = await ordered(wallet, alice);
  wallet.onEnd = () => {
    throw new WalletError("unreachable", "away");
  };
  await pay();
  await shop.pass(500);
  assertEquals((await shop.order()).payment, "held");
  await shop.happensLater(await shop.order(), { type: "customerCancelled" });
  wallet.onEnd = () => {};
  await shop.pass(60_000);
  const order = await shop.order();
  assertEquals([wallet.holds, order.payment, order.received_msat], [["cancelled"], "cancelled", 0]);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("money that was taken without the wallet's answer is booked and refunded when its order was cancelled meanwhile", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  const pay = await ordered(wallet, shop.customer("alice"), 2);
  wallet.mute = true;
  await pay();
  await shop.pass(500);
  assertEquals([wallet.holds, (await shop.order()).payment], [["settled"], "held"]);
  await shop.happensLater(await shop.order(), { type: "merchantCancelled", reason: "Closed today" });
  wallet.mute = false;
  await shop.pass(60_000);
  const order = await shop.order();
  assertEquals(
    [wallet.holds, order.payment, order.received_msat, order.refunding_msat],
    [["settled"], "refund_due", 200_000, 200_000],
  );
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

for (const [name, first] of [["new", 1], ["old", 0]] as const) {
  Deno.test(`both invoices of an amended order are paid, the ${name} one first: the other's money goes back`, async () => {
    const { shop, wallet } = await opened();
    await using _ = shop;
    const alice = shop.customer("alice");
    const pays = [await ordered(wallet, alice, 2), await ordered(wallet, alice, 1)];
    wallet.onEnd = (how) => {
      if (how === "settle") throw new WalletError("unreachable", "away");
    };
    await pays[first]!();
    await shop.pass(500);
    await pays[1 - first]!();
    await shop.pass(20_000);
    const wanted = (taken: "held" | "settled") => first === 0 ? [taken, "cancelled"] : ["cancelled", taken];
    // What went back wasn't what the order has accepted: it stands.
    assertEquals([wallet.holds, (await shop.order()).payment], [wanted("held"), "held"]);
    wallet.onEnd = () => {};
    await shop.pass(20_000);
    const order = await shop.order();
    assertEquals([wallet.holds, order.payment, order.received_msat, order.refunding_msat], [
      wanted("settled"),
      ...(first === 0 ? ["overpaid", 200_000] : ["paid", 100_000]),
      0,
    ]);
    assertEquals(await shop.stock(), { onHand: 4, held: 0 });
  });
}

Deno.test("what was to be given back is left alone once its order has accepted it", async () => {
  const { shop, wallet, clock } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  const pay = await ordered(wallet, alice, 2);
  wallet.onEnd = (how) => {
    throw new WalletError("unreachable", `away: ${how}`);
  };
  // Changed, and the new invoice takes a while: the order has none that it waits for when the old one is paid.
  const { create } = wallet.holding;
  wallet.holding.create = () => Promise.reject(new WalletError("busy", "later"));
  await clock.until(alice.orders(item("cup", 1)));
  await pay();
  await clock.until(shop.pass(60_000));
  assertEquals([wallet.holds, (await shop.order()).payment], [["held"], "quoting"]);
  wallet.holding.create = create;
  await shop.pass(60_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["held", "open"], "held"]);
  wallet.onEnd = () => {};
  await shop.pass(20_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["settled", "open"], "overpaid"]);
});

Deno.test("a process that is killed at any step between accepting and taking: the next one takes the money, once", async () => {
  const ends: string[] = [];
  for (const steps of [0, 1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 1_000]) {
    await using database = await memoryDatabase();
    const clock = new FakeClock();
    const wallet = new HoldingWallet(clock);
    const terms = { stockPolicy: "holdinvoice" as const };
    await using first = await Shop.open({ clock, wallet, terms, database });
    const pay = await ordered(wallet, first.customer("alice"));
    await first.stops();
    let settled = 0;
    wallet.onEnd = () => void settled++;
    const mortal = new MortalDatabase(database);
    const dying = await first.another({ database: mortal });
    mortal.dieAfter(steps);
    await pay();
    await Promise.race([mortal.died, dying.sleeps(3_000).catch(() => {})]);
    ends.push(mortal.dead ? "died" : "lived");
    const stopped = dying.isKilled();
    await clock.advance(10_000);
    await stopped;

    await using next = await first.another({ database });
    for (let i = 0; i < 4; i++) await next.pass(20_000);
    assertEquals([wallet.holds, (await next.order()).payment], [["settled"], "paid"], `after ${steps}`);
    assertEquals(await next.stock(), { onHand: 4, held: 0 }, `after ${steps}`);
    // Whoever can't know asks again: taking it twice changes nothing.
    assert(settled >= 1, `never taken after ${steps}`);
  }
  assert(ends.includes("died") && ends.includes("lived"), ends.join());
});

Deno.test("money that the wallet let go before it was taken ends the order: its goods are free, the customer hears", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  const pay = await ordered(wallet, alice);
  wallet.onEnd = () => {
    throw new WalletError("unreachable", "away");
  };
  await pay();
  await shop.pass(2_000);
  wallet.letsGo();
  wallet.onEnd = () => {};
  await shop.pass(20_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["cancelled"], "expired"]);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  const heard = (await alice.hears()).map((answer) => answer.message ?? "").join("\n");
  assertMatch(heard, /went back to you/);
});

Deno.test("a payment whose hint is lost is found by asking, and taken once however often it is asked about", async () => {
  const { shop, wallet } = await opened();
  await using _ = shop;
  let settled = 0;
  wallet.onEnd = () => void settled++;
  const pay = await ordered(wallet, shop.customer("alice"));
  await pay({ silently: true });
  await shop.pass(60_000);
  assertEquals([wallet.holds, settled, (await shop.order()).payment], [["settled"], 1, "paid"]);
});

Deno.test("with a wallet that has no hold invoices the first who pays gets the goods", async () => {
  await using shop = await Shop.open({ terms: { stockPolicy: "holdinvoice" } });
  const alice = shop.customer("alice");
  const request = requestIn(await alice.orders(item("cup", 2)));
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  await alice.pays(request);
  assertEquals([(await shop.order()).payment, await shop.stock()], ["paid", { onHand: 3, held: 0 }]);
});
