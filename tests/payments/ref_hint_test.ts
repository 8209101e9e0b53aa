import { assertEquals } from "@std/assert";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import type { CreatedInvoice } from "../../src/payments/wallet.ts";
import { PaymentWatcher } from "../../src/payments/watcher.ts";
import { onEachDatabase } from "../support/databases.ts";
import { settle } from "../support/fake_clock.ts";
import { MERCHANT, Shop, until } from "./shop.ts";

onEachDatabase(
  "a hint by the wallet's own name for an invoice finds this one of this wallet",
  async (database) => {
    const shop = new Shop(database);
    let made = 0;
    const say = (invoice: CreatedInvoice) => ({ ...invoice, ref: `ref-${++made}` });
    shop.wallet.faults.always("createInvoice", { do: "lie", say });
    const asked: (string | null | undefined)[] = [];
    const lookup = shop.wallet.lookup.bind(shop.wallet);
    shop.wallet.lookup = (ref, signal) => {
      asked.push(ref.ref);
      return lookup(ref, signal);
    };
    const settlement = new Settlement(shop.common);
    const wallets = () => new Map([[MERCHANT, [shop.wallet]]]);
    const watcher = new PaymentWatcher({ ...shop.common, settlement, wallets });
    await watcher.start();
    const orders = [await shop.order(), await shop.order()];
    for (const order of orders) await invoiceJobs(shop.common)["invoice.create"]!.run(shop.job(order));
    const [invoice] = await shop.invoices(orders[1]!);
    await shop.wallet.settle(invoice!.bolt11!, { silently: true });

    watcher.lookUpSoon(MERCHANT, { ref: "ref-3" }, shop.wallet.id);
    watcher.lookUpSoon(MERCHANT, { ref: "ref-2" }, "another wallet");
    watcher.lookUpSoon("f".repeat(64), { ref: "ref-2" }, shop.wallet.id);
    await settle();
    assertEquals(asked, []);
    watcher.lookUpSoon(MERCHANT, { ref: "ref-2" }, shop.wallet.id);
    await until(async () => await shop.payment(orders[1]!) === "paid", "the payment");
    watcher.lookUpSoon(MERCHANT, { ref: "ref-2" }, shop.wallet.id);
    await settle();
    assertEquals(asked, ["ref-2"], "what is paid isn't asked about again");
    await watcher.stop();
  },
);
