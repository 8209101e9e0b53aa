import { assert, assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import type { Terms } from "../../src/orders/terms.ts";
import { bellOf, type Caps, lockCaps, noteCurrency } from "../../src/till/tills_store.ts";
import { currenciesInUse } from "../../src/app/currencies_store.ts";
import { listTillOrders } from "../../src/till/invoices_store.ts";
import { type InvoiceWish, orderIdOf, takeInvoice } from "../../src/till/take.ts";
import { onEachDatabase, onPostgres } from "../support/databases.ts";

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const MERCHANT = "a".repeat(64);
const NONE: Caps = { maxMsat: null, maxOpen: null };

const terms: Terms = {
  closed: null,
  stockPolicy: "hold",
  invoiceExpiryMs: 900_000,
  maxOpenOrders: 3,
  rate: () => null,
};

function wish(change: Partial<InvoiceWish> & { msat?: number } = {}): InvoiceWish {
  const { msat = 21_000, ...more } = change;
  return {
    till: "t1",
    merchant: MERCHANT,
    reference: "cart-1",
    asked: { amount: String(msat), currency: "msat" },
    description: null,
    expiryMs: null,
    ...more,
  };
}

async function token(db: Database, id: string, change: Record<string, unknown> = {}): Promise<void> {
  await db.transaction((tx) =>
    tx.insertInto("tokens").values({
      id,
      name: id,
      scopes: "[]",
      hash: "",
      created_at: NOW,
      till: "t1",
      ...change,
    }).execute()
  );
}

const take = (db: Database, what: InvoiceWish, caps: Caps = NONE, now = NOW) =>
  db.transaction((tx) => takeInvoice(tx, what, { terms, caps }, now));

onEachDatabase(
  "an invoice that a till asks for is an order without lines, whose invoice is asked for",
  async (db) => {
    const taken = await take(db, wish({ description: "Cart 1", expiryMs: 60_000 }));
    assert(taken.ok && taken.created);
    const { order } = taken;
    assertEquals(order.id, orderIdOf(wish()));
    const row = await db.kysely.selectFrom("orders").selectAll().executeTakeFirstOrThrow();
    assertEquals({ ...row }, order);
    assertEquals(
      [
        row.dialect,
        row.customer,
        row.customer_order_id,
        row.message,
        row.total_msat,
        row.expires_at,
        row.mirror,
      ],
      ["till", "till:t1", "cart-1", "Cart 1", 21_000, NOW + 60_000, null],
    );
    assertEquals(await db.kysely.selectFrom("order_items").selectAll().execute(), []);
    const jobs = await db.kysely.selectFrom("jobs").select(["kind", "key"]).execute();
    assertEquals(jobs.map((job) => [job.kind, job.key]), [["invoice.create", order.id]]);
    const again = await take(db, wish(), NONE, NOW + 1);
    assert(again.ok && !again.created);
    assertEquals({ ...again.order }, order);
  },
);

onEachDatabase("a till's list is its own, newest first, page by page", async (db) => {
  for (const [n, till] of ["t1", "t2", "t1", "t1"].entries()) {
    await take(db, wish({ till, reference: `cart-${n}` }), NONE, NOW + n);
  }
  const seen = async (
    till: string | null,
    limit = 10,
    more: { reference?: string; merchant?: string } = {},
  ) => (await listTillOrders(db.kysely, { till, ...more }, { limit })).map((one) => one.customer_order_id);
  assertEquals(await seen("t1"), ["cart-3", "cart-2", "cart-0"]);
  assertEquals(await seen("t1", 1), ["cart-3"]);
  assertEquals(await seen("t1", 10, { reference: "cart-2" }), ["cart-2"]);
  assertEquals(await seen("t2", 10, { reference: "cart-2" }), []);
  assertEquals(await seen("t1", 10, { merchant: "b".repeat(64) }), []);
  assertEquals((await seen(null)).length, 4);
});

onEachDatabase("caps are the token's; who has none has no caps", async (db) => {
  await token(db, "one", { max_msat: 5_000_000, max_open: 7 });
  await token(db, "bare");
  const caps = (id: string | null) => db.transaction((tx) => lockCaps(tx, id));
  assertEquals(await caps("one"), { maxMsat: 5_000_000n, maxOpen: 7 });
  assertEquals([await caps("bare"), await caps("none"), await caps(null)], [NONE, NONE, NONE]);
});

onEachDatabase("the newest good token of a till with a URL is called", async (db) => {
  const bell = async () => (await bellOf(db.kysely, "t1", NOW))?.id;
  assertEquals(await bell(), undefined);
  await token(db, "silent", { created_at: NOW + 9 });
  assertEquals(await bell(), undefined);
  await token(db, "a", { notify_url: "https://a.example/" });
  await token(db, "b", { notify_url: "https://b.example/", created_at: NOW + 1, expires_at: NOW + 1 });
  await token(db, "c", { notify_url: "https://c.example/", created_at: NOW + 2, expires_at: NOW });
  await token(db, "d", { notify_url: "https://d.example/", created_at: NOW + 3, revoked_at: NOW });
  await token(db, "e", { notify_url: "https://e.example/", created_at: NOW + 4, till: "t2" });
  assertEquals(await bell(), "b");
});

onEachDatabase("a currency that a till asks for has its rate kept at hand for a month", async (db) => {
  const note = (currency: string, now: number) =>
    db.transaction((tx) => noteCurrency(tx, { merchant: MERCHANT, currency }, now));
  await note("EUR", NOW);
  await note("USD", NOW);
  await note("EUR", NOW + DAY_MS - 1);
  await note("USD", NOW + DAY_MS + 1);
  const rows = await db.kysely.selectFrom("till_currencies").select(["currency", "used_at"]).orderBy(
    "currency",
  )
    .execute();
  assertEquals(rows.map((row) => row.used_at - NOW), [0, DAY_MS + 1]);
  const used = async (now: number) => [...(await currenciesInUse(db.kysely, now)).get(MERCHANT) ?? []].sort();
  assertEquals(await used(NOW + 30 * DAY_MS - 1), ["EUR", "USD"]);
  assertEquals(await used(NOW + 30 * DAY_MS + 1), ["USD"]);
  assertEquals(await used(NOW + 32 * DAY_MS), []);
});

onEachDatabase("one reference is one refund of an order", async (db) => {
  const taken = await take(db, wish());
  assert(taken.ok);
  const add = (id: string, reference: string | null) =>
    db.transaction((tx) =>
      tx.insertInto("refunds").values({
        id,
        merchant: MERCHANT,
        order_id: taken.order.id,
        amount_msat: 1_000,
        reason: "Broken",
        state: "due",
        reference,
        created_at: NOW,
        updated_at: NOW,
      }).execute()
    );
  await add("a", "r1");
  await add("b", null);
  await add("c", null);
  assertEquals(await add("d", "r1").then(() => "added", () => "refused"), "refused");
});

onPostgres(
  "two processes that take a reference, or the last place, at once make one order",
  async (shared) => {
    const [one, other] = [await shared.open(), await shared.open()];
    await token(one, "t1", { max_open: 2 });
    const both = (references: [string, string], msats: [number, number] = [21_000, 21_000]) =>
      Promise.all([one, other].map((db, n) =>
        db.transaction(async (tx) => {
          const caps = await lockCaps(tx, "t1");
          const asked = wish({ reference: references[n]!, msat: msats[n]! });
          return await takeInvoice(tx, asked, { terms, caps }, NOW);
        })
      ));
    const same = await both(["cart-1", "cart-1"], [21_000, 30_000]);
    assertEquals(same.map((taken) => taken.ok && taken.created).sort(), [false, true]);
    const rows = () => one.kysely.selectFrom("orders").select("revision").execute();
    assertEquals(await rows(), [{ revision: 2 }]);
    const last = await both(["cart-2", "cart-3"]);
    assertEquals(last.map((taken) => taken.ok || taken.code).sort(), ["too_many_open", true]);
    assertEquals((await rows()).length, 2);
  },
);
