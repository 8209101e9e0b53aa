import { sha256 } from "@noble/hashes/sha2.js";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { walletContract } from "../../payments/contract/wallet_contract.ts";
import { scriptHashOf } from "./chain_index.ts";
import { eventually } from "./daemon.ts";
import { ElectrumClient } from "./electrum_client.ts";
import { ElectrumError } from "./electrum_node.ts";
import { ElectrumWallet } from "./electrum_wallet.ts";
import { serveNwcFront } from "./nwc_front.ts";
import { findPrograms } from "./packages.ts";
import { PATIENCE_MS, PRICE_SAT, RealShop } from "./shop.ts";
import { type Lightning, startLightning } from "./start.ts";
import { holdSubject, nwcSubject } from "./subjects.ts";

/**
 * Real Lightning: a Bitcoin node, two Electrum wallets as Lightning nodes with a channel between them, and NIP-47 over the built-in
 * relay. Invoices are paid by HTLCs. Latencies are printed and not judged.
 */
const programs = await findPrograms();
if (!programs.ok) {
  // deno-lint-ignore no-console -- a lane that is skipped says so loudly
  console.warn(`SKIPPED: tests/real/lightning/lightning_test.ts: ${programs.reason}`);
}
const ignore = !programs.ok;
/** Programs and servers that all tests share live longer than one of them. */
const shared = { ignore, sanitizeOps: false, sanitizeResources: false };
let lightning: Lightning;

Deno.test.beforeAll(async () => {
  if (!programs.ok) return;
  const began = performance.now();
  lightning = await startLightning(programs);
  print("two Lightning nodes with an open channel", began);
});

Deno.test.afterAll(async () => {
  await lightning?.[Symbol.asyncDispose]();
});

walletContract("Electrum by NIP-47", () => Promise.resolve(nwcSubject(lightning)), shared);
walletContract("Electrum's hold invoices", () => Promise.resolve(holdSubject(lightning)), shared);

for (const envelope of ["nip04", "nip17"] as const) {
  test(`an order (${envelope}) is paid by an HTLC, and the customer hears so`, async () => {
    await using shop = await RealShop.open(lightning, { envelope });
    const ordered = performance.now();
    await shop.order("lamp-1");
    const bill = await shop.bill("lamp-1");
    print(`${envelope}: from an order to its invoice`, ordered);
    const read = decodeBolt11(bill);
    assert(read.ok);
    assertEquals([read.invoice.amountMsat, read.invoice.network], [PRICE_SAT * 1_000n, "bcrt"]);
    const paying = performance.now();
    await Promise.all([
      lightning.customer.pay(bill).then(() => print(`${envelope}: from paying to the preimage`, paying)),
      shop.hears((message) => message.paid === true)
        .then(() => print(`${envelope}: from paying to the customer's receipt`, paying)),
    ]);
    await booked(shop, "lamp-1");
  });
}

test("a held HTLC is taken while there are goods, and given back when the last one is gone", async () => {
  await using front = await serveNwcFront(lightning.relay.url, new ElectrumWallet(lightning.shop));
  const settings = { NCC_WALLET: front.uri, NCC_STOCK_POLICY: "holdinvoice" };
  await using shop = await RealShop.open(lightning, { settings, lamps: 1 });
  await shop.order("first");
  await shop.order("second");
  const [first, second] = [await shop.bill("first"), await shop.bill("second")];
  // The money waits with the node while nobody is there to take it.
  let [paying, paid]: [Promise<void> | undefined, boolean] = [undefined, false];
  await shop.restart(async () => {
    paying = lightning.customer.pay(first).then(() => void (paid = true));
    await eventually("the money waits", PATIENCE_MS, () => waits(first));
  });
  assert(!paid, "it was taken by nobody");
  await paying;
  await shop.hears((message) => message.id === "first" && message.paid === true);
  await booked(shop, "first");

  const began = performance.now();
  await assertRejects(() => lightning.customer.pay(second), ElectrumError);
  print("from paying for what is gone to the money's being back", began);
  await shop.hears(({ id, message }) => id === "second" && /goes back to you/.test(message ?? ""));
  assertEquals((await shop.one("second")).payment, "rejected");
  assertEquals(await shop.ncc.all("/refunds"), []);
});

test("a refund is paid by an HTLC to the invoice that the customer sends", async () => {
  await using shop = await RealShop.open(lightning);
  await shop.order("lamp-1");
  await lightning.customer.pay(await shop.bill("lamp-1"));
  await shop.hears((message) => message.paid === true);
  const { id } = await shop.one("lamp-1");
  const { id: refund } = await shop.ncc.call<{ id: string }>("POST", `/orders/${id}/refund`, {
    reason: "The kiln broke",
  });
  await shop.hears(({ message }) =>
    message?.includes("Answer with a Lightning address or an invoice") ?? false
  );
  const invoice = await lightning.customer.invoice(PRICE_SAT, "refund");
  assert(await shop.customer.write(`Here: ${invoice}`));
  const state = () =>
    shop.ncc.call<{ state: string; destination: string | null; fee_msat: string | null }>(
      "GET",
      `/refunds/${refund}`,
    );
  await eventually(
    "the invoice is the refund's",
    PATIENCE_MS,
    async () => (await state()).destination === invoice || undefined,
  );
  const approved = performance.now();
  await shop.ncc.call("POST", `/refunds/${refund}/approve`, {});
  await eventually("the customer has the money", PATIENCE_MS, () => isPaid(invoice));
  print("from a refund's approval to the customer's money", approved);
  await shop.hears(({ status, message }) => status === "refunded" || /was refunded/.test(message ?? ""));
  assertEquals((await state()).state, "sent");
  assertEquals((await shop.one("lamp-1")).payment, "refunded");
});

