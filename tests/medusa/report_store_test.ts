import { assertEquals } from "@std/assert";
import { addToReport, ordersWaiting, reportOf } from "../../src/medusa/report_store.ts";
import { TestApi } from "../api/test_api.ts";
import { freshDatabase } from "../support/fresh_database.ts";

const merchant = "a".repeat(64);

Deno.test("each adds what it finds to a report, and leaves what others found", async () => {
  await using database = await freshDatabase();
  assertEquals(await reportOf(database.kysely, merchant), { report: {}, sweptAt: null });
  const add = (found: Parameters<typeof addToReport>[2], now: number) =>
    database.transaction((tx) => addToReport(tx, merchant, found, now));
  await add({ oversells: "12 of 10 were sold" }, 1);
  await add({ products: 10, no_channel: null, of_others: [1] }, 2);
  await add({ products: 11 }, 3);
  const { report } = await reportOf(database.kysely, merchant);
  assertEquals(report, { oversells: "12 of 10 were sold", products: 11, no_channel: null, of_others: [1] });
  await add({ oversells: null }, 4);
  assertEquals((await reportOf(database.kysely, merchant)).report.oversells, null);
  assertEquals((await reportOf(database.kysely, "b".repeat(64))).report, {});
});

Deno.test("orders wait for Medusa until it has their goods, and not before they are priced", async () => {
  await using api = await TestApi.open();
  const { database } = api.app;
  const open = { payment: "quoting", fulfilment: "none", mirror: "confirm" } as const;
  await api.order(open);
  const [asked, placed, sold] = [await api.order(open), await api.order(open), await api.order(open)];
  await api.order({ ...open, total_msat: 0 });
  await api.order({ ...open, mirror: "follow" });
  await api.order({ ...open, mirror: null });
  await api.order({ ...open, payment: "awaiting" });
  const row = (order_id: string, state: "wanted" | "placed" | "refused") => ({
    order_id,
    merchant: api.merchant,
    email: "",
    attempt: 1,
    content_hash: "",
    state,
    created_at: 0,
    updated_at: 0,
  });
  await database.transaction((tx) =>
    tx.insertInto("medusa_orders").values([row(asked, "wanted"), row(placed, "placed"), row(sold, "refused")])
      .execute()
  );
  assertEquals(await ordersWaiting(database.kysely, api.merchant), 2);
  assertEquals(await ordersWaiting(database.kysely, merchant), 0);
});
