import { assert, assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { claimDue, makeOpenDue } from "../../src/payments/invoices_store.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import { PaymentWatcher } from "../../src/payments/watcher.ts";
import type { Wallet } from "../../src/payments/wallet.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { settle } from "../support/fake_clock.ts";
import { MERCHANT, Shop, until } from "./shop.ts";

class Watched {
  readonly shop: Shop;
  readonly wallets: Map<string, readonly Wallet[]>;
  readonly watcher: PaymentWatcher;
  lookUps = 0;

  constructor(database: Database) {
    this.shop = new Shop(database);
    this.wallets = new Map([[MERCHANT, [this.shop.wallet]]]);
    const settlement = new Settlement(this.shop.common);
    this.watcher = new PaymentWatcher({ ...this.shop.common, settlement, wallets: () => this.wallets });
    const lookup = this.shop.wallet.lookup.bind(this.shop.wallet);
    this.shop.wallet.lookup = (ref, signal) => {
      this.lookUps++;
      return lookup(ref, signal);
    };
  }

  async opened() {
    const order = await this.shop.order();
    await invoiceJobs(this.shop.common)["invoice.create"]!.run(this.shop.job(order));
    const [invoice] = await this.shop.invoices(order);
    return { order, id: invoice!.id, bolt11: invoice!.bolt11!, hash: invoice!.payment_hash! };
  }

  /** Time passes second by second, as it does. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      await this.shop.clock.advance(1_000);
      await settle();
    }
  }

  paid = (order: string) => until(async () => await this.shop.payment(order) === "paid", "the payment");
}

Deno.test("a hint is looked up at once; a payment is found without time passing", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await w.watcher.start();
  const { order, bolt11 } = await w.opened();
  await w.shop.wallet.settle(bolt11);
  await w.paid(order);
  await w.watcher.stop();
});

Deno.test("a hint is no payment: a false one starts a look-up and nothing else", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await w.watcher.start();
  const { order, hash } = await w.opened();
  w.shop.wallet.hint({ paymentHash: hash });
  w.shop.wallet.hint({ paymentHash: "00".repeat(32) });
  await until(() => w.lookUps === 1);
  await w.watcher.stop();
  assertEquals([await w.shop.payment(order), await w.shop.payments()], ["awaiting", []]);
});

Deno.test("a hint that comes before the invoice is stored is kept until it is", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await w.watcher.start();
  const order = await w.shop.order();
  const create = w.shop.wallet.createInvoice.bind(w.shop.wallet);
  w.shop.wallet.createInvoice = async (request, signal) => {
    const made = await create(request, signal);
    await w.shop.wallet.settle(made.bolt11);
    await settle();
    return made;
  };
  const onIssued = (invoice: { merchant: string; id: string; paymentHash: string }) =>
    w.watcher.issued(invoice);
  await invoiceJobs({ ...w.shop.common, onIssued })["invoice.create"]!.run(w.shop.job(order));
  await w.paid(order);
  await w.watcher.stop();
});

Deno.test("what keeps one wallet's look-ups from starting is tried again, and holds up no other's", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  let [ready, hints] = [false, 0];
  const broken = {
    id: "broken",
    subscribe: () => {
      if (!ready) throw new Error("not yet");
      hints++;
      return () => {};
    },
  } as unknown as Wallet;
  w.wallets.set(MERCHANT, [broken, w.shop.wallet]);
  await w.watcher.start();
  const { order, bolt11 } = await w.opened();
  await w.shop.wallet.settle(bolt11);
  await w.paid(order);
  ready = true;
  await w.pass(3);
  assertEquals(hints, 1);
  await w.watcher.stop();
});

Deno.test("a payment without a hint is found within 5 seconds in the first minute", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await w.watcher.start();
  const { order, bolt11 } = await w.opened();
  await w.pass(30);
  const before = w.lookUps;
  assert(before >= 5 && before <= 7, `${before} look-ups in 30 s`);
  await w.shop.wallet.settle(bolt11, { silently: true });
  await w.pass(6);
  await w.paid(order);
  assertEquals(w.lookUps, before + 1);
  await w.pass(20);
  assertEquals(w.lookUps, before + 1, "a paid invoice isn't asked about again");
  await w.watcher.stop();
});

Deno.test("start looks up every open invoice once: what was paid meanwhile is found", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  const all = await Promise.all(Array.from({ length: 25 }, () => w.opened()));
  for (const { bolt11 } of all) await w.shop.wallet.settle(bolt11);
  await w.watcher.start();
  await until(async () => (await w.shop.payments()).length === 25, "25 payments");
  assertEquals(w.lookUps, 25);
  await w.watcher.stop();
});

Deno.test("one wallet gets at most 10 questions at once; who answers late keeps others waiting for a second", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await Promise.all(Array.from({ length: 15 }, () => w.opened()));
  w.shop.wallet.faults.always("lookup", { do: "delay", ms: 2_000 });
  await w.watcher.start();
  await until(() => w.lookUps >= 10);
  await w.shop.clock.advance(900);
  assertEquals(w.lookUps, 10);
  await w.pass(1);
  await until(() => w.lookUps === 15);
  const stopped = w.watcher.stop();
  await w.pass(2);
  await stopped;
});

Deno.test("a burst of hints is followed at once: sales aren't held back by what polling may ask", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await w.watcher.start();
  const opened = await Promise.all(Array.from({ length: 120 }, () => w.opened()));
  for (const { bolt11 } of opened) await w.shop.wallet.settle(bolt11);
  await until(async () => (await w.shop.payments()).length === 120, "120 payments without time passing");
  await w.watcher.stop();
});

Deno.test("an empty hint makes every open invoice due", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await w.watcher.start();
  const { order, bolt11 } = await w.opened();
  await w.shop.wallet.settle(bolt11, { silently: true });
  w.shop.wallet.hint({});
  await w.paid(order);
  await w.watcher.stop();
});

Deno.test("a hint during a look-up leads to another one", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  await w.watcher.start();
  const { order, bolt11, hash } = await w.opened();
  w.shop.wallet.faults.next("lookup", { do: "delay", ms: 500 });
  w.shop.wallet.hint({ paymentHash: hash });
  await until(() => w.lookUps === 1);
  await settle();
  await w.shop.wallet.settle(bolt11);
  await settle();
  await w.shop.clock.advance(500);
  await w.paid(order);
  await w.watcher.stop();
});

Deno.test("a wallet that is set up later is watched, and so are invoices of one that is gone", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  w.wallets.clear();
  await w.watcher.start();
  const { order, bolt11 } = await w.opened();
  w.wallets.set(MERCHANT, [w.shop.wallet]);
  await w.pass(1);
  await w.shop.wallet.settle(bolt11);
  await w.paid(order);
  const other = await w.opened();
  w.wallets.clear();
  await w.pass(12);
  const [row] = await w.shop.invoices(other.order);
  assert(row!.next_lookup_at! > w.shop.clock.now(), "it is taken up, so that it may expire");
  await w.watcher.stop();
});

Deno.test("an old invoice is looked up, however many newer ones are made due again and again", async () => {
  await using database = await freshDatabase();
  const w = new Watched(database);
  Object.assign(w.shop.wallet, { listIncoming: undefined });
  const { order, bolt11 } = await w.opened();
  for (let i = 0; i < 120; i++) {
    await w.shop.clock.advance(1);
    await w.opened();
  }
  await w.watcher.start();
  await w.shop.wallet.settle(bolt11, { silently: true });
  // A wallet's relay that loses its connection again and again: each time hints may have been missed.
  for (let i = 0; i < 8 && await w.shop.payment(order) !== "paid"; i++) {
    w.watcher.lookUpSoon(MERCHANT, {});
    await w.pass(1);
  }
  assertEquals(await w.shop.payment(order), "paid");
  await w.watcher.stop();
});

onEachDatabase(
  "claimDue() gives an invoice to one process only, in the order that is asked for",
  async (database) => {
    const w = new Watched(database);
    const first = await w.opened();
    await w.shop.clock.advance(1_000);
    const second = await w.opened();
    await w.shop.clock.advance(10_000);
    const now = w.shop.clock.now();
    const of = { merchant: MERCHANT, wallet: w.shop.wallet.id };
    const claim = (limit: number, from: "newest" | "longest due" = "newest", until = now + 30_000) =>
      database.transaction((tx) => claimDue(tx, of, { now, limit, until, first: from }));
    assertEquals(await claim(1, "newest", now), [second.id]);
    await database.transaction((tx) => makeOpenDue(tx, of, now + 1));
    assertEquals(await claim(1, "longest due", now), [first.id]);
    await w.shop.clock.advance(2);
    assertEquals(await claim(1, "longest due"), [first.id]);
    const both = await Promise.all([claim(5), claim(5)]);
    assertEquals(both.flat(), [second.id]);
    assertEquals(await claim(5), []);
  },
);
