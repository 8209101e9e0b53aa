import { assert, assertEquals } from "@std/assert";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { lightningLink } from "../../support/shopper.ts";
import { eventually } from "../lightning/daemon.ts";
import { Door } from "./door.ts";
import { MedusaRefusal } from "./medusa_api.ts";
import { type MedusaServer, startMedusa, withoutMedusa } from "./medusa_server.ts";
import { PATIENCE_MS, TwoDoors, webCheckout } from "./two_doors.ts";

/*
 * One shop, two doors: the same stock sold through a real Medusa and on Nostr. `deno run -A tests/real/medusa/get_medusa.ts` gets it.
 */
const ignore = withoutMedusa("tests/real/medusa/orders_test.ts");
let medusa: MedusaServer;
let doors: TwoDoors;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  medusa = await startMedusa();
  doors = await TwoDoors.open(medusa);
});

Deno.test.afterAll(async () => {
  await doors?.[Symbol.asyncDispose]();
  await medusa?.[Symbol.asyncDispose]();
});

test("a Nostr order holds Medusa's stock before it is paid, is captured when it is, and is shipped from there", async () => {
  const before = await doors.stock("MUG");
  const alice = await doors.customer();
  await doors.order(alice, "first");
  const request = await doors.answer(alice, "first");
  assertEquals(await doors.stock("MUG"), { ...before, reserved: before.reserved + 1 });
  const [theirs] = await doors.theirs();
  // 10.00 and 4.20 with 19 %: 16.898, which our catalogue has as 11.90 and 5.00.
  assertEquals([theirs!.status, theirs!.total, theirs!.payment_status], ["pending", 16.898, "not_paid"]);
  const invoice = decodeBolt11(lightningLink(request)!);
  assertEquals(invoice.ok && invoice.invoice.amountMsat, 33_800_000n);
  await doors.pay(request);
  await doors.hears(alice, (one) => one.paid === true);
  await eventually(
    "captured",
    PATIENCE_MS,
    async () => (await doors.theirs())[0]!.payment_status === "captured" || undefined,
  );

  const { id, items } = theirs!;
  const moved = items.map((item) => ({ id: item.id, quantity: item.quantity }));
  const { order } = await medusa.call<{ order: { fulfillments: { id: string }[] } }>(
    "POST",
    `/admin/orders/${id}/fulfillments?fields=*fulfillments`,
    { items: moved, metadata: { carrier: "DHL" } },
  );
  await medusa.call("POST", `/admin/orders/${id}/fulfillments/${order.fulfillments[0]!.id}/shipments`, {
    items: moved,
    labels: [{ tracking_number: "JD014600", tracking_url: "", label_url: "" }],
  });
  await doors.ncc.call("POST", "/medusa/sweep");
  const told = await doors.hears(alice, (one) => one.shipped === true);
  assert(/DHL/.test(told.message!) && /JD014600/.test(told.message!), told.message);
  assertEquals(await doors.stock("MUG"), { stocked: before.stocked - 1, reserved: before.reserved });
  await alice.close();
});

test("what is cancelled here gives Medusa's stock back", async () => {
  const before = await doors.stock("MUG");
  const bob = await doors.customer();
  await doors.order(bob, "off", 2);
  await doors.answer(bob, "off");
  const order = (await doors.orders()).find((one) => one.customer_order_id === "off")!;
  await doors.ncc.call("POST", `/orders/${order.id}/cancel`, { reason: "Closed today" });
  await eventually(
    "given back",
    PATIENCE_MS,
    async () => (await doors.stock("MUG")).reserved === before.reserved || undefined,
  );
  assertEquals(await doors.stock("MUG"), before);
  await bob.close();
});

