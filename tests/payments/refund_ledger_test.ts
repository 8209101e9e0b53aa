import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { Database } from "../../src/db/database.ts";
import { recordPayment } from "../../src/payments/payments_store.ts";
import { cancelRefund, refundByHand } from "../../src/payments/refund_decisions.ts";
import { refundPayment } from "../../src/payments/refund_requests.ts";
import { type NewRefund, openRefund } from "../../src/payments/refunds.ts";
import { onEachDatabase, onEachSharedDatabase } from "../support/databases.ts";
import { MERCHANT, Shop } from "./shop.ts";

const SAT = 1_000n;
const CUSTOMER = "b".repeat(64);

function open(database: Database, now: number, refund: Partial<NewRefund> & { fact: string }) {
  return database.transaction((tx) =>
    openRefund(tx, {
      merchant: MERCHANT,
      customer: CUSTOMER,
      amountMsat: 10n * SAT,
      reason: "Why",
      ...refund,
    }, now)
  );
}

async function refunding(database: Database, orderId: string): Promise<number> {
  const row = await database.kysely.selectFrom("orders").select("refunding_msat").where("id", "=", orderId)
    .executeTakeFirstOrThrow();
  return row.refunding_msat;
}

/** Money that matches no order. */
async function unmatched(shop: Shop, amountMsat: bigint): Promise<string> {
  const id = crypto.randomUUID();
  const payment = {
    id,
    merchant: MERCHANT,
    wallet: "demo",
    paymentHash: id,
    orderId: null,
    invoiceId: null,
    amountMsat,
    settledAt: 1,
    now: 1,
  };
  await shop.database.transaction((tx) => recordPayment(tx, payment));
  return id;
}

onEachDatabase("one fact is one refund, however often it is opened", async (database) => {
  const shop = new Shop(database);
  const orderId = await shop.order({ payment: "refund_due", received_msat: 100_000 });
  const now = shop.clock.now();
  const first = await open(database, now, { orderId, fact: `order:${orderId}:7` });
  const again = await open(database, now + 5, { orderId, fact: `order:${orderId}:7`, amountMsat: 20n * SAT });
  assert(first.ok && again.ok);
  assertEquals(again.refund, first.refund);
  assertEquals(await refunding(database, orderId), 10_000);
  assert((await open(database, now, { orderId, fact: `order:${orderId}:8` })).ok);
  assertEquals(await refunding(database, orderId), 20_000);
});

onEachDatabase(
  "no more than was received is refunded, and the database itself refuses more",
  async (database) => {
    const shop = new Shop(database);
    const orderId = await shop.order({ payment: "refund_due", received_msat: 100_000 });
    const now = shop.clock.now();
    assert((await open(database, now, { orderId, fact: "a", amountMsat: 60n * SAT })).ok);
    const more = await open(database, now, { orderId, fact: "b", amountMsat: 40_001n });
    assert(!more.ok && more.reason.includes("more than what is left"));
    assert((await open(database, now, { orderId, fact: "c", amountMsat: 40n * SAT })).ok);
    const set = (refunding_msat: number) =>
      database.transaction((tx) =>
        tx.updateTable("orders").set({ refunding_msat }).where("id", "=", orderId).execute()
      );
    await assertRejects(() => set(100_001));
    await assertRejects(() => set(-1));

    const paymentId = await unmatched(shop, 50n * SAT);
    assert(!(await open(database, now, { paymentId, fact: "d", amountMsat: 50_001n })).ok);
    assert((await open(database, now, { paymentId, fact: "e", amountMsat: 50n * SAT })).ok);
    await assertRejects(() =>
      database.transaction((tx) =>
        tx.updateTable("payments").set({ refunding_msat: 50_001 }).where("id", "=", paymentId).execute()
      )
    );
  },
);

