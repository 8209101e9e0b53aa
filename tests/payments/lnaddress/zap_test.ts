import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { NostrEvent } from "@nostrify/types";
import * as nip57 from "nostr-tools/nip57";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { systemClock } from "../../../src/clock.ts";
import { RelayPool } from "../../../src/nostr/relay_pool.ts";
import { localSigner } from "../../../src/nostr/signer.ts";
import { pureCrypto } from "../../../src/nostr/verify.ts";
import { installRelaySocket } from "../../../src/nostr/websocket.ts";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type InvoiceRef, WalletError } from "../../../src/payments/wallet.ts";
import { maskWalletUrl } from "../../../src/payments/wallet_url.ts";
import { readLightningAddress } from "../../../src/payments/wallets/lnaddress/address.ts";
import { LnAddressWallet } from "../../../src/payments/wallets/lnaddress/lnaddress_wallet.ts";
import { isReceipt, ZapReceipts } from "../../../src/payments/wallets/lnaddress/zap.ts";
import { systemRandom } from "../../../src/random.ts";
import { FakeRelay } from "../../support/fake_relay.ts";
import { testFetch } from "../../support/https_server.ts";
import { type LnurlFaults, LnurlServer } from "../../support/lnurl_server.ts";
import { silentLog } from "../../support/log.ts";
import { quick } from "../../support/wire.ts";

const asked = {
  amountMsat: 21_000n,
  description: "Order 1a2b3c4d-9f3e",
  expirySeconds: 900,
  externalId: "1#1",
};
const soon = () => AbortSignal.timeout(30_000);
/** Of the address's provider. */
const ZAP_KEY = generateSecretKey();
const ZAPS: LnurlFaults = {
  request: { allowsNostr: true, nostrPubkey: getPublicKey(ZAP_KEY) },
  made: () => ({ verify: undefined }),
};

/** An address without `verify`, and a relay that its receipts go to. */
async function scene(o: { faults?: LnurlFaults; wished?: boolean; relays?: boolean } = {}) {
  const uninstall = installRelaySocket();
  const relay = await FakeRelay.start();
  const server = new LnurlServer({ faults: o.faults ?? ZAPS });
  const base = { clock: systemClock, random: systemRandom, log: silentLog };
  const zaps = new ZapReceipts({
    ...base,
    relays: o.relays === false ? [] : [relay.url],
    signer: (secretKey) => localSigner(secretKey, pureCrypto),
    pool: (signer) => new RelayPool({ ...base, signer, verifier: pureCrypto, relayOptions: quick }),
  });
  const wallet = new LnAddressWallet({
    ...base,
    address: readLightningAddress(server.address)!,
    anyVerify: false,
    zaps: o.wished === false ? null : zaps,
    web: testFetch(),
  });
  return {
    relay,
    server,
    wallet,
    [Symbol.asyncDispose]: async () => {
      await wallet.close();
      await relay.stop();
      await server.stop();
      uninstall();
    },
  };
}

async function made(wallet: LnAddressWallet): Promise<InvoiceRef> {
  const { bolt11, ref } = await wallet.createInvoice(asked, soon());
  const read = decodeBolt11(bolt11);
  assert(read.ok);
  return { bolt11, paymentHash: read.invoice.paymentHash, createdAt: Date.now(), ref: ref ?? null };
}

/** The receipt that a provider publishes, as another library writes it. */
function receipt(server: LnurlServer, change: Partial<NostrEvent> = {}, key = ZAP_KEY): NostrEvent {
  const { params, bolt11, preimage } = server.invoices.at(-1)!;
  const paidAt = new Date(Date.now() - 5_000);
  const template = nip57.makeZapReceipt({ zapRequest: params.nostr!, bolt11, preimage, paidAt });
  return JSON.parse(JSON.stringify(finalizeEvent({ ...template, ...change }, key)));
}

Deno.test("without verify a payment shows by its zap receipt, where that is wished", async () => {
  await using it = await scene();
  const invoice = await made(it.wallet);
  const { params } = it.server.invoices.at(-1)!;
  assertEquals(nip57.validateZapRequest(params.nostr!), null);
  const request = JSON.parse(params.nostr!) as NostrEvent;
  assertEquals(request.tags.find(([name]) => name === "relays"), ["relays", it.relay.url]);
  assertEquals(request.tags.find(([name]) => name === "amount"), ["amount", "21000"]);
  assertMatch(params.lnurl!, /^lnurl1/);
  assertEquals((await it.wallet.lookup(invoice, soon())).status, "open");
  it.relay.publish(receipt(it.server));
  const status = await it.wallet.lookup(invoice, soon());
  assert(status.status === "settled" && status.amountMsat === null);
  assert(Math.abs(status.settledAt - (Date.now() - 5_000)) < 3_000);
});

