import { NWCWalletService, NWCWalletServiceKeyPair } from "@getalby/sdk/nwc";
import { bytesToHex } from "@noble/hashes/utils.js";
import { assert, assertEquals } from "@std/assert";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import type { RelayPool } from "../../../src/nostr/relay_pool.ts";
import { localSigner } from "../../../src/nostr/signer.ts";
import { pureCrypto } from "../../../src/nostr/verify.ts";
import { systemClock } from "../../../src/clock.ts";
import { DemoWallet } from "../../../src/payments/demo_wallet.ts";
import { invoiceJobs } from "../../../src/payments/invoice_jobs.ts";
import { Settlement } from "../../../src/payments/settlement.ts";
import { openWallet } from "../../../src/payments/wallet_url.ts";
import { PaymentWatcher } from "../../../src/payments/watcher.ts";
import type { Wallet } from "../../../src/payments/wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { silentLog } from "../../support/log.ts";
import { serveNpmRelay } from "../../support/npm_relay.ts";
import { testPool, until } from "../../support/wire.ts";
import { MERCHANT, PRICE, Shop } from "../shop.ts";

const forEver = new AbortController().signal;

/** Alby's own wallet service class (NIP-44), over the demo wallet's books; nothing of the protocol is ours on that side. */
async function serveAlby(relayUrl: string) {
  const books = new DemoWallet({ clock: systemClock, random: systemRandom, log: silentLog });
  const walletSecret = bytesToHex(generateSecretKey());
  const secret = generateSecretKey();
  const service = new NWCWalletService({ relayUrls: [relayUrl] });
  await service.publishWalletServiceInfoEvent(
    walletSecret,
    ["make_invoice", "lookup_invoice", "get_info"],
    [],
  );
  const keys = new NWCWalletServiceKeyPair(walletSecret, getPublicKey(secret));
  const told = (hash: string) => books.invoices().then((all) => all.find((one) => one.paymentHash === hash));
  const transaction = async (hash: string) => {
    const one = (await told(hash))!;
    return {
      type: "incoming" as const,
      state: one.settled ? "settled" as const : "pending" as const,
      invoice: one.bolt11,
      description: "",
      description_hash: "",
      preimage: one.preimage,
      payment_hash: hash,
      amount: Number(one.amountMsat),
      fees_paid: 0,
      settled_at: one.settled ? Math.floor(one.settled.at / 1000) : 0,
      created_at: Math.floor(Date.now() / 1000),
      expires_at: Math.floor(one.expiresAt / 1000),
    };
  };
  const stop = await service.subscribe(keys, {
    getInfo: () =>
      Promise.resolve({
        result: {
          alias: "alby",
          color: "",
          pubkey: "",
          network: "regtest",
          block_height: 1,
          block_hash: "",
          methods: [],
        },
        error: undefined,
      }),
    makeInvoice: async (request) => {
      const made = await books.createInvoice({
        amountMsat: BigInt(request.amount),
        description: request.description ?? "",
        expirySeconds: request.expiry ?? 3600,
        externalId: "",
      }, forEver);
      return { result: await transaction(made.paymentHash!), error: undefined };
    },
    lookupInvoice: async (request) =>
      await told(request.payment_hash!)
        ? { result: await transaction(request.payment_hash!), error: undefined }
        : { result: undefined, error: { code: "NOT_FOUND", message: "no such invoice" } },
  });
  const url = `nostr+walletconnect://${keys.walletPubkey}?relay=${encodeURIComponent(relayUrl)}&secret=${
    bytesToHex(secret)
  }`;
  return {
    books,
    url,
    [Symbol.asyncDispose]: async () => {
      stop();
      service.close();
      await books.close();
    },
  };
}

function open(url: string): Wallet & AsyncDisposable {
  let pool: RelayPool | undefined;
  const opened = openWallet(url, {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    verifier: pureCrypto,
    signer: (secretKey) => localSigner(secretKey, pureCrypto),
    pool: (signer) => pool = testPool({ signer }),
  });
  assert(opened.ok);
  const { wallet } = opened;
  return Object.assign(wallet, {
    [Symbol.asyncDispose]: async () => {
      await wallet.close();
      await pool?.[Symbol.asyncDispose]();
    },
  });
}

Deno.test({
  name:
    "Alby's wallet service over a relay that isn't ours: probe, invoice, look-up before and after payment",
  fn: async () => {
    await using relay = await serveNpmRelay();
    await using alby = await serveAlby(relay.url);
    await using wallet = open(alby.url);
    assertEquals((await wallet.probe(forEver)).network, "bcrt");
    const made = await wallet.createInvoice({
      amountMsat: PRICE,
      description: "Order 1",
      expirySeconds: 900,
      externalId: "1#1",
    }, forEver);
    const ref = { paymentHash: made.paymentHash!, bolt11: made.bolt11, createdAt: Date.now() };
    assertEquals(await wallet.lookup(ref, forEver), { status: "open" });
    await alby.books.settle(made.bolt11);
    const paid = await wallet.lookup(ref, forEver);
    assert(paid.status === "settled" && paid.amountMsat === PRICE);
    assertEquals(await wallet.lookup({ ...ref, paymentHash: "00".repeat(32) }, forEver), {
      status: "not_found",
    });
  },
});

Deno.test("an order is invoiced and paid through Alby's wallet service", async () => {
  await using database = await freshDatabase();
  await using relay = await serveNpmRelay();
  await using alby = await serveAlby(relay.url);
  const shop = new Shop(database);
  shop.clock.jump(Date.now() - shop.clock.now());
  await using wallet = open(alby.url);
  const common = { ...shop.common, walletsOf: () => [wallet] };
  const settlement = new Settlement(common);
  const watcher = new PaymentWatcher({
    ...common,
    settlement,
    wallets: () => new Map([[MERCHANT, [wallet]]]),
  });
  await watcher.start();
  const order = await shop.order();
  await invoiceJobs(common)["invoice.create"]!.run(shop.job(order));
  const [invoice] = await shop.invoices(order);
  assertEquals([invoice!.state, invoice!.wallet], ["open", wallet.id]);
  await alby.books.settle(invoice!.bolt11!);
  watcher.lookUpSoon(MERCHANT, { paymentHash: invoice!.payment_hash! });
  await until(async () => await shop.payment(order) === "paid");
  await watcher.stop();
});