onEachSharedDatabase(
  "refunds that are opened at once don't add up to more than was received",
  async (shared) => {
    const [one, two] = [await shared.open(), await shared.open()];
    const shop = new Shop(one);
    const orderId = await shop.order({ payment: "refund_due", received_msat: 100_000 });
    const paymentId = await unmatched(shop, 100n * SAT);
    for (const debt of [{ orderId }, { paymentId }]) {
      const opened = await Promise.all(Array.from({ length: 12 }, (_, i) =>
        open(i % 2 ? one : two, 1, {
          ...debt,
          fact: `${Object.keys(debt)} ${i}`,
          amountMsat: 30n * SAT,
        })));
      assertEquals(opened.filter((each) => each.ok).length, 3);
    }
    assertEquals(await refunding(one, orderId), 90_000);
  },
);

onEachSharedDatabase("the same fact found by two processes at once is one refund", async (shared) => {
  const databases = [await shared.open(), await shared.open()];
  const orderId = await new Shop(databases[0]!).order({ payment: "refund_due", received_msat: 100_000 });
  const opened = await Promise.allSettled(
    databases.map((database) => open(database, 1, { orderId, fact: "x" })),
  );
  assert(opened.some((each) => each.status === "fulfilled" && each.value.ok));
  assertEquals(await refunding(databases[0]!, orderId), 10_000);
});

onEachDatabase("whatever is opened, cancelled and given back, the books hold", async (database) => {
  const shop = new Shop(database);
  const step = fc.record({
    do: fc.constantFrom("open", "cancel", "by hand"),
    amount: fc.integer({ min: 1, max: 60_000 }),
    which: fc.nat(10),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.boolean(), async (steps, ofOrder) => {
      const orderId = ofOrder
        ? await shop.order({ payment: "paid", fulfilment: "unfulfilled", received_msat: 100_000 })
        : null;
      const paymentId = ofOrder ? null : await unmatched(shop, 100n * SAT);
      const source = orderId !== null ? { orderId } : { paymentId: paymentId! };
      const ids: string[] = [];
      for (const each of steps) {
        const id = ids[each.which % (ids.length || 1)];
        await database.transaction(async (tx) => {
          if (each.do === "open") {
            const opened = await openRefund(tx, {
              ...source,
              merchant: MERCHANT,
              customer: null,
              amountMsat: BigInt(each.amount),
              reason: "Why",
              fact: crypto.randomUUID(),
            }, 1);
            if (opened.ok) ids.push(opened.refund.id);
          } else if (id !== undefined) {
            if (each.do === "cancel") await cancelRefund(tx, { id, reason: "No." }, 1);
            else await refundByHand(tx, { id, by: "ann", note: "Cash." }, 1);
          }
        });
        const rows = await database.kysely.selectFrom("refunds").selectAll()
          .where((eb) => orderId !== null ? eb("order_id", "=", orderId) : eb("payment_id", "=", paymentId))
          .execute();
        const live = rows.filter((row) => row.state !== "cancelled").reduce(
          (sum, row) => sum + row.amount_msat,
          0,
        );
        const kept = orderId !== null
          ? await refunding(database, orderId)
          : (await database.kysely.selectFrom("payments").selectAll().where("id", "=", paymentId!)
            .executeTakeFirstOrThrow()).refunding_msat;
        assertEquals(kept, live);
        assert(live <= 100_000);
      }
    }),
    { numRuns: 15 },
  );
});

onEachDatabase("an unmatched payment that has gone back whole is refunded", async (database) => {
  const shop = new Shop(database);
  const paymentId = await unmatched(shop, 50n * SAT);
  const request = (amountMsat?: bigint) =>
    database.transaction((tx) =>
      refundPayment(tx, {
        paymentId,
        amountMsat,
        reason: "Nobody's",
        customer: null,
        fact: crypto.randomUUID(),
      }, 1)
    );
  const state = async () => (await shop.payments())[0]!.state;
  const [part, rest] = [await request(20n * SAT), await request()];
  assert(part.ok && rest.ok);
  assertEquals(rest.refund.amount_msat, 30_000);
  assert(!(await request()).ok);
  const byHand = (id: string) =>
    database.transaction((tx) => refundByHand(tx, { id, by: "ann", note: "Cash" }, 1));
  await byHand(part.refund.id);
  assertEquals(await state(), "unmatched");
  await byHand(rest.refund.id);
  assertEquals(await state(), "refunded");
});
