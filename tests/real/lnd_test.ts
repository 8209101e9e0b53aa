import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { encodeBolt11 } from "../../src/payments/bolt11.ts";
import { type PaymentHint, type Wallet, WalletError } from "../../src/payments/wallet.ts";
import type { WalletCursors } from "../../src/payments/wallets/cursors.ts";
import { LndWallet } from "../../src/payments/wallets/lnd/lnd_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { type Subject, walletContract } from "../payments/contract/wallet_contract.ts";
import { silentLog } from "../support/log.ts";
import { eventually } from "./lightning/daemon.ts";
import { LndPair } from "./lnd/nodes.ts";
import { lndPrograms } from "./lnd/programs.ts";

/** Real LND: two nodes of regtest with a channel between them. Invoices are paid by HTLCs. */
const programs = lndPrograms();
if ("missing" in programs) {
  // deno-lint-ignore no-console -- tests that are skipped say so loudly
  console.warn(`SKIPPED: tests/real/lnd_test.ts: ${programs.missing}`);
}
/** The nodes are shared, and live longer than one test. */
const shared = { ignore: "missing" in programs, sanitizeOps: false, sanitizeResources: false };
const PATIENCE_MS = 60_000;
const soon = () => AbortSignal.timeout(PATIENCE_MS);
let pair: LndPair;

Deno.test.beforeAll(async () => {
  if ("missing" in programs) return;
  pair = await LndPair.open(programs);
});

Deno.test.afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
});

walletContract("LND 0.21", subject, shared);

test("a macaroon shows whether it can spend, and the network is known without asking the node", async () => {
  for (const [name, spends] of [["admin", true], ["invoice", false], ["readonly", false]] as const) {
    const wallet = open(await pair.shop.macaroon(name));
    const { network, canSpend } = await wallet.probe(soon());
    assertEquals([network, canSpend], ["bcrt", spends], name);
    await wallet.close();
  }
});

test("it isn't talked to without its own certificate", async () => {
  const macaroon = await pair.shop.macaroon("invoice");
  for (const caCert of [undefined, pair.customer.certificate]) {
    const wallet = open(macaroon, { caCert });
    const error = await wallet.probe(soon()).catch((error) => error);
    assert(error instanceof WalletError && error.kind === "unreachable", String(error));
    await wallet.close();
  }
});

test("what is asked for twice is one invoice, also by another process and as a hold invoice", async () => {
  const macaroon = await pair.shop.macaroon("invoice");
  const request = { amountMsat: 5_001n, description: "Twice", expirySeconds: 600, externalId: "order#1" };
  const [one, other] = [open(macaroon), open(macaroon)];
  const made = await one.createInvoice(request, soon());
  assertEquals(await other.createInvoice(request, soon()), made);
  const paymentHash = crypto.getRandomValues(new Uint8Array(32)).toHex();
  const held = await one.hold!.create({ ...request, paymentHash }, soon());
  assertEquals(await other.hold!.create({ ...request, paymentHash }, soon()), held);
  await Promise.all([one.close(), other.close()]);
});

test("what was paid while nobody listened is told after a restart, and the node's own restart misses nothing", async () => {
  const macaroon = await pair.shop.macaroon("invoice");
  const cursors = rememberedCursors();
  const first = open(macaroon, { cursors });
  const heard = hints(first);
  await heard.of(await paid(first));
  await first.close();

  // Its stream is closed: nobody listens.
  const maker = open(macaroon);
  const missed = await paid(maker);
  await maker.close();
  const second = open(macaroon, { cursors });
  const again = hints(second);
  await again.of(missed);

  await pair.shop.stop();
  await pair.shop.start();
  await again.of(await eventually("a payment after the restart", PATIENCE_MS, () => paid(second)));
  await second.close();
});

test("held money is taken once, however often that is asked for", async () => {
  const wallet = open(await pair.shop.macaroon("invoice"));
  const preimage = crypto.getRandomValues(new Uint8Array(32));
  const paymentHash = new Uint8Array(await crypto.subtle.digest("SHA-256", preimage)).toHex();
  const asked = { amountMsat: 9_000n, description: "Held", expirySeconds: 600, externalId: "held#1" };
  const { bolt11 } = await wallet.hold!.create({ ...asked, paymentHash }, soon());
  const paying = pair.customer.pay(bolt11);
  await eventually("the money is held", PATIENCE_MS, async () => {
    const { status } = await wallet.lookup({ paymentHash, bolt11, createdAt: Date.now() }, soon());
    return status === "held" ? status : undefined;
  });
  await wallet.hold!.settle(preimage.toHex(), soon());
  await wallet.hold!.settle(preimage.toHex(), soon());
  await paying;
  await wallet.close();
});

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `LND 0.21: ${name}`, ...shared, fn });
}

async function subject(): Promise<Subject> {
  const macaroon = await pair.shop.macaroon("admin");
  const wallet = open(macaroon);
  // The same node without the customer's: another's macaroon isn't valid.
  const intruder = async () => open(await pair.customer.macaroon("admin"));
  return {
    wallet,
    secrets: [macaroon, Uint8Array.fromHex(macaroon).toBase64()],
    pay: (bolt11) => pair.customer.pay(bolt11),
    intruder,
    async theirInvoice(amountMsat, payable) {
      if (!payable) return nobodys(amountMsat);
      const made = await pair.customer.ask("POST", "v1/invoices", { value_msat: String(amountMsat) });
      return String(made.payment_request);
    },
    [Symbol.asyncDispose]: () => wallet.close(),
  };
}

function open(
  macaroon: string,
  o: { cursors?: WalletCursors; caCert?: string | undefined } = {},
): LndWallet {
  const caCert = "caCert" in o ? o.caCert : pair.shop.certificate;
  return new LndWallet({
    base: new URL(`https://127.0.0.1:${pair.shop.restPort}/`),
    macaroon: Uint8Array.fromHex(macaroon),
    ...(caCert !== undefined && { caCert }),
    privateHints: false,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    cursors: o.cursors ?? null,
  });
}

/** Makes an invoice that the customer pays; its hash. */
async function paid(wallet: Wallet): Promise<string> {
  const externalId = crypto.randomUUID();
  const request = { amountMsat: 2_000n, description: "Restart", expirySeconds: 600, externalId };
  const { bolt11, paymentHash } = await wallet.createInvoice(request, soon());
  await pair.customer.pay(bolt11);
  return paymentHash!;
}

function hints(wallet: Wallet) {
  const heard: PaymentHint[] = [];
  wallet.subscribe!((hint) => heard.push(hint));
  return {
    of: (hash: string) =>
      eventually(
        `a hint at ${hash}`,
        PATIENCE_MS,
        () => Promise.resolve(heard.some(({ paymentHash }) => paymentHash === hash) || undefined),
      ),
  };
}

function rememberedCursors(): WalletCursors {
  const all = new Map<string, string>();
  return {
    read: (wallet) => Promise.resolve(all.get(wallet) ?? null),
    write: (wallet, cursor) => Promise.resolve(void all.set(wallet, cursor)),
  };
}

/** An invoice of a node that no channel leads to. */
function nobodys(amountMsat: bigint): string {
  const random = () => crypto.getRandomValues(new Uint8Array(32));
  return encodeBolt11({
    network: "bcrt",
    amountMsat,
    timestamp: Math.floor(Date.now() / 1000),
    paymentHash: random().toHex(),
    paymentSecret: random().toHex(),
    description: "nobody's",
    expirySeconds: 600,
  }, random());
}
