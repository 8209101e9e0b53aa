import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import {
  type CreatedInvoice,
  type InvoiceRef,
  type Wallet,
  WalletError,
} from "../../../src/payments/wallet.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { BtcpayServer, STORE } from "../contract/btcpay_server.ts";
import { openBtcpay } from "./open.ts";

const soon = () => AbortSignal.timeout(30_000);
const ASKED = {
  amountMsat: 21_000_000n,
  description: "Order 1a2b3c4d-9f3e",
  expirySeconds: 900,
  externalId: "o#1",
};

/** A shop's wallet and the server that it is a store of. */
async function withStore(
  fn: (scene: { server: BtcpayServer; wallet: Wallet; clock: FakeClock }) => Promise<void>,
): Promise<void> {
  await using server = new BtcpayServer();
  const clock = new FakeClock(Date.now());
  const wallet = openBtcpay(server.url(), clock);
  try {
    await fn({ server, wallet, clock });
  } finally {
    await wallet.close();
  }
}

async function make(wallet: Wallet, more: Partial<typeof ASKED> = {}): Promise<InvoiceRef & CreatedInvoice> {
  const created = await wallet.createInvoice({ ...ASKED, ...more }, soon());
  const read = decodeBolt11(created.bolt11);
  assert(read.ok);
  return { ...created, ref: created.ref!, createdAt: Date.now(), paymentHash: read.invoice.paymentHash };
}

async function kindOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(() => null, (error) => error);
  assert(error instanceof WalletError, String(error));
  return error.kind;
}

Deno.test("BTCPay is asked for bitcoin, by our name, in whole minutes, and forgives nothing", () =>
  withStore(async ({ server, wallet }) => {
    await make(wallet);
    await make(wallet, { expirySeconds: 61, amountMsat: 1_000n });
    const [first, second] = server.asked as { amount: string; checkout: { expirationMinutes: number } }[];
    assertEquals(first as unknown, {
      amount: "0.00021",
      currency: "BTC",
      metadata: { orderId: "o#1", itemDesc: ASKED.description },
      checkout: {
        expirationMinutes: 15,
        paymentMethods: ["BTC-LN", "BTC-CHAIN"],
        lazyPaymentMethods: false,
        paymentTolerance: 0,
      },
    });
    assertEquals([second!.amount, second!.checkout.expirationMinutes], ["0.00000001", 2]);
  }));

Deno.test("an invoice comes with BTCPay's own name for it, the chain and its page", () =>
  withStore(async ({ server, wallet }) => {
    const { ref, links, description } = await make(wallet);
    assert(server.invoices.has(ref!));
    assertEquals(description, "theirs");
    assertEquals(links, [
      { type: "btc", link: "bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?amount=0.00021" },
      { type: "url", link: `https://pay.example/i/${ref}` },
    ]);
  }));

type Stored = BtcpayServer["invoices"] extends Map<string, infer Invoice> ? Invoice : never;
const coin = (value: string, status = "Settled") => ({ value, status, fee: "0.0" });
const states: [string, { status: string; additionalStatus?: string; chain?: object[] }, unknown][] = [
  ["new", { status: "New" }, ["open"]],
  ["paid in part, still open", { status: "New", additionalStatus: "PaidPartial", chain: [coin("0.0001")] }, [
    "open",
  ]],
  ["paid, unconfirmed", { status: "Processing", chain: [coin("0.00021", "Processing")] }, ["held"]],
  ["settled", { status: "Settled", chain: [coin("0.00021")] }, ["settled", 21_000_000n]],
  ["settled by two", { status: "Settled", chain: [coin("0.0002"), coin("0.00001")] }, [
    "settled",
    21_000_000n,
  ]],
  ["settled, overpaid", { status: "Settled", additionalStatus: "PaidOver", chain: [coin("0.0003")] }, [
    "settled",
    30_000_000n,
  ]],
  ["settled, net of a fee on top", {
    status: "Settled",
    chain: [{ ...coin("0.00022"), fee: "0.00001" }],
  }, ["settled", 21_000_000n]],
  ["what doesn't count isn't counted", {
    status: "Settled",
    chain: [coin("0.00021"), coin("1.0", "Invalid"), coin("1.0", "Processing")],
  }, ["settled", 21_000_000n]],
  ["marked as settled by hand", { status: "Settled", additionalStatus: "Marked" }, ["settled", null]],
  ["marked, paid in part", { status: "Settled", additionalStatus: "Marked", chain: [coin("0.0001")] }, [
    "settled",
    null,
  ]],
  ["expired", { status: "Expired" }, ["expired"]],
  ["expired, paid late", { status: "Expired", additionalStatus: "PaidLate", chain: [coin("0.00021")] }, [
    "settled",
    21_000_000n,
  ]],
  ["expired, paid late, unconfirmed", {
    status: "Expired",
    additionalStatus: "PaidLate",
    chain: [coin("0.00021", "Processing")],
  }, ["expired"]],
  ["expired, paid in part", { status: "Expired", additionalStatus: "PaidPartial", chain: [coin("0.0001")] }, [
    "settled",
    10_000_000n,
  ]],
  ["expired, part of it unconfirmed", {
    status: "Expired",
    additionalStatus: "PaidPartial",
    chain: [coin("0.0001"), coin("0.00005", "Processing")],
  }, ["expired"]],
  ["invalid", { status: "Invalid", additionalStatus: "Marked", chain: [coin("0.00021")] }, ["cancelled"]],
];

