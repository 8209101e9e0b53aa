import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DemoFault } from "../../src/payments/demo_faults.ts";
import { checkBooks } from "../support/books.ts";
import { toldIn } from "../support/customer.ts";
import { onEachSharedDatabase } from "../support/databases.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { MortalDatabase } from "../support/mortal_database.ts";
import { Shop } from "../support/shop.ts";
import { alerts, decides, foreignInvoice, invoiceOver, owed, refund, tries } from "./refunds.ts";

const MINUTE = 60_000;
const owners = ["f".repeat(64)];

/** A refund of 100 sat, approved, with what goes wrong when it is paid. */
async function paidWith(...faults: DemoFault[]) {
  const shop = await Shop.open({ owners });
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(await invoiceOver(shop, 100));
  shop.spend.faults.next("pay", ...faults);
  assert((await tries(shop, { approve: due.id })).ok);
  return { shop, alice, id: due.id };
}

/** Until the wait for the wallet's answer is over. */
async function waits(shop: Shop): Promise<void> {
  for (let i = 0; i < 200 && (await refund(shop)).state !== "sending"; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await shop.pass(61_000);
}

Deno.test("the wallet pays and its answer is lost: it is asked what became of it, and never to pay again", async () => {
  const { shop, alice } = await paidWith({ do: "lose" });
  await using _ = shop;
  await waits(shop);
  assertEquals((await refund(shop)).state, "unknown");
  assertEquals(await alice.hears(), []);
  await shop.pass(10_000);
  assertEquals((await refund(shop)).state, "sent");
  assertEquals(toldIn(await alice.hears()), ["refunded: Your payment was refunded."]);
  assertEquals(shop.spend.payments().length, 1);
  await checkBooks(shop);
});

Deno.test("the wallet never heard of it: nothing is paid blindly, a person looks and says so, and it is paid once", async () => {
  const { shop, alice, id } = await paidWith({ do: "drop" });
  await using _ = shop;
  await waits(shop);
  for (let i = 0; i < 10; i++) await shop.pass(10 * MINUTE);
  assertEquals([(await refund(shop)).state, shop.spend.payments().length], ["unknown", 0]);
  assertEquals((await alerts(shop)).filter((kind) => kind === "refund_unknown").length, 1);
  // Its money can't be given away again meanwhile.
  for (const other of [{ approve: id }, { cancel: id, reason: "No." }]) {
    assert(!(await tries(shop, other)).ok);
  }
  assert(!(await tries(shop, { refund: (await shop.order()).id, reason: "Again" })).ok);
  await shop.happens(await shop.order(), { type: "accepted", stock: "available" });
  assertEquals((await shop.order()).payment, "refund_due");

  await decides(shop, { retry: id });
  assertEquals([(await refund(shop)).state, shop.spend.payments().length], ["sent", 1]);
  assertEquals(toldIn(await alice.hears()), ["refunded: Your payment was refunded."]);
  assert((await alerts(shop)).includes("refund_sent"));
});

Deno.test("a doubt stays one when the second try is refused: what became of the first isn't known by that", async () => {
  const { shop, id } = await paidWith({ do: "drop" }, { do: "fail", kind: "refused" });
  await using _ = shop;
  await waits(shop);
  await decides(shop, { retry: id });
  assertEquals((await refund(shop)).state, "unknown");
  assert(!(await tries(shop, { cancel: id, reason: "No." })).ok);
  await decides(shop, { byHand: id });
  assertEquals((await shop.order()).payment, "refunded");
});

Deno.test("a wallet that has paid, says no to a second try and knows what it did: sent once", async () => {
  const { shop, id } = await paidWith({ do: "lose" });
  await using _ = shop;
  shop.spend.faults.always("lookupPayment", { do: "fail", kind: "unreachable" });
  await waits(shop);
  await shop.pass(MINUTE);
  // Wrongly, out of impatience.
  await decides(shop, { retry: id });
  assertEquals([(await refund(shop)).state, shop.spend.payments().length], ["unknown", 1]);
  shop.spend.faults.always("lookupPayment", null);
  await shop.pass(MINUTE);
  assertEquals([(await refund(shop)).state, shop.spend.payments().length], ["sent", 1]);
});

Deno.test("the payment failed on its way, by the wallet's own word: the customer is asked for another invoice", async () => {
  const { shop, alice, id } = await paidWith({ do: "drop" });
  await using _ = shop;
  await waits(shop);
  shop.spend.faults.always("lookupPayment", { do: "lie", say: () => ({ status: "failed" }) });
  await shop.pass(10_000);
  // A request may still be on its way to the wallet.
  assertEquals((await refund(shop)).state, "unknown");
  for (let i = 0; i < 4; i++) await shop.pass(MINUTE);
  const row = await refund(shop);
  assertEquals([row.state, row.destination, row.payment_hash, row.asked_at], ["due", null, null, null]);
  const told = toldIn(await alice.hears());
  assertStringIncludes(
    told[0]!,
    "failed on its way. Answer with a Lightning address or an invoice over 100 sat.",
  );
  shop.spend.faults.always("lookupPayment", null);
  await alice.says(await invoiceOver(shop, 100));
  await decides(shop, { approve: id });
  assertEquals([(await refund(shop)).state, shop.spend.payments().length], ["sent", 1]);
  await checkBooks(shop);
});

Deno.test("a payment that hangs on its way is waited for", async () => {
  const { shop } = await paidWith({ do: "drop" });
  await using _ = shop;
  await waits(shop);
  shop.spend.faults.always("lookupPayment", { do: "lie", say: () => ({ status: "pending" }) });
  for (let i = 0; i < 4; i++) await shop.pass(2 * MINUTE);
  assertEquals((await alerts(shop)).includes("refund_unknown"), false);
  for (let i = 0; i < 4; i++) await shop.pass(5 * MINUTE);
  assertEquals([(await refund(shop)).state, (await alerts(shop)).includes("refund_unknown")], [
    "unknown",
    true,
  ]);
});

Deno.test("a wallet that says that it has paid, with a false proof, isn't believed", async () => {
  const lie: DemoFault = { do: "lie", say: (truth) => ({ ...truth, preimage: "00".repeat(32) }) };
  const { shop } = await paidWith(lie);
  await using _ = shop;
  shop.spend.faults.always("lookupPayment", lie);
  await shop.settle();
  assertEquals((await refund(shop)).state, "unknown");
  await shop.pass(10_000);
  assertEquals((await refund(shop)).state, "unknown");
  shop.spend.faults.always("lookupPayment", null);
  await shop.pass(MINUTE);
  assertEquals((await refund(shop)).state, "sent");
});

Deno.test("the wallet says no: it is due again, with the reason, and the owners hear of it", async () => {
  const { shop, alice, id } = await paidWith({ do: "fail", kind: "refused" });
  await using _ = shop;
  await shop.settle();
  const row = await refund(shop);
  assertEquals([row.state, row.approved_by, row.asked_at], ["due", null, null]);
  assertStringIncludes(row.note!, "told to fail");
  assert(row.destination !== null);
  assertEquals(await alice.hears(), []);
  await decides(shop, { approve: id });
  assertEquals([(await refund(shop)).state, shop.spend.payments().length], ["sent", 1]);
});

Deno.test("the wallet can't be reached, or isn't there: it waits approved and is paid later", async () => {
  const { shop } = await paidWith({ do: "fail", kind: "unreachable" }, { do: "fail", kind: "busy" });
  await using _ = shop;
  await shop.settle();
  assertEquals((await refund(shop)).state, "approved");
  shop.spendThere = false;
  await shop.pass(31_000);
  shop.spendThere = true;
  await shop.pass(61_000);
  await shop.pass(61_000);
  assertEquals([(await refund(shop)).state, shop.spend.payments().length], ["sent", 1]);
});

Deno.test("an invoice that expires before it is approved or paid is asked for anew", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(await invoiceOver(shop, 100, 3_600));
  await shop.pass(61 * MINUTE);
  const refused = await tries(shop, { approve: due.id });
  assert(!refused.ok && refused.reason.includes("expired"));
  await shop.settle();
  assertStringIncludes(
    toldIn((await alice.hears()).slice(-1))[0]!,
    "Your refund of 100 sat couldn't be sent: Your invoice has expired. Answer with a Lightning address or an invoice over 100 sat.",
  );
  await alice.says(await invoiceOver(shop, 100, 3_600));
  shop.spendThere = false;
  await decides(shop, { approve: due.id });
  await shop.pass(61 * MINUTE);
  shop.spendThere = true;
  await shop.pass(2 * MINUTE);
  assertEquals([(await refund(shop)).state, (await refund(shop)).destination], ["due", null]);
  assertEquals(shop.spend.payments(), []);
});

