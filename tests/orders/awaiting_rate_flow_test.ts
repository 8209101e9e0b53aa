import { assertEquals, assertStringIncludes } from "@std/assert";
import { productInput } from "../../src/catalog/product_input.ts";
import { updateProduct } from "../../src/catalog/products.ts";
import type { Rate } from "../../src/money/rates.ts";
import { hurryJobs } from "../../src/jobs/hurry_store.ts";
import { QUOTE_JOB } from "../../src/orders/waiting.ts";
import { refusalIn, requestIn } from "../support/customer.ts";
import { Shop } from "../support/shop.ts";

const pot = (quantity = 1) => ({ items: [{ product_id: "pot", quantity }] });

/** A shop with pots at 5.00 EUR, and rates that a test sets: `perBtc` null is none. */
async function potShop(o: Parameters<typeof Shop.open>[0] = {}) {
  const market: { perBtc: string | null; mayCome: boolean } = { perBtc: null, mayCome: true };
  const shop = await Shop.open({
    ...o,
    terms: {
      rate: (currency): Rate | null =>
        market.perBtc === null || currency !== "EUR"
          ? null
          : { currency, perBtc: market.perBtc, sources: ["coinbase", "kraken"], at: shop.clock.now() },
      rateMayCome: (currency) => market.mayCome && currency === "EUR",
      ...o.terms,
    },
  });
  await shop.shelf.product({ id: "pot", name: "Pot", price: "5.00", currency: "EUR", quantity: 3 });
  const comes = async (perBtc: string) => {
    market.perBtc = perBtc;
    await shop.database.transaction((tx) => hurryJobs(tx, { kind: QUOTE_JOB, now: shop.clock.now() }));
    await shop.settle();
  };
  return { shop, market, comes };
}

Deno.test("an order without a rate waits, is told of it once, and is quoted when there is one", async () => {
  const { shop, comes } = await potShop();
  await using _ = shop;
  const alice = shop.customer();
  assertEquals(await alice.orders(pot(2)), []);
  const waiting = await shop.order();
  assertEquals([waiting.payment, waiting.total_msat, waiting.expires_at], ["quoting", 0, null]);
  assertEquals(await shop.stock("pot"), { onHand: 3, held: 0 });

  await shop.pass(24_000);
  assertEquals(await alice.hears(), []);
  await shop.pass(2_000);
  const told = refusalIn(await alice.hears());
  assertEquals(
    told,
    "We have no exchange rate for EUR right now. Your order waits for it, and you'll hear from us as soon as there is one.",
  );
  await shop.pass(10 * 60_000);
  assertEquals(await alice.orders(pot(2)), []);

  await comes("50000");
  const request = requestIn(await alice.hears());
  assertEquals(request.payment_options![0]!.amount_sats, 20_000);
  const order = await shop.order();
  const frozen = { currency: "EUR", per_btc: "50000", sources: ["coinbase", "kraken"] };
  assertEquals(JSON.parse(order.rate!), { ...frozen, at: new Date(shop.clock.now()).toISOString() });
  assertEquals([order.payment, order.expires_at], ["awaiting", shop.clock.now() + 900_000]);
  assertEquals(await shop.stock("pot"), { onHand: 3, held: 2 });
  await alice.pays(request);
  assertEquals((await shop.order()).payment, "paid");
  assertEquals(await shop.stock("pot"), { onHand: 1, held: 0 });
});

Deno.test("a rate that comes within seconds is all that the customer notices", async () => {
  const { shop, comes } = await potShop();
  await using _ = shop;
  const alice = shop.customer();
  await alice.orders(pot());
  await shop.pass(2_000);
  await comes("50000");
  requestIn(await alice.hears());
});

Deno.test("nobody hurries the job: it looks by itself, also in another process", async () => {
  const { shop, market } = await potShop();
  await using _ = shop;
  const alice = shop.customer();
  await alice.orders(pot());
  await shop.stops();
  await using other = await shop.another();
  await other.pass(30_000);
  refusalIn(await alice.hears());
  market.perBtc = "50000";
  await other.pass(61_000);
  assertEquals((await other.order()).payment, "awaiting");
  requestIn(await alice.hears());
});

Deno.test("after two hours nobody waits any more, and whoever asks again is told why", async () => {
  const { shop, comes } = await potShop();
  await using _ = shop;
  const alice = shop.customer();
  await alice.orders(pot());
  await shop.pass(60_000);
  refusalIn(await alice.hears());
  for (let minutes = 0; minutes < 120; minutes += 30) await shop.pass(30 * 60_000);
  const over = refusalIn(await alice.hears());
  assertStringIncludes(
    over,
    "We have no exchange rate for EUR right now. Please try again in a few minutes.",
  );
  assertEquals((await shop.order()).payment, "failed");
  assertStringIncludes(refusalIn(await alice.orders(pot())), "no exchange rate");
  await comes("50000");
  assertEquals(await alice.hears(), []);
  requestIn(await alice.orders(pot()));
});