for (const [name, state, expected] of states) {
  Deno.test(`an invoice of BTCPay: ${name}`, () =>
    withStore(async ({ server, wallet }) => {
      const invoice = await make(wallet);
      const receivedDate = 1_790_000_000;
      const chain = (state.chain ?? []).map((one) => ({ id: "p", receivedDate, destination: "", ...one }));
      Object.assign(server.invoices.get(invoice.ref!)!, state, { chain: chain as Stored["chain"] });
      const status = await wallet.lookup(invoice, soon());
      assertEquals(
        status.status === "settled" ? [status.status, status.amountMsat] : [status.status],
        expected,
      );
      if (status.status === "settled" && chain.length > 0) {
        assertEquals(status.settledAt, receivedDate * 1000);
      }
    }));
}

Deno.test("an amount is exact where bitcoin was counted, and none is believed that no books can count", () =>
  withStore(async ({ server, wallet }) => {
    const invoice = await make(wallet);
    const stored = server.invoices.get(invoice.ref!)!;
    const says = async (value: string, additionalStatus: Stored["additionalStatus"]) => {
      stored.chain = [{
        id: "p",
        receivedDate: 1_790_000_000,
        destination: "",
        value,
        fee: "0.0",
        status: "Settled",
      }];
      Object.assign(stored, { status: "Settled", additionalStatus });
      const status = await wallet.lookup(invoice, soon());
      return status.status === "settled" && [status.amountMsat, status.exact];
    };
    assertEquals(await says("0.00021", "None"), [21_000_000n, true]);
    assertEquals(await says("0.0001", "Marked"), [null, undefined]);
    assertEquals(await kindOf(says("100000", "PaidOver")), "bad_answer");
  }));

Deno.test("another coin isn't counted as bitcoin", () =>
  withStore(async ({ server, wallet }) => {
    const invoice = await make(wallet);
    await server.pay(invoice.bolt11);
    server.faults.litecoin = "1.5";
    const status = await wallet.lookup(invoice, soon());
    assertEquals(status.status === "settled" && status.amountMsat, 21_000_000n);
  }));

Deno.test("without its name an invoice is found by its BOLT11", () =>
  withStore(async ({ server, wallet }) => {
    const [one, other] = [await make(wallet), await make(wallet)];
    await server.pay(other.bolt11);
    assertEquals((await wallet.lookup({ ...one, ref: null }, soon())).status, "open");
    assertEquals((await wallet.lookup({ ...other, ref: null }, soon())).status, "settled");
    server.invoices.clear();
    assertEquals((await wallet.lookup({ ...other, ref: null }, soon())).status, "not_found");
    assertEquals((await wallet.lookup({ ...other, ref: "../../server/info" }, soon())).status, "not_found");
  }));

for (const fault of ["loseAnswer", "loseMethods", "failMethods"] as const) {
  Deno.test(`an invoice whose answer was lost is found by our name for it (${fault})`, () =>
    withStore(async ({ server, wallet, clock }) => {
      await make(wallet);
      server.faults[fault] = true;
      const late = Promise.withResolvers<CreatedInvoice>();
      const request = { ...ASKED, externalId: "o#2", onLate: late.resolve };
      assertEquals(await kindOf(wallet.createInvoice(request, AbortSignal.timeout(200))), "no_answer");
      await make(wallet, { externalId: "o#3" });
      const found = await clock.until(late.promise, 5_000);
      assertEquals(server.invoices.get(found.ref!)?.orderId, "o#2");
      assertEquals(found.links?.length, 2);
    }));
}

Deno.test("a search that is left unheeded finds no other invoice than the one that is meant", () =>
  withStore(async ({ server, wallet, clock }) => {
    server.faults.unfiltered = true;
    const [one, other] = [await make(wallet), await make(wallet, { externalId: "o#3" })];
    await server.pay(other.bolt11);
    for (const old of [false, true]) {
      server.faults.old = old;
      assertEquals((await wallet.lookup({ ...one, ref: null }, soon())).status, "open");
      assertEquals((await wallet.lookup({ ...other, ref: null }, soon())).status, "settled");
    }
    server.invoices.delete(one.ref!);
    assertEquals(await kindOf(wallet.lookup({ ...one, ref: null }, soon())), "bad_answer");
    server.faults.loseAnswer = true;
    const late = Promise.withResolvers<CreatedInvoice>();
    const request = { ...ASKED, externalId: "o#2", onLate: late.resolve };
    assertEquals(await kindOf(wallet.createInvoice(request, AbortSignal.timeout(200))), "no_answer");
    await make(wallet, { externalId: "o#4" });
    const found = await clock.until(late.promise, 5_000);
    assertEquals(server.invoices.get(found.ref!)?.orderId, "o#2");
  }));

