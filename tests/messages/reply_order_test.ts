import { assert, assertEquals } from "@std/assert";
import type { MerchantSigner } from "../../src/nostr/signer.ts";
import { requestIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { signerThatFails } from "../support/failing_signer.ts";
import { until } from "../support/jobs.ts";
import { Shop } from "../support/shop.ts";

Deno.test("the answers of one order leave in the order of what they tell of, whatever fails in between", async () => {
  // The signer fails for what is being signed just then, and works again for what comes after it.
  let failures = 0;
  await using shop = await Shop.open({
    signer: (own: MerchantSigner) => signerThatFails(own, () => failures-- > 0),
  });
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  await shop.inbox.settled();
  failures = 1;
  await shop.wallet.settle(request.payment_options![0]!.link);
  await until(async () => (await shop.order()).payment === "paid", "the payment");
  const order = await shop.order();
  await shop.happens(order, { type: "shipped", carrier: null, tracking: null });
  assertEquals(await alice.hears(), [], "the receipt waits for its second try, and the rest behind it");
  for (let i = 0; i < 80; i++) await shop.clock.advance(250);
  await shop.settle();
  const answers = await alice.hears();
  assertEquals(answers.map((answer) => answer.message), [
    "Payment received: 100 sat. Thank you!",
    "Your order is on its way.",
  ]);
  assert(answers[0]!.created_at < answers[1]!.created_at);
});

Deno.test("a request that is asked for again while the payment arrives is never dated after the receipt", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const link = requestIn(await alice.orders()).payment_options![0]!.link;
  for (let i = 0; i < 3; i++) {
    await alice.writes({
      type: 0,
      id: "order-1",
      items: [{ product_id: "cup", quantity: 1 }],
      address: `${i}`,
    });
  }
  await shop.paid(link);
  for (let i = 0; i < 20; i++) await shop.clock.advance(250);
  await shop.settle();
  const types = (await alice.hears()).map((answer) => answer.type);
  assert(types.includes(2));
  const [firstReceipt, lastRequest] = [types.indexOf(2), types.lastIndexOf(1)];
  assert(lastRequest < firstReceipt, `${types}`);
});

onEachDatabase("orders don't wait for each other's answers", async (database) => {
  let down = false;
  await using shop = await Shop.open({
    database,
    signer: (own: MerchantSigner) => signerThatFails(own, () => down),
  });
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const hers = requestIn(await alice.orders());
  const his = requestIn(await bob.orders());
  down = true;
  assertEquals(await alice.pays(hers), []);
  down = false;
  assertEquals((await bob.pays(his)).length, 1);
});

Deno.test("an answer outlives a signer that is away for hours", async () => {
  let down = false;
  await using shop = await Shop.open({ signer: (own: MerchantSigner) => signerThatFails(own, () => down) });
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  down = true;
  await alice.pays(request);
  for (let i = 0; i < 40; i++) {
    shop.clock.jump(400_000);
    await shop.settle();
  }
  down = false;
  shop.clock.jump(400_000);
  await shop.settle();
  assertEquals((await alice.hears()).map((answer) => answer.type), [2]);
});

Deno.test("an answer for a merchant who isn't served waits until it is", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  shop.served = false;
  assertEquals(await alice.pays(request), []);
  shop.served = true;
  await shop.pass(61_000);
  assertEquals((await alice.hears()).map((answer) => answer.type), [2]);
});
