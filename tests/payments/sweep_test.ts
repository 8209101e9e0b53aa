import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { invoiceText } from "../../src/payments/invoice_text.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import { Sweep } from "../../src/payments/sweep.ts";
import { noteSwept, sweptTo } from "../../src/payments/sweeps_store.ts";
import { type IncomingQuery, WalletError } from "../../src/payments/wallet.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { MERCHANT, PRICE, Shop } from "./shop.ts";

const forEver = new AbortController().signal;
const HOUR = 3_600_000;
const nothing = { listed: 0, found: 0, unmatched: 0, unsure: 0 };

class Swept {
  readonly shop: Shop;
  readonly asked: IncomingQuery[] = [];

  constructor(database: Database) {
    this.shop = new Shop(database);
    const list = this.shop.wallet.listIncoming.bind(this.shop.wallet);
    this.shop.wallet.listIncoming = (query, signal) => {
      this.asked.push(query);
      return list(query, signal);
    };
  }

  sweep(how: "soon" | "nightly" = "soon", change: Partial<Shop["common"]> = {}) {
    const common = { ...this.shop.common, ...change };
    const settlement = new Settlement(common);
    return new Sweep({ ...common, settlement }).run(MERCHANT, how, forEver);
  }

  async opened(change: Parameters<Shop["order"]>[0] = {}) {
    const order = await this.shop.order(change);
    await invoiceJobs(this.shop.common)["invoice.create"]!.run(this.shop.job(order));
    const invoice = (await this.shop.invoices(order)).at(-1)!;
    return { order, id: invoice.id, bolt11: invoice.bolt11!, hash: invoice.payment_hash! };
  }

  /** The wallet makes an invoice that the books know nothing of. */
  async made(description: string, amountMsat = PRICE): Promise<string> {
    const request = { amountMsat, description, expirySeconds: 900, externalId: "x" };
    return (await this.shop.wallet.createInvoice(request, forEver)).bolt11;
  }

  /** What the owners are told. */
  async told(): Promise<string[]> {
    const jobs = await this.shop.database.kysely.selectFrom("jobs").select("payload")
      .where("kind", "=", "owners.tell").execute();
    return jobs.map((job) => JSON.parse(job.payload).detail);
  }

  async later(ms = 121_000): Promise<void> {
    await this.shop.clock.advance(ms);
  }
}

onEachDatabase(
  "what was paid and never noticed is booked, whatever became of its invoice",
  async (database) => {
    const w = new Swept(database);
    const { kysely } = database;
    const [open, gone, over] = [await w.opened(), await w.opened(), await w.opened()];
    await database.transaction(async (tx) => {
      await tx.updateTable("invoices").set({ state: "void" }).where("id", "=", gone.id).execute();
      // Past its time of watch.
      await tx.updateTable("invoices").set({ state: "expired", next_lookup_at: null })
        .where("id", "=", over.id).execute();
    });
    for (const { bolt11 } of [open, gone, over]) await w.shop.wallet.settle(bolt11, { silently: true });
    await w.later();
    assertEquals(await w.sweep(), { ...nothing, listed: 3, found: 3 });
    const payments = await w.shop.payments();
    assertEquals(
      payments.map((one) => [one.order_id, one.state, BigInt(one.amount_msat)]).sort(),
      [open, gone, over].map(({ order }) => [order, "matched", PRICE]).sort(),
    );
    assertEquals(await sweptTo(kysely, { merchant: MERCHANT, wallet: "demo" }), w.shop.clock.now() - 120_000);
    assertEquals(await w.sweep(), { ...nothing, listed: 3 });
    assertEquals((await w.shop.payments()).length, 3);
  },
);

Deno.test("only lookup() says paid: what is on the list and isn't confirmed stays unpaid and is looked at again", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  const { bolt11, order } = await w.opened();
  await w.made(invoiceText(MERCHANT, "99999999"));
  for (const { bolt11 } of await w.shop.wallet.invoices()) {
    await w.shop.wallet.settle(bolt11, { silently: true });
  }
  await w.later();
  for (const say of [{ status: "open" }, { status: "not_found" }]) {
    w.shop.wallet.faults.always("lookup", { do: "lie", say: () => say });
    assertEquals(await w.sweep(), { ...nothing, listed: 2, unsure: 2 });
  }
  w.shop.wallet.faults.always("lookup", { do: "fail", kind: "no_answer" });
  assertEquals(await w.sweep(), { ...nothing, listed: 2, unsure: 2 });
  assertEquals([await w.shop.payments(), await w.shop.payment(order)], [[], "awaiting"]);
  w.shop.wallet.faults.always("lookup", null);
  assertEquals(await w.sweep(), { ...nothing, listed: 2, found: 1, unmatched: 1 });
  assert(bolt11 !== "");
});

