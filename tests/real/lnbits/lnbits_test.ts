import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../src/clock.ts";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type InvoiceRef, type OutgoingPayment, WalletError } from "../../../src/payments/wallet.ts";
import { LnbitsWallet } from "../../../src/payments/wallets/lnbits/lnbits_wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { whenListening } from "../../payments/contract/listening.ts";
import { PaperNode } from "../../payments/contract/paper_node.ts";
import { walletContract } from "../../payments/contract/wallet_contract.ts";
import { silentLog } from "../../support/log.ts";
import { eventually } from "../lightning/daemon.ts";
import { PRICE_SAT, RealShop } from "../lightning/shop.ts";
import { findLnbits } from "./lnbits_package.ts";
import { type LnbitsAccount, LnbitsServer } from "./lnbits_server.ts";

/*
 * The real LNbits, from its Python package, over its FakeWallet. `deno run -A tests/real/lnbits/get_lnbits.ts` gets it.
 */
const installed = await findLnbits();
if (installed === null) {
  // deno-lint-ignore no-console -- a lane that is skipped says so loudly
  console.warn(
    "SKIPPED: tests/real/lnbits/lnbits_test.ts needs the real LNbits: deno run -A tests/real/lnbits/get_lnbits.ts",
  );
}
const ignore = installed === null;
const soon = () => AbortSignal.timeout(30_000);

let server: LnbitsServer;
let payer: LnbitsAccount;
let count = 0;

Deno.test.beforeAll(async () => {
  if (installed === null) return;
  server = await LnbitsServer.start(installed);
  payer = await server.account("payer", 10_000_000);
});

Deno.test.afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

walletContract("LNbits", async () => {
  const account = await server.account("shop", 1_000);
  const wallet = open(account, { pays: true });
  const listening = whenListening(wallet);
  return {
    wallet,
    secrets: [account.inkey, account.adminkey],
    pay: async (bolt11: string) => void await pays(bolt11),
    intruder: () => Promise.resolve(open(account, { key: "0".repeat(32) })),
    listening: () => listening,
    theirInvoice: async (amountMsat: bigint, payable: boolean) =>
      payable ? await invoiceOf(payer, amountMsat) : (await new PaperNode("bc").make({ amountMsat })).bolt11,
    [Symbol.asyncDispose]: () => wallet.close(),
  };
}, { ignore });

test("it tells which key can spend, and refuses an admin key that is none", async () => {
  const account = await server.account("shop");
  const { inkey, adminkey } = account;
  for (
    const [o, canSpend] of [[{}, false], [{ key: adminkey }, true], [{ pays: true }, true]] as const
  ) {
    await using wallet = disposable(open(account, o));
    const info = await wallet.probe(soon());
    assertEquals(info.canSpend, canSpend);
    assertEquals(info.alias, "shop");
  }
  for (const admin of [inkey, "0".repeat(32)]) {
    await using wallet = disposable(open({ ...account, adminkey: admin }, { pays: true }));
    assertEquals(await kindOf(wallet.probe(soon())), "unauthorized");
  }
});

test("only who may see a payment is told of it", async () => {
  const account = await server.account("shop");
  await using wallet = disposable(open(account));
  const ref = await make(wallet);
  await using other = disposable(open(payer));
  assertEquals((await other.lookup(ref, soon())).status, "not_found");
  await using nobody = disposable(open(account, { key: "0".repeat(32) }));
  assertEquals(await kindOf(nobody.lookup(ref, soon())), "unauthorized");
});

test("an invoice that nobody paid expires", async () => {
  await using wallet = disposable(open(await server.account("shop")));
  const ref = await make(wallet, { expirySeconds: 1 });
  let { status } = await wallet.lookup(ref, soon());
  for (const end = Date.now() + 30_000; status === "open" && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    ({ status } = await wallet.lookup(ref, soon()));
  }
  assertEquals(status, "expired");
});

test("a wallet that pays its own invoice is paid, and has paid", async () => {
  const account = await server.account("shop", 1_000);
  await using wallet = disposable(open(account, { pays: true }));
  const ref = await make(wallet, { amountMsat: 5_000n });
  const paid = await wallet.pay!(outgoing(ref, 5_000n), soon());
  const came = await wallet.lookup(ref, soon());
  assert(came.status === "settled" && came.amountMsat === 5_000n, came.status);
  assertEquals(await wallet.lookupPayment!(ref, soon()), {
    status: "settled",
    preimage: paid.preimage,
    feeMsat: 0n,
  });
});

test("what it can't afford is refused, and it has nothing under way", async () => {
  await using wallet = disposable(open(await server.account("shop"), { pays: true }));
  const bolt11 = await invoiceOf(payer, 9_000n);
  const ref = { bolt11, paymentHash: hashOf(bolt11), createdAt: Date.now() };
  assertEquals(await kindOf(wallet.pay!(outgoing(ref, 9_000n), soon())), "refused");
  assertEquals((await wallet.lookupPayment!(ref, soon())).status, "not_found");
});

