import { assertEquals, assertRejects } from "@std/assert";
import { untilInvoiced } from "../../src/api/till_wait.ts";
import type { Database } from "../../src/db/database.ts";
import { apply } from "../../src/orders/apply.ts";
import type { OrderEvent } from "../../src/orders/types.ts";
import { type InvoiceWish, orderIdOf, takeInvoice } from "../../src/till/take.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";

const terms = {
  closed: null,
  stockPolicy: "hold" as const,
  invoiceExpiryMs: 900_000,
  maxOpenOrders: 3,
  rate: () => null,
};

function wish(reference: string): InvoiceWish {
  const asked = { amount: "21", currency: "sat" };
  return { till: "t1", merchant: "a".repeat(64), reference, asked, description: null, expiryMs: null };
}

const id = (reference: string) => orderIdOf(wish(reference));

/** Asks for an invoice, and waits for it. */
function asks(database: Database, clock: FakeClock, reference: string) {
  return untilInvoiced({ database, clock }, id(reference), async () => {
    const on = { terms, caps: { maxMsat: null, maxOpen: null } };
    const taken = await database.transaction((tx) => takeInvoice(tx, wish(reference), on, clock.now()));
    if (!taken.ok) throw new Error(taken.reason);
    return taken;
  });
}

onEachDatabase("who waits for an invoice is woken by the commit that has it, or by the clock", async (db) => {
  const clock = new FakeClock();
  const happens = (reference: string, event: OrderEvent) =>
    db.transaction((tx) => apply(tx, id(reference), event, clock.now()));

  const open = asks(db, clock, "a");
  await clock.asleep();
  await happens("a", { type: "invoiced" });
  assertEquals((await open).order.payment, "awaiting");

  const failed = asks(db, clock, "b");
  await clock.asleep();
  await happens("b", { type: "invoiceFailed", reason: "The wallet is away." });
  assertEquals((await failed).order.payment, "failed");

  // Others' news are none, and what isn't there in time isn't waited for.
  let over = false;
  const late = asks(db, clock, "c").finally(() => over = true);
  await clock.asleep();
  await happens("a", { type: "customerCancelled" });
  await clock.advance(7_999);
  await happens("c", { type: "noted", text: "Still nothing." });
  assertEquals(over, false);
  await clock.advance(1);
  assertEquals((await late).order.payment, "quoting");

  // Nobody sleeps for what is there already, or is refused.
  assertEquals((await asks(db, clock, "a")).order.payment, "cancelled");
  await assertRejects(() =>
    untilInvoiced({ database: db, clock }, id("d"), () => Promise.reject(new Error("refused")))
  );
});
