import { assert, assertEquals, assertRejects } from "@std/assert";
import { enqueue } from "../../src/jobs/queue.ts";
import { RetryLater } from "../../src/jobs/runner.ts";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { voidInvoices } from "../../src/payments/invoices_store.ts";
import { decodeBolt11 } from "../../src/payments/bolt11.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { settle } from "../support/fake_clock.ts";
import { onEachDatabase } from "../support/databases.ts";
import { WalletError } from "../../src/payments/wallet.ts";
import { MERCHANT, PRICE, Shop, until } from "./shop.ts";

function handlerOf(shop: Shop, more: Partial<Parameters<typeof invoiceJobs>[0]> = {}) {
  return invoiceJobs({ ...shop.common, ...more })["invoice.create"]!;
}

onEachDatabase(
  "invoice.create opens a checked invoice and tells the order in the job's own transaction",
  async (database) => {
    const shop = new Shop(database);
    const issued: string[] = [];
    const id = await shop.order();
    const job = shop.job(id);
    await handlerOf(shop, { onIssued: (invoice) => issued.push(invoice.paymentHash) }).run(job);
    const [invoice] = await shop.invoices(id);
    assertEquals([invoice!.state, invoice!.attempt, BigInt(invoice!.amount_msat)], ["open", 1, PRICE]);
    assertEquals(invoice!.expires_at, shop.clock.now() + 900_000);
    assertEquals(invoice!.next_lookup_at, shop.clock.now() + 5_000);
    assertEquals(issued, [invoice!.payment_hash!]);
    assertEquals([shop.events, await shop.payment(id), job.done], [["invoiced"], "awaiting", 1]);
    const read = decodeBolt11(invoice!.bolt11!);
    assert(
      read.ok && !read.invoice.description!.includes(shop.wallet.id) &&
        read.invoice.description!.startsWith("Order "),
    );
  },
);

Deno.test("invoice.create run twice makes one invoice", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order();
  await handlerOf(shop).run(shop.job(id));
  const again = shop.job(id);
  await handlerOf(shop).run(again);
  assertEquals([(await shop.invoices(id)).length, shop.events, again.done], [1, ["invoiced"], 1]);
});

Deno.test("invoice.create ends without an invoice when the order waits for none", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  for (
    const change of [{ payment: "paid" as const }, { payment: "cancelled" as const }, {
      received_msat: Number(PRICE),
    }]
  ) {
    const id = await shop.order(change);
    const job = shop.job(id);
    await handlerOf(shop).run(job);
    assertEquals([await shop.invoices(id), job.done], [[], 1]);
  }
  const gone = shop.job("no such order");
  await handlerOf(shop).run(gone);
  assertEquals([shop.events, gone.done], [[], 1]);
});

Deno.test("invoice.create asks for what is still owed", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order({ payment: "awaiting", received_msat: 1_000_000 });
  await handlerOf(shop).run(shop.job(id));
  assertEquals(BigInt((await shop.invoices(id))[0]!.amount_msat), PRICE - 1_000_000n);
});

Deno.test("a lost answer voids the attempt and the next one follows; the late answer is kept, void and watched", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  shop.wallet.faults.next("createInvoice", { do: "delay", ms: 20_000 });
  const id = await shop.order();
  const running = handlerOf(shop).run(shop.job(id));
  await until(async () => (await shop.wallet.invoices()).length === 1);
  assertEquals((await shop.invoices(id)).map((row) => row.state), ["creating"]);
  await shop.clock.advance(8_000);
  await until(async () => (await shop.invoices(id))[0]!.state === "void");
  await shop.clock.advance(500);
  await running;
  assertEquals((await shop.invoices(id)).map((row) => row.state), ["void", "open"]);
  assertEquals((await shop.invoices(id))[0]!.payment_hash, null);
  await shop.clock.advance(12_000);
  await until(async () => (await shop.invoices(id))[0]!.payment_hash !== null, "the late answer");
  const [late] = await shop.invoices(id);
  assert(late!.state === "void" && late!.next_lookup_at !== null && late!.bolt11 !== null);
  assertEquals(shop.events, ["invoiced"]);
});

Deno.test("after 25 s without an answer the customer hears of it once, and the invoice follows when the wallet is back", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  shop.wallet.faults.always("createInvoice", { do: "lose" });
  const id = await shop.order();
  const handler = handlerOf(shop);
  const begun = shop.clock.now();
  // Silent for a whole round, it is asked once a round until it is back.
  for (const [round, questions] of [[1, 3], [2, 1]] as const) {
    const before = (await shop.invoices(id)).length;
    const running = handler.run(shop.job(id, round));
    running.catch(() => {});
    for (let n = 1; n <= questions; n++) {
      await until(async () => (await shop.invoices(id)).length === before + n);
      await settle();
      await shop.clock.advance(8_500);
    }
    const error = await assertRejects(() => running, RetryLater) as RetryLater;
    assertEquals(error.delayMs, [15_000, 30_000][round - 1]!);
    if (round === 1) assert(shop.clock.now() - begun <= 26_000);
    await shop.clock.advance(error.delayMs);
  }
  assertEquals(shop.events, ["invoiceDelayed"]);
  shop.wallet.faults.always("createInvoice", null);
  await handler.run(shop.job(id, 3));
  assertEquals(shop.events, ["invoiceDelayed", "invoiced"]);
  assertEquals((await shop.invoices(id)).map((row) => row.state), [
    "void",
    "void",
    "failed",
    "void",
    "open",
  ]);
});

