import { assert, assertEquals, assertMatch } from "@std/assert";
import { resend } from "../../src/orders/resend.ts";
import { statementOf } from "../../src/messages/statements.ts";
import { addSaid } from "../../src/orders/said_before_store.ts";
import { linksOf } from "../../src/payments/invoices_store.ts";
import type { PaymentPages } from "../../src/payments/payment_pages.ts";
import type { CreatedInvoice } from "../../src/payments/wallet.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

const pages: PaymentPages = { url: "https://shop.example", offers: new Set(["url", "lnurl"]) };

onEachDatabase(
  "page and LNURL of the order stand behind Lightning, and every repeat says the same",
  async (database) => {
    await using shop = await Shop.open({ database, pages });
    const alice = shop.customer();
    const [first] = await alice.orders();
    const options = first!.payment_options!;
    assertEquals(options.map(({ type }) => type), ["ln", "url", "lnurl"]);
    assertMatch(options[1]!.link, /^https:\/\/shop\.example\/pay\/[\w-]{22}$/);
    assertMatch(options[2]!.link, /^lnurl1[02-9ac-hj-np-z]+$/);
    assertEquals(statementOf(first!.raw).bolt11, options[0]!.link);

    const order = await shop.order();
    assert(options[1]!.link.endsWith(`/${order.pay_token}`));
    const said = (answer: typeof first) => answer!.payment_options!.map(({ type, link }) => [type, link]);
    await shop.pass(1_000);
    await shop.database.transaction((tx) => resend(tx, order.id, shop.clock.now()));
    await shop.settle();
    assertEquals(said((await alice.hears())[0]), said(first));
    assertEquals((await alice.pays(first!))[0]?.paid, true);
    assertEquals((await shop.order()).payment, "paid");
  },
);

Deno.test("an order that is changed keeps its addresses, with another invoice", async () => {
  await using shop = await Shop.open({ pages });
  const alice = shop.customer();
  const [first] = await alice.orders();
  const [second] = await alice.orders({ items: [{ product_id: "cup", quantity: 2 }] });
  const links = (answer: typeof first) => answer!.payment_options!.map(({ link }) => link);
  assertEquals(links(second).slice(1), links(first).slice(1));
  assert(links(second)[0] !== links(first)[0]);
});

Deno.test("a page of the wallet's own stands in place of ours", async () => {
  await using shop = await Shop.open({ pages });
  const own = { type: "url" as const, link: "https://pay.example/i/1" };
  const say = (invoice: CreatedInvoice) => ({ ...invoice, links: [own] });
  shop.wallet.faults.always("createInvoice", { do: "lie", say });
  const [answer] = await shop.customer().orders();
  const options = answer!.payment_options!.map(({ type, link }) => [type, link]);
  assertEquals(options.slice(1, 2), [["url", own.link]]);
  assertEquals(options.map(([type]) => type), ["ln", "url", "lnurl"]);
});

Deno.test("a shop without pages of its own offers Lightning alone, and its invoice bears its text", async () => {
  await using shop = await Shop.open();
  const [answer] = await shop.customer().orders();
  assertEquals(answer!.payment_options!.map(({ type }) => type), ["ln"]);
  assertEquals((await shop.order()).pay_token, null);
});

Deno.test("a payment request of before a restore is the order's again, with a page and without an LNURL", async () => {
  await using shop = await Shop.open({ pages, memory: { any: true } });
  const alice = shop.customer();
  const { bolt11 } = await shop.wallet.createInvoice({
    amountMsat: 100_000n,
    description: "Order of before",
    hashedText: "another order's",
    expirySeconds: 900,
    externalId: "before",
  }, new AbortController().signal);
  const content = JSON.stringify({
    id: "order-1",
    type: 1,
    payment_options: [{ type: "ln", link: bolt11 }, { type: "url", link: "https://shop.example/pay/old" }],
  });
  await shop.database.transaction((tx) =>
    addSaid(tx, [{
      merchant: shop.merchant,
      customer: alice.pubkey,
      event_id: "e".repeat(64),
      at_seconds: Math.floor(shop.clock.now() / 1000) + 2,
      ...statementOf(content),
    }])
  );
  assertEquals(await alice.orders(), []);
  const [invoice] = await shop.database.kysely.selectFrom("invoices").selectAll().execute();
  assertEquals([invoice!.bolt11, invoice!.state], [bolt11, "open"]);
  const { pay_token } = await shop.order();
  assertEquals(linksOf(invoice!), [{ type: "url", link: `https://shop.example/pay/${pay_token}` }]);
  assertEquals((await alice.pays(bolt11))[0]?.paid, true);
});