Deno.test("a zap request says nothing of shop or order, and each has a key of its own", async () => {
  await using it = await scene();
  for (let i = 0; i < 2; i++) await made(it.wallet);
  const requests = it.server.invoices.filter(({ params }) => params.nostr !== undefined)
    .map(({ params }) => JSON.parse(params.nostr!) as NostrEvent);
  assertEquals(new Set(requests.map(({ pubkey }) => pubkey)).size, 2);
  for (const { pubkey, content, tags } of requests) {
    assertEquals(content, "");
    assertEquals(tags.map(([name]) => name), ["relays", "amount", "lnurl", "p"]);
    assertEquals(tags.at(-1)![1], pubkey);
    assert(!JSON.stringify(tags).includes("Order"));
  }
});

const FALSE: [string, (server: LnurlServer) => NostrEvent][] = [
  ["by another key", (server) => receipt(server, {}, generateSecretKey())],
  ["with a signature that isn't its author's", (server) => ({ ...receipt(server), sig: "00".repeat(64) })],
  ["of another invoice", (server) => tagged(server, "bolt11", "lnbcrt1other")],
  ["of another request", (server) => tagged(server, "description", "{}")],
  ["with a false proof", (server) => tagged(server, "preimage", "00".repeat(32))],
  ["of another kind", (server) => receipt(server, { kind: 9734 })],
];
for (const [what, forge] of FALSE) {
  Deno.test(`a zap receipt ${what} pays nothing`, async () => {
    await using it = await scene();
    const invoice = await made(it.wallet);
    it.relay.publish(forge(it.server));
    assertEquals((await it.wallet.lookup(invoice, soon())).status, "open");
    it.relay.publish(receipt(it.server));
    assertEquals((await it.wallet.lookup(invoice, soon())).status, "settled");
  });
}

Deno.test("isReceipt() doesn't believe a relay that answers with what wasn't asked for", async () => {
  await using it = await scene();
  const invoice = await made(it.wallet);
  assert(isReceipt(receipt(it.server), invoice));
  assert(!isReceipt(receipt(it.server, {}, generateSecretKey()), invoice));
  assert(!isReceipt(receipt(it.server, { kind: 1 }), invoice));
  assert(!isReceipt(receipt(it.server), { ...invoice, ref: "https://pay.example.com/verify" }));
});

Deno.test("relays that can't be asked leave it open what is paid", async () => {
  await using it = await scene();
  const invoice = await made(it.wallet);
  it.relay.is.closed = "error: not now";
  const error = await assertRejects(() => it.wallet.lookup(invoice, soon()), WalletError) as WalletError;
  assertEquals(error.kind, "unreachable");
});

Deno.test("where verify is offered no zap is asked for", async () => {
  await using it = await scene({ faults: { request: ZAPS.request! } });
  const { ref } = await made(it.wallet);
  assertMatch(ref!, /^https:.*\/verify\//);
  assertEquals(it.server.invoices.map(({ params }) => params), [{}]);
});

Deno.test("zaps that aren't wished, not offered, or have no relay to show on are none", async () => {
  for (
    const [o, warning] of [
      [{ wished: false }, /doesn't tell what was paid \(LUD-21 verify\): no order/],
      [{ faults: { made: ZAPS.made! } }, /\(LUD-21 verify\), nor zap receipts: no order/],
      [{ relays: false }, /, and no relay is set for zap receipts: no order/],
    ] as const
  ) {
    await using it = await scene(o);
    const error = await assertRejects(() => made(it.wallet), WalletError) as WalletError;
    assertEquals(error.kind, "not_implemented");
    assertMatch((await it.wallet.probe(soon())).warning!, warning);
  }
});

Deno.test("probe() says that payments show by receipts, and no invoice is asked for in vain from then on", async () => {
  await using it = await scene();
  const info = await it.wallet.probe(soon());
  assertEquals(info.methods, ["payRequest", "zap"]);
  assertMatch(info.warning!, /public zap receipts only/);
  await made(it.wallet);
  assertEquals(it.server.invoices.map(({ params }) => params.nostr !== undefined), [false, true]);
});

Deno.test("the wish for zaps stands in the wallet's URL", () => {
  assertEquals(maskWalletUrl("lnaddress:me@example.com?zap=1"), "lnaddress:me@example.com?zap=1");
  assertEquals(maskWalletUrl("lnaddress:me@example.com?zap=yes"), "lnaddress:***");
});

function tagged(server: LnurlServer, name: string, value: string): NostrEvent {
  const { tags } = receipt(server);
  return receipt(server, { tags: tags.map((tag) => tag[0] === name ? [name, value] : tag) });
}