test("ncc killed and Medusa restarted in the middle of a burst: each order once, each payment once", async () => {
  await setStock("MUG", 30);
  const customers = await Promise.all(Array.from({ length: 8 }, () => doors.customer()));
  await Promise.all(customers.map((one, i) => doors.order(one, `burst-${i}`)));
  await doors.crash();
  await medusa.restart();
  await doors.crash();
  for (const one of customers) await one.connect();
  const requests = await Promise.all(customers.map((one, i) => doors.answer(one, `burst-${i}`)));
  for (const request of requests) assert(lightningLink(request), request.message);
  await Promise.all(requests.map((request) => doors.pay(request)));
  await doors.crash();
  await medusa.restart();
  await eventually("all captured", PATIENCE_MS, async () => {
    const captured = (await doors.theirs()).filter((one) => one.payment_status === "captured");
    return captured.length === 9 || undefined;
  });
  const live = (await doors.theirs()).filter((one) => one.status !== "canceled");
  assertEquals([live.length, new Set(live.map(({ email }) => email)).size], [9, 9]);
  for (const one of customers) await one.close();
});

test("ncc killed after each call that makes an order or pays it, unanswered: one order, one payment", async () => {
  await setStock("MUG", 1_000);
  await using door = new Door();
  door.leadsTo(medusa.url);
  await using cut = await TwoDoors.open(medusa, { NCC_MEDUSA_URL: door.url });
  const captured = async () => (await cut.theirs()).filter((one) => one.payment_status === "captured").length;
  const before = { all: (await cut.theirs()).length, captured: await captured() };
  // A draft, an order of it, what it owes, and that it is paid.
  const calls = [1, 2, 3, 4];
  for (const nth of calls) {
    const customer = await cut.customer();
    const killed = Promise.withResolvers<void>();
    let called = 0;
    door.after = async ({ method, path }) => {
      if (method === "GET" || !path.startsWith("/admin/") || ++called !== nth) return;
      await cut.crash();
      await customer.connect();
      killed.resolve();
      return "lost";
    };
    const id = `cut-${nth}`;
    await cut.order(customer, id);
    await cut.pay(await cut.answer(customer, id));
    await killed.promise;
    await cut.hears(customer, (one) => one.paid === true);
    await eventually(
      "captured",
      PATIENCE_MS,
      async () => await captured() === before.captured + nth || undefined,
    );
    // Nothing of it is left that would be taken for a call of the next one.
    await eventually("all is done", PATIENCE_MS, async () => {
      const jobs = await cut.ncc.all<{ kind: string }>("/jobs");
      return jobs.every(({ kind }) => kind !== "order.mirror") || undefined;
    });
    await customer.close();
  }
  const theirs = await cut.theirs();
  assertEquals(theirs.length, before.all + calls.length);
  const paid = theirs.filter((one) => one.payment_status === "captured");
  const payments = paid.map(({ payment_collections: all }) =>
    all.flatMap((one) => one.payments ?? []).length
  );
  assertEquals(payments, paid.map(() => 1));
});

test("twenty on Nostr and twenty on the web for ten mugs: exactly ten are sold", async () => {
  const { reserved } = await doors.stock("MUG");
  await setStock("MUG", reserved + 10);
  await doors.ncc.call("POST", "/medusa/sweep");
  await eventually("the new quantity", PATIENCE_MS, async () => {
    const mug = await doors.ncc.call<{ available: number }>("GET", `/products/${medusa.shop.variants.MUG}`);
    return mug.available === 10 || undefined;
  });
  const customers = await Promise.all(Array.from({ length: 20 }, () => doors.customer()));
  const web = Array.from({ length: 20 }, () =>
    webCheckout(medusa, "MUG").catch((error) => {
      if (error instanceof MedusaRefusal) return false;
      throw error;
    }));
  await Promise.all(customers.map((one, i) => doors.order(one, `race-${i}`)));
  const answers = await Promise.all(customers.map((one, i) => doors.answer(one, `race-${i}`)));
  const soldOnTheWeb = (await Promise.all(web)).filter((sold) => sold).length;
  const asked = answers.filter((one) => lightningLink(one) !== undefined);
  assertEquals(asked.length + soldOnTheWeb, 10);
  assertEquals(await doors.stock("MUG"), { stocked: reserved + 10, reserved: reserved + 10 });
  for (const one of customers) await one.close();
});

async function setStock(sku: string, stocked: number): Promise<void> {
  const { inventoryItems, location } = medusa.shop;
  await medusa.call("POST", `/admin/inventory-items/${inventoryItems[sku]}/location-levels/${location}`, {
    stocked_quantity: stocked,
  });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn, sanitizeOps: false, sanitizeResources: false });
}
