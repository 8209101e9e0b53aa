import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MIRROR_JOB } from "../../src/orders/mirror.ts";
import { requestIn } from "../support/customer.ts";
import type { Shop } from "../support/shop.ts";
import { runsOnPostgres } from "../support/lane.ts";
import { mirroredShop, shirt, stocked } from "./mirrored_shop.ts";
import type { Fate } from "./model_medusa.ts";

const MOST_MINUTES = 12;
/** What is cut off is between two calls, not between two databases. */
const ignore = runsOnPostgres();

/** Long enough for every lost answer to have settled and every pause to be over. */
async function calms(shop: Shop): Promise<void> {
  for (let n = 0; n < MOST_MINUTES && (n < 1 || await waits(shop)); n++) await shop.pass(60_000);
}

async function waits({ database }: Shop): Promise<boolean> {
  const job = await database.kysely.selectFrom("jobs").select("id").where("kind", "in", [
    MIRROR_JOB,
    "invoice.create",
  ])
    .executeTakeFirst();
  return job !== undefined;
}

/** An order that is paid, shipped and delivered, with these fates of calls to Medusa. */
async function story(fates: ReadonlyMap<number, Fate>) {
  const { shop, medusa } = await mirroredShop({}, { terms: { invoiceExpiryMs: 24 * 3_600_000 } });
  await stocked(shop);
  await using _ = shop;
  medusa.fate = (n) => fates.get(n);
  const alice = shop.customer("alice");
  const first = await alice.orders(shirt);
  await calms(shop);
  const request = requestIn(
    [...first, ...await alice.hears()].filter((answer) => answer.payment_options?.length),
  );
  await alice.pays(request);
  await calms(shop);
  await shop.happens(await shop.order(), { type: "shipped", carrier: "DHL", tracking: "JD01" });
  await calms(shop);
  await shop.happens(await shop.order(), { type: "delivered" });
  await calms(shop);
  assertEquals((await shop.order()).payment, "paid");
  assertEquals(medusa.live.length, 1, "one order");
  assertEquals(medusa.captured, 15.4, "one payment");
  assertEquals([...medusa.orders.values()].filter((one) => one.is_draft_order), []);
  assertEquals(medusa.stock.get("variant_1"), { stocked: 4, reserved: 0 });
  assertEquals([medusa.live[0]!.status, medusa.live[0]!.fulfillments.length], ["completed", 1]);
  return medusa.calls.length;
}

Deno.test("cut off before or after any one call to Medusa: one order, one payment, one fulfilment", {
  ignore,
}, async () => {
  const calls = await story(new Map());
  for (let n = 1; n <= calls; n++) {
    for (const fate of ["not sent", "answer lost"] as const) await story(new Map([[n, fate]]));
  }
  assert(calls > 8);
});

Deno.test("whatever answers get lost: one order, one payment, one fulfilment", { ignore }, async () => {
  const fate = fc.constantFrom<Fate>("not sent", "answer lost", undefined, undefined);
  const fates = fc.array(fate, { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fates, async (some) => void await story(new Map(some.map((one, i) => [i + 1, one])))),
    { numRuns: 8 },
  );
});
