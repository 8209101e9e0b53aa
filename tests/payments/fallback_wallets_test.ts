import { assertEquals, assertRejects } from "@std/assert";
import { RetryLater } from "../../src/jobs/runner.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import { PaymentWatcher } from "../../src/payments/watcher.ts";
import { WalletChoice } from "../../src/payments/wallet_choice.ts";
import { WalletPatience } from "../../src/payments/wallet_patience.ts";
import type { Wallet } from "../../src/payments/wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { onEachDatabase } from "../support/databases.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { silentLog } from "../support/log.ts";
import { MERCHANT, Shop, until } from "./shop.ts";

/** A shop with a second wallet behind the first. */
function withSpare(shop: Shop) {
  const spare = Object.assign(
    new DemoWallet({ clock: shop.clock, random: systemRandom, log: silentLog }),
    { id: "demo:spare" },
  );
  const walletsOf = () => [shop.wallet, spare];
  const common = { ...shop.common, walletsOf };
  const settlement = new Settlement(common);
  return { spare, common, settlement, handler: invoiceJobs(common)["invoice.create"]! };
}

Deno.test("the first wallet makes the invoice while it can", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { handler } = withSpare(shop);
  const id = await shop.order();
  await handler.run(shop.job(id));
  assertEquals((await shop.invoices(id)).map((one) => one.wallet), [shop.wallet.id]);
});

onEachDatabase("one that is away, or that refuses, is replaced by the next, at once", async (database) => {
  for (const kind of ["unreachable", "refused"] as const) {
    const shop = new Shop(database);
    const { spare, handler, settlement } = withSpare(shop);
    shop.wallet.faults.always("createInvoice", { do: "fail", kind });
    const id = await shop.order();
    await shop.clock.until(handler.run(shop.job(id)));
    const made = await shop.invoices(id);
    assertEquals(made.map((one) => [one.wallet, one.state]), [[shop.wallet.id, "void"], [spare.id, "open"]]);
    // Who made it is asked whether it is paid.
    await spare.settle(made[1]!.bolt11!);
    assertEquals(await settlement.lookUp(made[1]!.id, new AbortController().signal), "paid");
  }
});

Deno.test("only when every wallet refuses the order fails; when all are away it waits", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { spare, handler } = withSpare(shop);
  shop.wallet.faults.always("createInvoice", { do: "fail", kind: "refused" });
  spare.faults.always("createInvoice", { do: "fail", kind: "unreachable" });
  const waits = await shop.order();
  await assertRejects(() => shop.clock.until(handler.run(shop.job(waits))), RetryLater);
  assertEquals([await shop.payment(waits), shop.events], ["quoting", ["invoiceDelayed"]]);
  spare.faults.always("createInvoice", { do: "fail", kind: "refused" });
  const fails = await shop.order();
  await shop.clock.until(handler.run(shop.job(fails)));
  assertEquals(await shop.payment(fails), "failed");
});

Deno.test("each wallet's payments are watched; a hint of one asks that one", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { spare, common, settlement, handler } = withSpare(shop);
  const wallets = new Map<string, readonly Wallet[]>([[MERCHANT, [shop.wallet, spare]]]);
  const watcher = new PaymentWatcher({ ...common, settlement, wallets: () => wallets });
  await watcher.start();
  const first = await shop.order();
  await handler.run(shop.job(first));
  shop.wallet.faults.always("createInvoice", { do: "fail", kind: "refused" });
  const second = await shop.order();
  await shop.clock.until(handler.run(shop.job(second)));
  for (const [order, wallet] of [[first, shop.wallet], [second, spare]] as const) {
    await wallet.settle((await shop.invoices(order)).at(-1)!.bolt11!);
    await until(async () => await shop.payment(order) === "paid", "the payment");
  }
  await watcher.stop();
});

Deno.test("a wallet that is taken away leaves its open invoices to expire, and the others go on", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { spare, common, settlement } = withSpare(shop);
  const wallets = new Map<string, readonly Wallet[]>([[MERCHANT, [spare]]]);
  const watcher = new PaymentWatcher({
    ...common,
    settlement: new Settlement({ ...common, walletsOf: () => wallets.get(MERCHANT)! }),
    wallets: () => wallets,
  });
  const id = await shop.order();
  const [gone] = await (async () => {
    await invoiceJobs(shop.common)["invoice.create"]!.run(shop.job(id));
    return await shop.invoices(id);
  })();
  assertEquals(await settlement.lookUp(gone!.id, new AbortController().signal), "unpaid");
  await watcher.start();
  await shop.clock.advance(130_000);
  shop.clock.jump(3_000_000);
  await until(async () => {
    await shop.clock.advance(10_000);
    return await shop.payment(id) === "expired";
  }, "the expiry");
  await watcher.stop();
});

Deno.test("WalletChoice: the merchant's order, then the one that failed least; who refused isn't asked again", () => {
  const [a, b, c] = ["a", "b", "c"].map((id) => ({ id } as Wallet)) as [Wallet, Wallet, Wallet];
  const choice = new WalletChoice(new WalletPatience());
  const asked: string[] = [];
  for (let now = 0; now < 5; now++) {
    const next = choice.next([a, b, c], now);
    asked.push(next?.id ?? "none");
    if (next === b) choice.refused(b, now);
    else if (next) choice.failed(next, now);
  }
  assertEquals(asked, ["a", "b", "c", "a", "c"]);
  assertEquals([choice.allRefused([b]), choice.allRefused([a, b])], [true, false]);
  choice.refused(a, 5);
  choice.refused(c, 5);
  assertEquals(choice.next([a, b, c], 9), null);
});
