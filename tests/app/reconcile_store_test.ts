import { assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import {
  doubtRefunds,
  figuresSince,
  keepPublished,
  ordersAhead,
  publishAgain,
  publishedDifferences,
  unknownOrders,
} from "../../src/app/reconcile_store.ts";
import { FENCED } from "../../src/app/restore_fence.ts";
import { newestTime } from "../../src/app/restore_store.ts";
import { statementOf } from "../../src/messages/statements.ts";
import { reserveAddressTime } from "../../src/nostr/key_clock.ts";
import { addSaid, wasRead, wasTold } from "../../src/orders/said_before_store.ts";
import { Shop as Shelf } from "../catalog/shop.ts";
import { onEachDatabase } from "../support/databases.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const merchant = "aa".repeat(32);
const customer = "bb".repeat(32);

async function said(db: Database, id: string, message: Record<string, unknown>): Promise<void> {
  const content = JSON.stringify({ id, ...message });
  await db.transaction((tx) =>
    addSaid(tx, [{
      merchant,
      customer,
      event_id: `${id}:${message.type}:${message.shipped}`,
      at_seconds: 1,
      ...statementOf(content),
    }])
  );
}

async function order(
  db: Database,
  id: string,
  payment: "awaiting" | "paid",
  fulfilment: "none" | "unfulfilled",
) {
  await db.transaction((tx) =>
    tx.insertInto("orders").values({
      id,
      merchant,
      customer,
      customer_order_id: id,
      dialect: "nip15",
      envelope: "nip04",
      relay: "",
      payment,
      fulfilment,
      contact: "{}",
      content_hash: "",
      traits: "{}",
      revision: 1,
      total_msat: 1000,
      received_msat: payment === "paid" ? 1000 : 0,
      paid_at: payment === "paid" ? NOW : null,
      asked_at_seconds: 1,
      created_at: NOW,
      updated_at: NOW,
    }).execute()
  );
}

const paid = { type: 2, paid: true, shipped: false, status: "processing" };
const shipped = { ...paid, shipped: true };

onEachDatabase(
  "the report knows which orders are missing, and which are further than the books",
  async (db) => {
    await order(db, "same", "paid", "unfulfilled");
    await order(db, "unpaid", "awaiting", "none");
    await order(db, "unshipped", "paid", "unfulfilled");
    for (const id of ["same", "unpaid", "unshipped", "missing"]) {
      await said(db, id, { type: 1, payment_options: [{ type: "ln", link: "lnbc1" }] });
      await said(db, id, paid);
    }
    await said(db, "unshipped", shipped);
    assertEquals((await unknownOrders(db.kysely)).some.map((one) => [one.customer_order_id, one.told]), [
      ["missing", "paid"],
    ]);
    const ahead = await ordersAhead(db.kysely);
    assertEquals(ahead.map((one) => [one.id, one.told]).sort(), [["unpaid", "paid"], [
      "unshipped",
      "paid and shipped",
    ]]);
    const figures = await figuresSince(db.kysely, 0, FENCED);
    assertEquals([figures.said, figures.payments, figures.received_msat, figures.messages_waiting], [
      9,
      0,
      0,
      0,
    ]);
    assertEquals(
      await wasRead(db.kysely, merchant, ["x", "same:2:false"]),
      true,
    );
    assertEquals(await wasRead(db.kysely, "cc".repeat(32), ["x"]), false);
    assertEquals(await wasTold(db.kysely, { merchant, customer, statement: "text#0" }), false);
  },
);

onEachDatabase(
  "a newer version on the relays is a difference, and what is published next is later",
  async (db) => {
    const shelf = await Shelf.open(db, merchant, NOW);
    await shelf.stall();
    await shelf.product();
    await db.transaction((tx) =>
      tx.updateTable("products").set({ event_id: "old", published_at: NOW, published_hash: "h" }).execute()
    );
    const ahead = NOW / 1000 + 300;
    const event = (d: string, event_id: string, at_seconds: number) => ({
      merchant,
      kind: 30018,
      d,
      event_id,
      at_seconds,
      content: "{}",
    });
    await keepPublished(db, [event("cup", "old", NOW / 1000), event("mug", "m1", NOW / 1000)]);
    await keepPublished(db, [event("cup", "new", ahead)]);
    await keepPublished(db, [event("cup", "between", ahead - 1)]);
    const found = await publishedDifferences(db.kysely);
    assertEquals(found.map(({ d, at_seconds, known }) => [d, at_seconds, known]), [
      ["cup", ahead, true],
      ["mug", NOW / 1000, false],
    ]);
    const time = await db.transaction((tx) =>
      reserveAddressTime(tx, { pubkey: merchant, kind: 30018, d: "cup", now: NOW })
    );
    assertEquals(time > ahead, true);
    await db.transaction((tx) => publishAgain(tx, NOW));
    const { published_hash } = await db.kysely.selectFrom("products").select("published_hash")
      .executeTakeFirstOrThrow();
    assertEquals(published_hash, "");
  },
);

onEachDatabase(
  "whether an approved refund was paid since the backup is unknown; what is due stays due",
  async (db) => {
    const refund = (id: string, state: "due" | "approved" | "sending" | "sent") => ({
      id,
      merchant,
      amount_msat: 1000,
      reason: "x",
      state,
      payment_hash: state === "due" ? null : id,
      created_at: 1,
      updated_at: 1,
    });
    await db.transaction((tx) =>
      tx.insertInto("refunds").values([
        refund("a", "due"),
        refund("b", "approved"),
        refund("c", "sending"),
        refund("d", "sent"),
      ]).execute()
    );
    assertEquals(await db.transaction((tx) => doubtRefunds(tx, () => "purse", NOW)), 2);
    const rows = await db.kysely.selectFrom("refunds").select(["id", "state", "wallet"]).orderBy("id")
      .execute();
    assertEquals(rows.map((row) => [row.id, row.state, row.wallet]), [
      ["a", "due", null],
      ["b", "unknown", "purse"],
      ["c", "unknown", "purse"],
      ["d", "sent", null],
    ]);
  },
);

onEachDatabase("the newest time of a database is that of whatever happened last", async (db) => {
  assertEquals(await newestTime(db.kysely), 0);
  await order(db, "one", "awaiting", "none");
  await db.transaction((tx) =>
    tx.insertInto("order_timeline").values({ order_id: "one", at: NOW + 7, event: "noted", text: "x" })
      .execute()
  );
  assertEquals(await newestTime(db.kysely), NOW + 7);
});
