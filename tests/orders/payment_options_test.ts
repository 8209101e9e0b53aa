import { assertEquals } from "@std/assert";
import { resend } from "../../src/orders/resend.ts";
import type { CreatedInvoice, PaymentLink } from "../../src/payments/wallet.ts";
import { statementOf } from "../../src/messages/statements.ts";
import { orderJson } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

const links: PaymentLink[] = [
  { type: "btc", link: "bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?amount=0.000001" },
  { type: "url", link: "https://pay.example/i/Fq3kZ1" },
];

/** The demo wallet, which has further ways to pay as well. */
function offersMore(shop: Shop): void {
  const say = (invoice: CreatedInvoice) => ({
    ...invoice,
    links: [{ type: "url", link: "javascript:alert(1)" }, ...links],
  });
  shop.wallet.faults.always("createInvoice", { do: "lie", say });
}

onEachDatabase(
  "further ways to pay stand behind Lightning, and every repeat says the same",
  async (database) => {
    await using shop = await Shop.open({ database });
    offersMore(shop);
    const alice = shop.customer();
    const [first, ...none] = await alice.orders();
    assertEquals(none, []);
    const options = first!.payment_options!;
    assertEquals(options.map(({ type }) => type), ["ln", "btc", "url"]);
    assertEquals(options.slice(1).map(({ type, link }) => ({ type, link })), links);
    assertEquals(new Set(options.map((one) => `${one.amount_sats} ${one.expiry}`)).size, 1);
    assertEquals(statementOf(first!.raw).bolt11, options[0]!.link);

    const [again] = await alice.orders();
    const said = (answer: typeof first) => answer!.payment_options!.map(({ type, link }) => [type, link]);
    assertEquals(said(again), said(first));
    const [order] = await shop.orders();
    await shop.pass(1_000);
    await shop.database.transaction((tx) => resend(tx, order!.id, shop.clock.now()));
    await shop.settle();
    assertEquals(said((await alice.hears())[0]), said(first));
    assertEquals((await alice.pays(first!))[0]?.paid, true);
  },
);

Deno.test("to plebeian.market only Lightning is a payment request", async () => {
  await using shop = await Shop.open();
  offersMore(shop);
  const { stall_id: _, ...order } = orderJson() as Record<string, unknown>;
  const [answer] = await shop.customer().says({ ...order, stallId: "tea" });
  assertEquals(
    (answer!.payment_options as unknown as Record<string, unknown>[]).map((one) => [
      one.type,
      one.paymentRequest === one.link,
    ]),
    [["ln", true], ["btc", false], ["url", false]],
  );
});
