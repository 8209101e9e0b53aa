import { assert, assertEquals } from "@std/assert";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { lookUpByList } from "../../src/payments/look_up_by_list.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import { WalletError } from "../../src/payments/wallet.ts";
import { PaymentWatcher } from "../../src/payments/watcher.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { settle } from "../support/fake_clock.ts";
import { byList, MERCHANT, Shop, until } from "./shop.ts";

const forEver = new AbortController().signal;

async function opened(shop: Shop) {
  const order = await shop.order();
  await invoiceJobs(shop.common)["invoice.create"]!.run(shop.job(order));
  const [invoice] = await shop.invoices(order);
  return { order, id: invoice!.id, bolt11: invoice!.bolt11! };
}

const ask = (shop: Shop, ids: string[]) => byList({ ...shop.common, wallet: shop.wallet }, ids, forEver);

onEachDatabase(
  "one list answers for many: what isn't on it is asked about later, what is gets a look-up",
  async (database) => {
    const shop = new Shop(database);
    const [paid, open, over] = [await opened(shop), await opened(shop), await opened(shop)];
    await shop.change(over.order, { expires_at: shop.clock.now() + 60_000 });
    await shop.wallet.settle(paid.bolt11, { silently: true });
    await shop.clock.advance(60_000);
    assertEquals(await ask(shop, [paid.id, open.id, over.id]), {
      offered: true,
      paid: [paid.id],
      single: [over.id],
    });
    const [row] = await shop.invoices(open.order);
    assertEquals(row!.next_lookup_at, shop.clock.now() + 15_000);
    assertEquals(await shop.payments(), [], "a list is no payment");
  },
);

Deno.test("money on hold is on no list: hold invoices are looked up by themselves", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const [hold, open] = [await opened(shop), await opened(shop)];
  await database.transaction((tx) =>
    tx.updateTable("invoices").set({ hold: 1 }).where("id", "=", hold.id).execute()
  );
  assertEquals(await ask(shop, [hold.id, open.id]), { offered: true, paid: [], single: [hold.id] });
});

Deno.test("without a list, or with one that has no end, each is looked up by itself", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id } = await opened(shop);
  const all = { paid: [], single: [id] };
  shop.wallet.faults.next("listIncoming", { do: "fail", kind: "unreachable" }, {
    do: "fail",
    kind: "not_implemented",
  });
  assertEquals(await ask(shop, [id]), { ...all, offered: true });
  assertEquals(await ask(shop, [id]), { ...all, offered: false });
  const hash = "ab".repeat(32);
  for (
    const say of [
      () => ({ settled: [], next: 1 }),
      () => ({ settled: [{ paymentHash: hash }], next: 1 }),
    ]
  ) {
    shop.wallet.faults.always("listIncoming", { do: "lie", say });
    assertEquals(await ask(shop, [id]), { ...all, offered: true });
  }
});

Deno.test("what is paid is told with its page; the rest of a list that fails or has no end is looked up by itself", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const [paid, open] = [await opened(shop), await opened(shop)];
  const [row] = await shop.invoices(paid.order);
  const first = { settled: [{ paymentHash: row!.payment_hash! }], next: 1 };
  const told: string[] = [];
  const onPaid = (ids: string[]) => void told.push(...ids);
  const secondPages = [
    () => Promise.reject(new WalletError("no_answer", "it went away")),
    () => (assertEquals(told, [paid.id], "before the list's end"), Promise.resolve(first)),
  ];
  for (const second of secondPages) {
    told.length = 0;
    let page = 0;
    shop.wallet.listIncoming = () => page++ === 0 ? Promise.resolve(first as never) : second() as never;
    const asked = { ...shop.common, wallet: shop.wallet, onPaid };
    const { single } = await lookUpByList(asked, [paid.id, open.id], forEver);
    assertEquals([told, single], [[paid.id], [open.id]]);
  }
});

async function watched(shop: Shop, run: (asked: { lists: number; lookUps: number }) => Promise<void>) {
  const asked = { lists: 0, lookUps: 0 };
  const { wallet } = shop;
  const [list, lookup] = [wallet.listIncoming.bind(wallet), wallet.lookup.bind(wallet)];
  wallet.listIncoming = (query, signal) => (asked.lists++, list(query, signal));
  wallet.lookup = (ref, signal) => (asked.lookUps++, lookup(ref, signal));
  const settlement = new Settlement(shop.common);
  const wallets = () => new Map([[MERCHANT, [wallet]]]);
  const watcher = new PaymentWatcher({ ...shop.common, settlement, wallets });
  await watcher.start();
  try {
    await run(asked);
  } finally {
    await watcher.stop();
  }
}

async function pass(shop: Shop, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await shop.clock.advance(1_000);
    await settle();
  }
}

Deno.test("with 60 invoices open the wallet gets a list every few seconds, and a look-up for what is paid", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const all: Awaited<ReturnType<typeof opened>>[] = [];
  for (let n = 0; n < 60; n++) all.push(await opened(shop));
  await watched(shop, async (asked) => {
    await pass(shop, 30);
    assertEquals(asked.lookUps, 0);
    assert(asked.lists >= 5 && asked.lists <= 8, `${asked.lists} lists in 30 s`);
    await shop.wallet.settle(all[7]!.bolt11, { silently: true });
    await pass(shop, 6);
    await until(async () => await shop.payment(all[7]!.order) === "paid", "the payment");
    assertEquals(asked.lookUps, 1);
  });
});

Deno.test("60 invoices at their end are looked up one by one, within the budget, and expire", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const all: string[] = [];
  await watched(shop, async (asked) => {
    for (let n = 0; n < 60; n++) all.push((await opened(shop)).order);
    shop.clock.jump(898_000);
    await pass(shop, 7);
    await until(async () => {
      const states = await Promise.all(all.map((order) => shop.payment(order)));
      return states.every((state) => state === "expired");
    }, "their expiry");
    assert(asked.lookUps >= 60 && asked.lookUps <= 120, `${asked.lookUps} look-ups`);
  });
});

Deno.test("a wallet whose list fails is asked one by one, no faster than otherwise", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const all: Awaited<ReturnType<typeof opened>>[] = [];
  for (let n = 0; n < 60; n++) all.push(await opened(shop));
  shop.wallet.faults.always("listIncoming", { do: "fail", kind: "unreachable" });
  shop.wallet.faults.always("lookup", { do: "delay", ms: 500 });
  await shop.wallet.settle(all[0]!.bolt11, { silently: true });
  await watched(shop, async (asked) => {
    await until(() => asked.lookUps === 10);
    await settle();
    assertEquals(asked.lookUps, 10);
    await pass(shop, 20);
    await until(async () => await shop.payment(all[0]!.order) === "paid", "the payment");
    shop.wallet.faults.always("lookup", null);
    await pass(shop, 2);
  });
});
