import { assert, assertEquals } from "@std/assert";
import { orderJson, requestIn } from "../support/customer.ts";
import { signerBehind, signerThatFails } from "../support/failing_signer.ts";
import type { Shop } from "../support/shop.ts";
import { until } from "../support/wire.ts";
import { two } from "./two_merchants.ts";

/** How long another merchant may wait for what is stuck at one, ms. */
const APART_MS = 1_000;

/** How long (ms) this takes by the shop's clock, which goes on by steps. */
async function took(shop: Shop, done: () => Promise<boolean>, stepMs = 250): Promise<number> {
  const from = shop.clock.now();
  await until(async () => {
    if (await done()) return true;
    await shop.sleeps(stepMs);
    return false;
  });
  return shop.clock.now() - from;
}

for (const orders of [12, 18, 120]) {
  Deno.test(`${orders} orders that wait for one merchant's silent wallet: the other's has its invoice within a second`, async () => {
    const { shop, theirs, states } = await two({ terms: { maxOpenOrders: 100 } });
    await using _ = shop;
    await shop.shelf.product({ id: "plate", name: "Plate", quantity: null });
    shop.wallet.faults.always("createInvoice", { do: "drop" });
    const crowd = Array.from({ length: orders / 6 }, (_, n) => shop.customer(`customer ${n}`));
    const items = [{ product_id: "plate", quantity: 1 }];
    for (const one of crowd) {
      for (let n = 0; n < 6; n++) await one.writes(orderJson({ id: `${n}`, items }));
    }
    await until(async () => (await states())[0]!.length === orders);
    await theirs.writes(orderJson());
    const answers: unknown[] = [];
    const waited = await took(shop, async () => answers.push(...await theirs.hears()) > 0);
    const then = await states();
    // What is under way ends with the wallet's answers, or the shop couldn't be closed.
    shop.wallet.faults.always("createInvoice", null);
    await took(shop, async () => (await states())[0]!.every((state) => state === "awaiting"), 5_000);
    assertEquals(then, [Array(orders).fill("quoting"), ["awaiting"]]);
    assert(waited <= APART_MS, `${waited} ms`);
  });
}

Deno.test("a merchant's wallet that never says what was paid delays nothing of the other's", async () => {
  const { shop, theirs, wallet } = await two({ terms: { maxOpenOrders: 100 } });
  await using _ = shop;
  await shop.shelf.product({ id: "plate", name: "Plate", quantity: null });
  const items = [{ product_id: "plate", quantity: 1 }];
  const crowd = Array.from({ length: 10 }, (_, n) => shop.customer(`customer ${n}`));
  for (const one of crowd) {
    for (let n = 0; n < 6; n++) requestIn(await one.orders({ id: `${n}`, items }));
  }
  for (const call of ["lookup", "listIncoming"] as const) shop.wallet.faults.always(call, { do: "drop" });
  const [option] = requestIn(await theirs.orders()).payment_options!;
  await wallet.settle(option!.link, { silently: true });
  const answers: unknown[] = [];
  const waited = await took(shop, async () => answers.push(...await theirs.hears()) > 0);
  for (const call of ["lookup", "listIncoming"] as const) shop.wallet.faults.always(call, null);
  await shop.sleeps(20_000);
  // Without a hint a new invoice is looked up every 5 s.
  assert(waited <= 5_000 + APART_MS, `${waited} ms`);
});

Deno.test("a merchant's signer that is down delays its own answers alone", async () => {
  let isDown = true;
  const { shop, ours, theirs, states } = await two({
    signer: (own) => signerThatFails(own, () => isDown),
  });
  await using _ = shop;
  await shop.inbox.stop();
  for (const one of [ours, theirs]) await one.writes(orderJson());
  const batch = await shop.database.kysely.selectFrom("inbox").selectAll().execute();
  assertEquals(batch.length, 2);
  await shop.batch.work(batch);
  await shop.jobs.settled();
  requestIn(await theirs.hears());
  assertEquals(await ours.hears(), []);
  assertEquals(await states(), [[], ["awaiting"]]);
  isDown = false;
  await shop.batch.work(batch.filter((row) => row.merchant === shop.merchant));
  await shop.jobs.settled();
  requestIn(await ours.hears());
});

Deno.test("a merchant's signer that never opens a message delays the other's order by less than a second", async () => {
  const { shop, ours, theirs } = await two({
    signer: (own) => ({ ...own, nip04: { ...own.nip04, decrypt: () => new Promise(() => {}) } }),
  });
  await using _ = shop;
  for (let n = 0; n < 40; n++) await ours.writes({ type: 0, id: `${n}` });
  await theirs.writes(orderJson());
  const answers: unknown[] = [];
  const waited = await took(shop, async () => answers.push(...await theirs.hears()) > 0);
  assert(waited <= APART_MS, `${waited} ms`);
  // Its patience with the signer has to end, or the shop couldn't be closed.
  await shop.sleeps(2_500);
});

Deno.test("a merchant's signer that never signs an answer delays the other's by less than a second", async () => {
  const asleep = Promise.withResolvers<void>();
  const { shop, ours, theirs } = await two({
    terms: { maxOpenOrders: 100 },
    rate: { count: 1_000, perMs: 1_000 },
    signer: (own) => {
      const { signEvent } = signerBehind(own, () => asleep.promise);
      return { ...signerBehind(own, () => Promise.resolve()), signEvent };
    },
  });
  await using _ = shop;
  // Whatever fails, the shop can be closed.
  using _wakes = { [Symbol.dispose]: () => asleep.resolve() };
  await shop.shelf.product({ id: "plate", name: "Plate", quantity: null });
  const items = [{ product_id: "plate", quantity: 1 }];
  for (let n = 0; n < 60; n++) await ours.writes(orderJson({ id: `${n}`, items }));
  const waiting = () =>
    shop.database.kysely.selectFrom("jobs").select("id").where("kind", "=", "reply.send").execute();
  await until(async () => (await waiting()).length === 60);
  await theirs.writes(orderJson());
  const answers: unknown[] = [];
  const waited = await took(shop, async () => answers.push(...await theirs.hears()) > 0);
  asleep.resolve();
  assert(waited <= APART_MS, `${waited} ms`);
  await shop.settle();
  await took(shop, async () => (await waiting()).length === 0, 5_000);
  assertEquals((await ours.hears()).length, 60);
});