Deno.test("an order that can't be priced however often it is tried is answered, and can be asked for again", async () => {
  const { shop, comes } = await potShop();
  await using _ = shop;
  const alice = shop.customer();
  await alice.orders(pot());
  const { rate } = shop.terms;
  shop.terms.rate = () => {
    throw new Error("a fault");
  };
  const waits = async () => (await shop.order()).payment === "quoting";
  for (let n = 0; n < 100 && await waits(); n++) await shop.pass(15 * 60_000);
  assertEquals((await shop.order()).payment, "failed");
  assertStringIncludes(refusalIn(await alice.hears()), "can't be priced at the moment");
  shop.terms.rate = rate;
  await comes("50000");
  requestIn(await alice.orders(pot()));
});

Deno.test("what has changed meanwhile counts: goods that are gone, a shop that is closed, a price that rose", async () => {
  const { shop, market, comes } = await potShop();
  await using _ = shop;
  const [alice, bob, carol] = [shop.customer("alice"), shop.customer("bob"), shop.customer("carol")];
  await alice.orders({ id: "a", ...pot(2) });
  await bob.orders({ id: "b", ...pot(2) });
  await shop.pass(2_000);
  const input = productInput.parse({
    stall_id: "tea",
    name: "Pot",
    price: "6.00",
    currency: "EUR",
    quantity: 3,
  });
  const now = shop.clock.now();
  await shop.database.transaction((tx) =>
    updateProduct(tx, { merchant: shop.merchant, id: "pot", input, now })
  );
  await comes("50000");
  // Who ordered before the price rose pays what it was; who was second gets nothing.
  assertEquals(requestIn(await alice.hears()).payment_options![0]!.amount_sats, 20_000);
  assertStringIncludes(refusalIn(await bob.hears()), 'Only 1 of "Pot" left');
  market.perBtc = null;
  await carol.orders({ id: "c", ...pot() });
  shop.terms.closed = "We're at the sea.";
  await comes("50000");
  assertEquals(refusalIn(await carol.hears()), "We're at the sea.");
});

Deno.test("a waiting order can be changed and cancelled", async () => {
  const { shop, comes } = await potShop();
  await using _ = shop;
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  await alice.orders({ id: "a", ...pot(2) });
  assertEquals(await alice.orders({ id: "a", ...pot(3), address: "Elsewhere 2" }), []);
  await bob.orders({ id: "b", ...pot() });
  assertEquals(
    refusalIn(await bob.says({ type: 3, id: "b", status: "cancelled" })),
    "This order is cancelled, as you asked.",
  );
  await comes("50000");
  assertEquals([(await shop.order("b")).payment, await bob.hears()], ["cancelled", []]);
  assertEquals(requestIn(await alice.hears()).payment_options![0]!.amount_sats, 30_000);
  const order = await shop.order("a");
  assertEquals([order.revision, order.address, order.payment], [2, "Elsewhere 2", "awaiting"]);
  assertEquals(await shop.stock("pot"), { onHand: 3, held: 3 });
});

Deno.test("waiting orders count towards the cap, and don't stand in their own way", async () => {
  const { shop, comes } = await potShop({ terms: { maxOpenOrders: 2 } });
  await using _ = shop;
  const alice = shop.customer();
  await alice.orders({ id: "1", ...pot() });
  await alice.orders({ id: "2", ...pot() });
  assertStringIncludes(refusalIn(await alice.orders({ id: "3", ...pot() })), "You have 2 unpaid orders");
  await comes("50000");
  assertEquals((await alice.hears()).filter((one) => one.payment_options?.length === 1).length, 2);
});

Deno.test("where no rate can come nobody waits", async () => {
  const { shop, market } = await potShop();
  await using _ = shop;
  market.mayCome = false;
  assertStringIncludes(refusalIn(await shop.customer().orders(pot())), "no exchange rate for EUR");
  assertEquals((await shop.order()).payment, "rejected");
});

Deno.test("an order that has its price isn't repriced, and one in sats never waits", async () => {
  const { shop, market, comes } = await potShop();
  await using _ = shop;
  const alice = shop.customer();
  requestIn(await alice.orders({ id: "cup" }));
  market.perBtc = "50000";
  const first = requestIn(await alice.orders({ id: "1", ...pot() }));
  market.perBtc = null;
  // The same again while there is no rate: the same answer.
  assertEquals(
    requestIn(await alice.orders({ id: "1", ...pot() })).payment_options![0]!.link,
    first.payment_options![0]!.link,
  );
  // A change that needs a price is refused, the order stands.
  assertStringIncludes(refusalIn(await alice.orders({ id: "1", ...pot(2) })), "It stands as it was");
  await comes("100000");
  assertEquals((await shop.order("1")).total_msat, 10_000_000);
});