test("an invoice over a hash keeps our description in the list, where LNbits keeps none", async () => {
  await using wallet = disposable(open(await server.account("shop")));
  const ref = await make(wallet, { hashedText: "[]" });
  await pays(ref.bolt11);
  const { settled } = await wallet.listIncoming(
    { since: Date.now() - 600_000, until: Date.now() + 600_000, offset: 0 },
    soon(),
  );
  assertEquals(settled.map(({ description }) => description), ["Order"]);
});

test("a customer's order is paid, and refunded by the admin key", async () => {
  const account = await server.account("shop", 1_000);
  const receive = `lnbits+http://${server.base.host}/?key=${account.inkey}`;
  const connections = { receive, spend: `${receive}&admin_key=${account.adminkey}`, expired: "" };
  await using shop = await RealShop.open({ connections });
  await shop.order("lamp-1");
  await pays(await shop.bill("lamp-1"));
  await shop.hears((message) => message.id === "lamp-1" && message.paid === true);
  const { id, payment, received_msat } = await shop.one("lamp-1");
  assertEquals([payment, received_msat], ["paid", String(PRICE_SAT * 1_000n)]);

  const refund = await shop.ncc.call<{ id: string }>("POST", `/orders/${id}/refund`, { reason: "Broken" });
  await shop.hears(({ message }) => message?.includes("Answer with a Lightning address") ?? false);
  const invoice = await invoiceOf(payer, PRICE_SAT * 1_000n);
  assert(await shop.customer.write(`Here: ${invoice}`));
  const path = `/refunds/${refund.id}`;
  const state = () => shop.ncc.call<{ state: string; destination: string | null }>("GET", path);
  await eventually(
    "the invoice is the refund's",
    30_000,
    async () => (await state()).destination === invoice || undefined,
  );
  await shop.ncc.call("POST", `${path}/approve`, {});
  await eventually("it is sent", 30_000, async () => (await state()).state === "sent" || undefined);
  assertEquals((await shop.one("lamp-1")).payment, "refunded");
  await using wallet = disposable(open(payer));
  const ref = { bolt11: invoice, paymentHash: hashOf(invoice), createdAt: Date.now() };
  assertEquals((await wallet.lookup(ref, soon())).status, "settled");
});

test("a server that is gone is unreachable", async () => {
  await using wallet = disposable(open(await server.account("shop")));
  const ref = await make(wallet);
  await server.stop();
  assertEquals(await kindOf(make(wallet)), "unreachable");
  assertEquals(await kindOf(wallet.lookup(ref, soon())), "unreachable");
}, { sanitizeOps: false, sanitizeResources: false });

function test(name: string, fn: () => Promise<void>, o: Partial<Deno.TestDefinition> = {}): void {
  Deno.test({ name: `LNbits: ${name}`, ignore, ...o, fn });
}

function open(account: LnbitsAccount, o: { pays?: boolean; key?: string } = {}): LnbitsWallet {
  return new LnbitsWallet({
    base: server.base,
    key: o.key ?? account.inkey,
    adminKey: o.pays ? account.adminkey : null,
    network: "bc",
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
}

function disposable(wallet: LnbitsWallet): LnbitsWallet & AsyncDisposable {
  return Object.assign(wallet, { [Symbol.asyncDispose]: () => wallet.close() });
}

async function make(
  wallet: LnbitsWallet,
  o: { expirySeconds?: number; amountMsat?: bigint; hashedText?: string } = {},
): Promise<InvoiceRef> {
  const asked = { amountMsat: 21_000n, description: "Order", expirySeconds: 900, ...o };
  const { bolt11 } = await wallet.createInvoice({ ...asked, externalId: `real#${++count}` }, soon());
  return { bolt11, paymentHash: hashOf(bolt11), createdAt: Date.now() };
}

function pays(bolt11: string): Promise<unknown> {
  return server.ask("POST", "api/v1/payments", { out: true, bolt11 }, payer.adminkey);
}

async function invoiceOf(account: LnbitsAccount, amountMsat: bigint): Promise<string> {
  const json = { out: false, amount: Number(amountMsat / 1000n), memo: "theirs" };
  const made = await server.ask("POST", "api/v1/payments", json, account.inkey) as { bolt11: string };
  return made.bolt11;
}

function outgoing({ bolt11, paymentHash }: InvoiceRef, amountMsat: bigint): OutgoingPayment {
  return { bolt11, paymentHash, amountMsat, amountless: false, maxFeeMsat: 1_000n };
}

function hashOf(bolt11: string): string {
  const read = decodeBolt11(bolt11);
  if (!read.ok) throw new Error(read.reason);
  return read.invoice.paymentHash;
}

async function kindOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(() => null, (error) => error);
  assert(error instanceof WalletError, String(error ?? "it went well"));
  return error.kind;
}