Deno.test("a halted merchant pays nothing until it may", async () => {
  const { shop } = await paidWith();
  await using _ = shop;
  await shop.settle();
  assertEquals((await refund(shop)).state, "sent");
  await using other = await Shop.open();
  const alice = other.customer();
  const due = await owed(other, alice);
  await alice.says(foreignInvoice(other));
  const halt = (halted: string | null) =>
    other.database.transaction((tx) => tx.updateTable("merchants").set({ halted }).execute());
  await halt("another instance speaks with this key");
  await decides(other, { approve: due.id });
  await other.pass(MINUTE);
  assertEquals((await refund(other)).state, "approved");
  await halt(null);
  await other.pass(MINUTE);
  assertEquals((await refund(other)).state, "due");
});

for (const wallet of ["pays", "never hears of it"]) {
  Deno.test(`killed between any two steps of a refund whose wallet ${wallet}: it is paid once and told once`, async () => {
    let survived = false;
    for (let steps = 1; !survived; steps++) {
      assert(steps < 100, "it never gets through");
      survived = await killedAfter(steps, wallet === "pays");
    }
  });
}

/** Lets a process die after so many transactions from the customer's invoice on, and another one take over. True: it lived. */
async function killedAfter(steps: number, pays: boolean): Promise<boolean> {
  await using database = await freshDatabase();
  const terms = { autoRefund: { limitMsat: 1_000_000n, budgetMsat: 1_000_000n } };
  await using first = await Shop.open({ database, terms });
  const alice = first.customer();
  await owed(first, alice);
  const invoice = await invoiceOver(first, 100);
  await first.stops();
  let asked = 0;
  const pay = first.spend.pay.bind(first.spend);
  first.spend.pay = (payment, signal) => {
    asked++;
    return pay(payment, signal);
  };

  const mortal = new MortalDatabase(database);
  const dying = await first.another({ database: mortal });
  await dying.settle();
  if (!pays) first.spend.faults.next("pay", { do: "fail", kind: "no_answer" });
  mortal.dieAfter(steps);
  await alice.writes(invoice);
  await Promise.race([mortal.died, dying.settle().catch(() => {})]);
  const lived = !mortal.dead;
  const stopped = dying.isKilled();
  await first.clock.advance(10_000);
  await stopped;

  await using next = await first.another({ database });
  for (let i = 0; i < 6; i++) await next.pass(20_000);
  const state = (await refund(next)).state;
  if (state === "unknown") {
    assertEquals([next.spend.payments().length, asked], [0, 1], `after ${steps}`);
    await decides(next, { retry: (await refund(next)).id });
    await next.pass(MINUTE);
  }
  assertEquals(
    [(await refund(next)).state, next.spend.payments().length],
    ["sent", 1],
    `after ${steps}: ${state}`,
  );
  assertEquals(asked, pays ? 1 : 2, `after ${steps}`);
  const told = await alice.hears();
  assertEquals(told.map((one) => one.text ?? one.message), [
    "Thank you: 100 sat are being sent to your invoice.",
    "Your payment was refunded.",
  ], `after ${steps}`);
  await checkBooks(next);
  return lived;
}

onEachSharedDatabase("two processes pay a refund once", async (shared) => {
  await using one = await Shop.open({ database: await shared.open() });
  await using two = await one.another({ database: await shared.open() });
  const alice = one.customer();
  const due = await owed(one, alice);
  await alice.says(await invoiceOver(one, 100));
  const tried = await Promise.all([one, two, one, two].map((shop) => tries(shop, { approve: due.id })));
  assertEquals(tried.filter((each) => each.ok).length, 1);
  await one.settle();
  await two.settle();
  assertEquals([(await refund(one)).state, one.spend.payments().length], ["sent", 1]);
});