test("the node is killed while an invoice is open: it is paid afterwards, and booked once", async () => {
  await using shop = await RealShop.open(lightning);
  await shop.order("before");
  const bill = await shop.bill("before");
  await shop.walletIs(true);
  const killed = performance.now();
  await lightning.shop.kill();
  try {
    await shop.order("meanwhile");
    await shop.walletIs(false);
    print("from the node's death to the wallet's being down", killed);
  } finally {
    await lightning.shop.restart();
  }
  const back = performance.now();
  await lightning.shop.channelsOpen();
  await shop.walletIs(true);
  print("from the node's return to the wallet's being up", back);
  await lightning.customer.pay(bill);
  await shop.hears((message) => message.id === "before" && message.paid === true);
  // An order that came while the wallet was away has waited for it.
  await lightning.customer.pay(await shop.bill("meanwhile"));
  await shop.hears((message) => message.id === "meanwhile" && message.paid === true);
  await booked(shop, "before");
  await booked(shop, "meanwhile");
});

test("coins are sent, replaced and confirmed before the eyes of who watches an address", async () => {
  const { chain, server } = lightning;
  await using client = await ElectrumClient.connect(server.port);
  assertEquals(await client.call("server.version", ["test", "1.4"]), ["ncc test server", "1.4"]);
  const address = await chain.address();
  const { scriptPubKey } = await chain.rpc<{ scriptPubKey: string }>("validateaddress", [address]);
  const watched = scriptHashOf(scriptPubKey);
  assertEquals(await client.call("blockchain.scripthash.subscribe", [watched]), null);
  const history = () =>
    client.call<{ tx_hash: string; height: number }[]>("blockchain.scripthash.get_history", [watched]);
  const balance = () => client.call("blockchain.scripthash.get_balance", [watched]);

  const sent = performance.now();
  const first = await chain.send(address, 50_000n);
  await client.told("blockchain.scripthash.subscribe", watched);
  print("from sending coins to hearing of them", sent);
  assertEquals((await history()).map(({ tx_hash, height }) => [tx_hash, height]), [[first, 0]]);
  assertEquals(await balance(), { confirmed: 0, unconfirmed: 50_000 });

  const second = await chain.bumpFee(first);
  await client.told("blockchain.scripthash.subscribe", watched);
  assertEquals((await history()).map(({ tx_hash }) => tx_hash), [second]);

  await chain.mine(2);
  await client.told("blockchain.scripthash.subscribe", watched);
  const [confirmed] = await history();
  const { height: tip } = await client.call<{ height: number }>("blockchain.headers.subscribe", []);
  assertEquals([confirmed!.tx_hash, tip - confirmed!.height + 1], [second, 2]);
  assertEquals(await balance(), { confirmed: 50_000, unconfirmed: 0 });
  await inBlock(client, second, confirmed!.height);
});

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    ...shared,
    name: `real Lightning: ${name}`,
    fn: async () => {
      try {
        await fn();
      } catch (error) {
        throw new Error(`${error}\n${await lightning.logs()}`, { cause: error });
      }
    },
  });
}

/** The order is paid, once, with what it costs. */
async function booked(shop: RealShop, customerOrderId: string): Promise<void> {
  const order = await shop.one(customerOrderId);
  assertEquals([order.payment, order.received_msat], ["paid", `${PRICE_SAT}000`]);
  const payments = await shop.ncc.all<{ amount_msat: string }>(`/payments?order_id=${order.id}`);
  assertEquals(payments.map((payment) => payment.amount_msat), [`${PRICE_SAT}000`]);
}

/** Whether an HTLC for a hold invoice has come to the shop's node, and is kept there. */
async function waits(bolt11: string): Promise<true | undefined> {
  const read = decodeBolt11(bolt11);
  assert(read.ok);
  const { status } = await lightning.shop.rpc<{ status: string }>("check_hold_invoice", {
    payment_hash: read.invoice.paymentHash,
  });
  return status === "paid" || undefined;
}

/** What the customer's own node says of an invoice of its own. */
async function isPaid(bolt11: string): Promise<true | undefined> {
  const read = decodeBolt11(bolt11);
  assert(read.ok);
  const request = await lightning.customer.rpc<{ status_str: string }>("get_request", {
    request_id: read.invoice.paymentHash,
  });
  return request.status_str === "Paid" || undefined;
}

/** Follows the Merkle branch of a transaction to the header of its block. */
async function inBlock(client: ElectrumClient, txid: string, height: number): Promise<void> {
  const { pos, merkle } = await client.call<{ pos: number; merkle: string[] }>(
    "blockchain.transaction.get_merkle",
    [txid, height],
  );
  const bytes = (hex: string) => Uint8Array.fromHex(hex).reverse();
  const root = merkle.reduce((hash, other, level) => {
    const pair = pos >> level & 1 ? [...bytes(other), ...hash] : [...hash, ...bytes(other)];
    return sha256(sha256(new Uint8Array(pair)));
  }, bytes(txid));
  const header = await client.call<string>("blockchain.block.header", [height]);
  assertEquals(root.toHex(), header.slice(72, 136));
}

function print(what: string, since: number): void {
  // deno-lint-ignore no-console -- the figures are what the lane is run for
  console.log(`real Lightning: ${what}: ${Math.round(performance.now() - since)} ms`);
}
