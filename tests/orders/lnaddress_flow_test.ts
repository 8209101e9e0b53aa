import { assert, assertEquals } from "@std/assert";
import { decodeBolt11 } from "../../src/payments/bolt11.ts";
import { readLightningAddress } from "../../src/payments/wallets/lnaddress/address.ts";
import { LnAddressWallet } from "../../src/payments/wallets/lnaddress/lnaddress_wallet.ts";
import { checkBooks } from "../support/books.ts";
import { refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testFetch } from "../support/https_server.ts";
import { type LnurlFaults, LnurlServer } from "../support/lnurl_server.ts";
import { silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";

/** A shop whose wallet is a Lightning address, and the server of that. */
async function scene(faults: LnurlFaults = {}) {
  const clock = new FakeClock();
  const server = new LnurlServer({ now: () => clock.now(), faults });
  const receives = new LnAddressWallet({
    address: readLightningAddress(server.address)!,
    anyVerify: false,
    zaps: null,
    web: testFetch(),
    clock,
    log: silentLog,
  });
  const shop = await Shop.open({ clock, receives });
  return {
    server,
    shop,
    [Symbol.asyncDispose]: async () => {
      await shop[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

/** Time passes until the order stands so: nobody tells the shop of a payment, it asks. */
async function untilPayment(shop: Shop, payment: string, stepMs: number): Promise<void> {
  for (const end = Date.now() + 30_000; (await shop.order()).payment !== payment;) {
    if (Date.now() > end) throw new Error(`still ${(await shop.order()).payment}`);
    await shop.pass(stepMs);
  }
}

Deno.test("an order is paid through a Lightning address: nobody tells, verify is asked", async () => {
  await using it = await scene();
  const alice = it.shop.customer();
  const request = requestIn(await alice.orders());
  const { link } = request.payment_options![0]!;
  const read = decodeBolt11(link);
  assert(read.ok && read.invoice.amountMsat === 100_000n && read.invoice.descriptionHash !== null);
  await it.shop.pass(10_000);
  assertEquals((await it.shop.order()).payment, "awaiting");
  it.server.pay(link);
  await untilPayment(it.shop, "paid", 5_000);
  assertEquals(toldIn(await alice.hears()).length, 1);
  const order = await it.shop.order();
  assertEquals([order.payment, order.fulfilment, order.received_msat], ["paid", "unfulfilled", 100_000]);
  assertEquals(await it.shop.stock(), { onHand: 4, held: 0 });
  await checkBooks(it.shop, it.server.received());
});

Deno.test("paid after the order expired, while its invoice hadn't: seen late and honoured", async () => {
  await using it = await scene();
  const alice = it.shop.customer();
  const { link } = requestIn(await alice.orders()).payment_options![0]!;
  await untilPayment(it.shop, "expired", 901_000);
  it.server.pay(link);
  await untilPayment(it.shop, "paid", 60_000);
  await checkBooks(it.shop, it.server.received());
});

Deno.test("a server that says paid of another invoice pays nothing", async () => {
  await using it = await scene({ verify: () => ({ settled: true, pr: "lnbcrt1other" }) });
  requestIn(await it.shop.customer().orders());
  for (let i = 0; i < 10; i++) await it.shop.pass(5_000);
  assertEquals((await it.shop.order()).payment, "awaiting");
  assert(it.server.asked.some((path) => path.startsWith("/verify/")));
  await checkBooks(it.shop, it.server.received());
});

Deno.test("without verify a customer gets no invoice: nobody would see it paid", async () => {
  await using it = await scene({ made: () => ({ verify: undefined }) });
  const alice = it.shop.customer();
  refusalIn(await alice.orders());
  await checkBooks(it.shop, it.server.received());
});