Deno.test("a wallet that says no, or gives a wrong invoice, ends the order at once; without a wallet too", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  shop.wallet.faults.next("createInvoice", { do: "fail", kind: "refused" });
  const refused = await shop.order();
  await handlerOf(shop).run(shop.job(refused));
  assertEquals([await shop.payment(refused), (await shop.invoices(refused))[0]!.state], ["failed", "failed"]);

  const wrong = await shop.order();
  const create = shop.wallet.createInvoice.bind(shop.wallet);
  shop.wallet.createInvoice = (request, signal) =>
    create({ ...request, amountMsat: request.amountMsat - 1n }, signal);
  await handlerOf(shop).run(shop.job(wrong));
  assertEquals([await shop.payment(wrong), (await shop.invoices(wrong))[0]!.bolt11], ["failed", null]);

  const none = await shop.order();
  const job = shop.job(none);
  await handlerOf(shop, { walletsOf: () => [] }).run(job);
  assertEquals([await shop.payment(none), job.done, await shop.invoices(none)], ["failed", 1, []]);
});

Deno.test("an order that changed while the wallet was asked gets another invoice; the first is kept void and watched", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order();
  const create = shop.wallet.createInvoice.bind(shop.wallet);
  let changed = false;
  shop.wallet.createInvoice = async (request, signal) => {
    const made = await create(request, signal);
    if (!changed) {
      changed = true;
      await shop.change(id, { total_msat: Number(PRICE) + 1000 });
      await database.transaction((tx) => voidInvoices(tx, id, shop.clock.now()));
    }
    return made;
  };
  await handlerOf(shop).run(shop.job(id));
  const rows = await shop.invoices(id);
  assertEquals(rows.map((row) => [row.state, BigInt(row.amount_msat)]), [["void", PRICE], [
    "open",
    PRICE + 1000n,
  ]]);
  assert(rows[0]!.payment_hash !== null && rows[0]!.next_lookup_at !== null);
  assertEquals(shop.events, ["invoiced"]);
});

Deno.test("an order cancelled while the wallet was asked is not invoiced", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order();
  const create = shop.wallet.createInvoice.bind(shop.wallet);
  shop.wallet.createInvoice = async (request, signal) => {
    await shop.change(id, { payment: "cancelled" });
    return await create(request, signal);
  };
  const job = shop.job(id);
  await handlerOf(shop).run(job);
  assertEquals([(await shop.invoices(id))[0]!.state, shop.events, job.done], ["void", [], 1]);
});

Deno.test("an attempt that a crash left unfinished is voided by the next run", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order();
  const stop = new AbortController();
  shop.wallet.faults.next("createInvoice", { do: "lose" });
  const crashed = handlerOf(shop).run({ ...shop.job(id), signal: stop.signal });
  crashed.catch(() => {});
  await until(async () => (await shop.wallet.invoices()).length === 1);
  stop.abort(new Error("killed"));
  await assertRejects(() => crashed, Error, "killed");
  await handlerOf(shop).run(shop.job(id, 2));
  assertEquals((await shop.invoices(id)).map((row) => row.state), ["void", "open"]);
});

Deno.test("an order outlives a wallet that is away, and has all its time when the invoice is there", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order();
  shop.clock.jump(900_000 + 2 * 3_600_000 - 1);
  await handlerOf(shop).run(shop.job(id, 5));
  const [invoice] = await shop.invoices(id);
  const now = shop.clock.now();
  assertEquals([shop.events, invoice!.state, await expiryOf(shop, id)], [
    ["invoiced"],
    "open",
    now + 900_000,
  ]);
  // BOLT11 counts in whole seconds.
  assert(invoice!.expires_at! > now + 899_000);
});

Deno.test("an order that waited two hours longer than its time without an invoice expires", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order();
  shop.clock.jump(900_000 + 2 * 3_600_000);
  await handlerOf(shop).run(shop.job(id, 5));
  assertEquals([shop.events, await shop.invoices(id)], [["expired"], []]);
});