onEachDatabase("an invoice whose answer was lost is its order's when it is paid", async (database) => {
  const w = new Swept(database);
  w.shop.wallet.faults.next("createInvoice", { do: "lie", say: () => ({ bolt11: "", paymentHash: null }) });
  const id = await w.shop.order();
  await invoiceJobs(w.shop.common)["invoice.create"]!.run(w.shop.job(id));
  const [attempt] = await w.shop.invoices(id);
  const [lost] = await w.shop.wallet.invoices();
  assertEquals([attempt!.state, attempt!.payment_hash, await w.shop.payment(id)], ["failed", null, "failed"]);
  await w.shop.wallet.settle(lost!.bolt11, { silently: true });
  await w.later();
  w.shop.events.length = 0;
  assertEquals(await w.sweep(), { ...nothing, listed: 1, found: 1 });
  const [payment] = await w.shop.payments();
  assertEquals([payment!.order_id, payment!.invoice_id, payment!.state], [id, attempt!.id, "matched"]);
  assertEquals([w.shop.events, await w.told()], [["noted", `paid ${PRICE}`], []]);
  assertEquals(await w.sweep(), { ...nothing, listed: 1 });
});

Deno.test("a lost invoice that commits to an LNURL's text and bears none is its order's all the same", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  const pages = { url: "https://shop.example", offers: new Set(["lnurl"] as const) };
  w.shop.wallet.faults.next("createInvoice", { do: "lie", say: () => ({ bolt11: "", paymentHash: null }) });
  const id = await w.shop.order();
  await invoiceJobs({ ...w.shop.common, pages })["invoice.create"]!.run(w.shop.job(id));
  const [lost] = await w.shop.wallet.invoices();
  const list = w.shop.wallet.listIncoming;
  w.shop.wallet.listIncoming = async (query, signal) => {
    const { settled, next } = await list(query, signal);
    return { settled: settled.map((one) => ({ ...one, description: null })), next };
  };
  const other = {
    amountMsat: PRICE,
    description: "x",
    hashedText: "theirs",
    expirySeconds: 900,
    externalId: "x",
  };
  const theirs = [1, 2, 3].map(() => w.shop.wallet.createInvoice(other, forEver));
  for (const { bolt11 } of [lost!, ...await Promise.all(theirs)]) {
    await w.shop.wallet.settle(bolt11, { silently: true });
  }
  await w.later();
  // However many of others' there are, the unanswered orders are read once.
  let reads = 0;
  const kysely = database.kysely.withPlugin({
    transformQuery: ({ node }) => {
      if (node.kind === "SelectQueryNode" && node.frontModifiers?.length) reads++;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const counting = new Proxy(database, {
    get: (its, name) => name === "kysely" ? kysely : Reflect.get(its, name).bind?.(its),
  });
  assertEquals(await w.sweep("soon", { database: counting }), { ...nothing, listed: 4, found: 1 });
  assertEquals(reads, 1);
  assertEquals((await w.shop.payments()).map(({ order_id, state }) => [order_id, state]), [[id, "matched"]]);
});

onEachDatabase(
  "money of ours that is no order's is written down once, and the owners are told",
  async (database) => {
    const w = new Swept(database);
    const { order } = await w.opened();
    // Of an order that isn't in the books, and of one that never asked for this amount.
    const texts = [invoiceText(MERCHANT, "99999999-0"), invoiceText(MERCHANT, order)];
    for (const text of texts) await w.shop.wallet.settle(await w.made(text, 5_000n), { silently: true });
    await w.later();
    assertEquals(await w.sweep(), { ...nothing, listed: 2, unmatched: 2 });
    assertEquals(await w.sweep(), { ...nothing, listed: 2 });
    const payments = await w.shop.payments();
    assertEquals(
      payments.map((one) => [one.state, one.order_id, one.merchant, one.amount_msat]),
      texts.map(() => ["unmatched", null, MERCHANT, 5_000]),
    );
    assertEquals(
      (await w.told()).sort(),
      [
        `5 sat arrived that match no order. The invoice was for order 99999999….`,
        `5 sat arrived that match no order. The invoice was for order ${order.slice(0, 8)}….`,
      ].sort(),
    );
  },
);

Deno.test("what other programs and other shops earn with the same wallet is none of ours", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  await w.opened();
  const theirs = [
    "",
    "Coffee",
    "Order 12345678",
    "Order 1a2b3c4d-0000",
    invoiceText("f".repeat(64), "1a2b3c4d"),
  ];
  for (const text of theirs) await w.shop.wallet.settle(await w.made(text), { silently: true });
  await w.later();
  assertEquals(await w.sweep(), { ...nothing, listed: theirs.length });
  assertEquals([await w.shop.payments(), await w.told()], [[], []]);
});

Deno.test("another merchant's invoice on the same wallet is left to that merchant", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  await w.opened();
  const { bolt11 } = await w.opened({ merchant: "c".repeat(64) });
  await w.shop.wallet.settle(bolt11, { silently: true });
  await w.later();
  assertEquals(await w.sweep(), { ...nothing, listed: 1 });
});