Deno.test("an invoice that was never made is looked for and given up", () =>
  withStore(async ({ server, wallet, clock }) => {
    server.faults.loseAnswer = true;
    const request = { ...ASKED, onLate: () => assert(false, "there is none") };
    await assertRejects(() => wallet.createInvoice(request, AbortSignal.timeout(200)));
    server.invoices.clear();
    for (let n = 0; n < 4; n++) await clock.advance(90_000);
    await wallet.close();
  }));

Deno.test("an invoice without Lightning, and a fault on the way to the node, are for another try", () =>
  withStore(async ({ server, wallet }) => {
    server.faults.withoutLightning = true;
    assertEquals(await kindOf(make(wallet)), "busy");
    delete server.faults.withoutLightning;
    server.faults.lazy = true;
    assertEquals(await kindOf(make(wallet)), "busy");
    delete server.faults.lazy;
    server.faults.instead = { status: 400, body: '{"code":"generic-error","message":"BTC-LN: no reply"}' };
    assertEquals(await kindOf(make(wallet)), "busy");
    server.faults.instead = {
      status: 422,
      body: '[{"path":"amount","message":"The amount should be 0 or more."}]',
    };
    assertEquals(await kindOf(make(wallet)), "refused");
  }));

Deno.test("a page that isn't BTCPay's says nothing of an invoice", () =>
  withStore(async ({ server, wallet }) => {
    const invoice = await make(wallet);
    for (
      const [status, body] of [[404, "<h1>Not found</h1>"], [200, "<h1>Hello</h1>"], [200, "[]"], [
        200,
        '{"id":"another","status":"New"}',
      ], [200, '{"id":"another","status":"Paid"}']] as const
    ) {
      server.faults.instead = { status, body };
      assertEquals(await kindOf(wallet.lookup(invoice, soon())), "bad_answer", body);
    }
  }));

Deno.test("a server that is too old for it has no list", () =>
  withStore(async ({ server, wallet }) => {
    const query = { since: 0, until: Date.now() + 60_000, offset: 0 };
    const invoice = await make(wallet);
    await server.pay(invoice.bolt11);
    const page = await wallet.listIncoming!(query, soon());
    assertEquals(page.settled.map(({ description }) => description), [ASKED.description]);
    server.faults.old = true;
    assertEquals(await kindOf(wallet.listIncoming!(query, soon())), "not_implemented");
  }));

for (
  const [permission, canSpend] of [
    ["btcpay.store.canmodifyinvoices", false],
    [`btcpay.store.cancreatepullpayments:${STORE}`, true],
    ["btcpay.store.cancreatepullpayments:other", false],
    ["btcpay.store.cancreatenonapprovedpullpayments", false],
    ["btcpay.store.canuselightningnode", true],
    ["btcpay.store.canmodifystoresettings", true],
    ["unrestricted", true],
  ] as const
) {
  Deno.test(`a key with ${permission.replace(STORE, "…")} ${canSpend ? "can" : "can't"} spend`, () =>
    withStore(async ({ server, wallet }) => {
      server.permissions.push(permission);
      assertEquals((await wallet.probe(soon())).canSpend, canSpend);
    }));
}

Deno.test("probe() names what a key may not do, whatever other stores allow it", () =>
  withStore(async ({ server, wallet }) => {
    assertEquals((await wallet.probe(soon())).network, "bcrt");
    for (
      const enough of [
        ["unrestricted"],
        ["btcpay.store.canmodifyinvoices"],
        [`btcpay.store.canmodifystoresettings:${STORE}`],
        ["btcpay.store.cancreateinvoice", "btcpay.store.canviewstoresettings"],
      ]
    ) {
      server.permissions = enough;
      assertEquals((await wallet.probe(soon())).methods, enough.map((one) => one.split(":")[0]!));
    }
    for (const little of [[], ["btcpay.store.canmodifyinvoices:other"], ["btcpay.store.canviewinvoices"]]) {
      server.permissions = little;
      const error = await wallet.probe(soon()).then(() => null, (error) => error);
      assert(error instanceof WalletError);
      assertEquals(error.kind, "unauthorized");
      assertStringIncludes(error.message, "btcpay.store.cancreateinvoice");
    }
  }));