Deno.test("it doesn't expire while its payment waits for a block", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const id = await shop.order();
  shop.clock.jump(900_000 + 2 * 3_600_000);
  const now = shop.clock.now();
  await database.transaction(async (tx) => {
    await tx.insertInto("chain_addresses").values({
      address: "bcrt1q",
      script_hash: "",
      network: "bcrt",
      account: "btc:1",
      address_index: 0,
      merchant: MERCHANT,
      order_id: id,
      told_at: now - 3_600_000,
      next_lookup_at: now,
      created_at: now,
    }).execute();
    await tx.insertInto("chain_outputs").values({
      txid: "a",
      vout: 0,
      address: "bcrt1q",
      amount_sat: PRICE / 1_000n,
      height: null,
      state: "seen",
      first_seen_at: now,
      updated_at: now,
    }).execute();
  });
  const waits = await assertRejects(
    () => handlerOf(shop).run(shop.job(id, 5)),
    RetryLater,
    "waits for a block",
  );
  assertEquals([(waits as RetryLater).counts, shop.events], [false, []]);
  shop.clock.jump(24 * 3_600_000);
  await handlerOf(shop).run(shop.job(id, 6));
  assertEquals(shop.events, ["expired"]);
});

Deno.test("a wallet that is away for one order isn't waited for by others: they are told at once, one asks for all", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const handler = handlerOf(shop);
  shop.wallet.faults.always("createInvoice", { do: "lose" });
  const first = await shop.order();
  const running = handler.run(shop.job(first));
  running.catch(() => {});
  await assertRejects(() => shop.clock.until(running), RetryLater);
  const others = [await shop.order(), await shop.order(), await shop.order()];
  const later = shop.clock.now() + 3_600_000;
  const waiting = { kind: "invoice.create", payload: {}, runAt: later };
  await database.transaction(async (tx) => {
    for (const merchant of [MERCHANT, "another"]) await enqueue(tx, { ...waiting, merchant }, 0);
  });
  let told = 0;
  const rounds = others.map((id) => handler.run(shop.job(id)));
  for (const round of rounds) round.catch((error) => void (told += Number(error instanceof RetryLater)));
  await until(() => told === 2);
  // Without time passing: only one of them waits for the wallet.
  assertEquals(shop.events, ["invoiceDelayed", "invoiceDelayed", "invoiceDelayed"]);
  shop.wallet.faults.always("createInvoice", null);
  await shop.clock.until(Promise.allSettled(rounds));
  assertEquals([told, shop.events.length], [3, 4]);
  // The wallet is back, and nobody has to be told again.
  await shop.clock.advance(6_500);
  for (const id of others) await handler.run(shop.job(id, 2));
  assertEquals(shop.events.slice(4), ["invoiced", "invoiced", "invoiced"]);
  const due = await database.kysely.selectFrom("jobs").select("run_at").where("run_at", "<", later).execute();
  assertEquals(due.length, 1, "who waits for this wallet is hurried, and nobody else");
});

Deno.test("an order that failed and is tried again is told anew that it takes longer", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const handler = handlerOf(shop);
  const id = await shop.order();
  const round = async (kind: "unreachable" | "refused") => {
    shop.wallet.faults.always("createInvoice", { do: "fail", kind });
    const running = handler.run(shop.job(id));
    running.catch(() => {});
    for (let n = 0; n < 3; n++) {
      await settle();
      await shop.clock.advance(500);
    }
    await running.catch(() => {});
  };
  await round("unreachable");
  await round("unreachable");
  await round("refused");
  await shop.change(id, { payment: "quoting" });
  await round("unreachable");
  assertEquals(shop.events, ["invoiceDelayed", "invoiceFailed", "invoiceDelayed"]);
});

async function expiryOf(shop: Shop, id: string): Promise<number | null> {
  const row = await shop.database.kysely.selectFrom("orders").select("expires_at").where("id", "=", id)
    .executeTakeFirstOrThrow();
  return row.expires_at;
}

Deno.test("a dead job fails an order that still waits, and leaves others alone", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const [waits, paid] = [await shop.order(), await shop.order({ payment: "paid" })];
  const handler = handlerOf(shop);
  for (const id of [waits, paid]) {
    await database.transaction((tx) => handler.onDead!(tx, { order_id: id }, "too often"));
  }
  assertEquals([await shop.payment(waits), await shop.payment(paid)], ["failed", "paid"]);
});

Deno.test("a wallet is asked for its network once, however many invoices wait; after a failure again", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const probe = shop.wallet.probe.bind(shop.wallet);
  let probes = 0;
  let away = false;
  shop.wallet.probe = async (signal) => {
    probes++;
    await shop.clock.sleep(100);
    if (away) throw new WalletError("unreachable", "not there");
    return await probe(signal);
  };
  const orders = await Promise.all([shop.order(), shop.order(), shop.order()]);
  const together = handlerOf(shop);
  await shop.clock.until(Promise.all(orders.map((id) => together.run(shop.job(id)))), 100);
  assertEquals(await Promise.all(orders.map((id) => shop.payment(id))), ["awaiting", "awaiting", "awaiting"]);
  assertEquals(probes, 1);

  away = true;
  const later = await shop.order();
  const other = handlerOf(shop);
  await assertRejects(() => shop.clock.until(other.run(shop.job(later)), 100), RetryLater, "not there");
  away = false;
  await shop.clock.advance(15_000);
  await shop.clock.until(other.run(shop.job(later, 2)), 100);
  assertEquals(await shop.payment(later), "awaiting");
});