Deno.test("a connection that was set up anew finds what was paid over the old one", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  const { bolt11, order } = await w.opened();
  await w.shop.wallet.settle(bolt11, { silently: true });
  await w.later();
  const { wallet } = w.shop;
  const anew = Object.create(wallet, {
    id: { value: "nwc:anew" },
    lookup: { value: wallet.lookup.bind(wallet) },
  });
  assertEquals(await w.sweep("soon", { walletsOf: () => [anew] }), { ...nothing, listed: 1, found: 1 });
  assertEquals(await w.shop.payment(order), "paid");
});

Deno.test("what is very young waits for the next sweep: its answer may still be on the way", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  await w.opened();
  await w.later(HOUR);
  await w.shop.wallet.settle(await w.made(invoiceText(MERCHANT, "99999999")), { silently: true });
  assertEquals(await w.sweep(), nothing);
  await w.later();
  assertEquals(await w.sweep(), { ...nothing, listed: 1, unmatched: 1 });
});

Deno.test("long lists are read page by page; one that has no pages ends", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  const all: { bolt11: string }[] = [];
  for (let n = 0; n < 45; n++) all.push(await w.opened());
  for (const { bolt11 } of all) await w.shop.wallet.settle(bolt11, { silently: true });
  await w.later();
  assertEquals((await w.sweep())!.found, 45);
  assertEquals(w.asked.map((query) => query.offset), [0, 20, 40]);
  // It says that there is more, and gives the same again.
  w.shop.wallet.faults.always("listIncoming", {
    do: "lie",
    say: ({ settled }: { settled: unknown[] }) => ({ settled: settled.slice(0, 20), next: 20 }),
  });
  assert((await w.sweep())!.listed <= 40);
});

Deno.test("days are swept one by one; what is broken off goes on from the last day that was done", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  const start = w.shop.clock.now();
  const { bolt11 } = await w.opened();
  await w.later(60 * HOUR);
  await w.shop.wallet.settle(bolt11, { late: true, silently: true });
  await w.later();
  const list = w.shop.wallet.listIncoming;
  w.shop.wallet.listIncoming = (query, signal) => {
    if (w.asked.length === 2) throw new WalletError("no_answer", "too slow");
    return list(query, signal);
  };
  await assertRejects(() => w.sweep(), WalletError);
  const key = { merchant: MERCHANT, wallet: "demo" };
  assertEquals(await sweptTo(database.kysely, key), start - HOUR + 48 * HOUR);
  w.shop.wallet.listIncoming = list;
  w.asked.length = 0;
  assertEquals((await w.sweep())!.found, 1);
  assertEquals(w.asked.map((query) => query.since), [start + 46 * HOUR]);
  // At night it looks back further, and its mark doesn't move back.
  await w.sweep("nightly");
  assertEquals(w.asked[1]!.since, w.shop.clock.now() - 120_000 - 72 * HOUR);
  assertEquals(await sweptTo(database.kysely, key), w.shop.clock.now() - 120_000);
});

onEachDatabase("how far a wallet is swept never moves back", async (database) => {
  const key = { merchant: MERCHANT, wallet: "demo" };
  const marks: (number | null)[] = [await sweptTo(database.kysely, key)];
  for (const to of [5, 9, 7]) {
    await database.transaction((tx) => noteSwept(tx, { ...key, to, now: to }));
    marks.push(await sweptTo(database.kysely, key));
  }
  assertEquals(marks, [null, 5, 9, 9]);
});

Deno.test("a wallet without a list is left alone, and so is a merchant without a wallet or sales", async () => {
  await using database = await freshDatabase();
  const w = new Swept(database);
  assertEquals(await w.sweep(), nothing);
  await w.opened();
  assertEquals(await w.sweep("soon", { walletsOf: () => [] }), null);
  w.shop.wallet.faults.always("listIncoming", { do: "fail", kind: "not_implemented" });
  assertEquals(await w.sweep(), null);
  assertEquals(await sweptTo(database.kysely, { merchant: MERCHANT, wallet: "demo" }), null);
});
