import { assertEquals } from "@std/assert";
import { ObservedWallet } from "../../../src/payments/observed_wallet.ts";
import { serveNpmRelay } from "../../support/npm_relay.ts";
import { NwcServer } from "./nwc_server.ts";
import { walletContract } from "./wallet_contract.ts";

const TOO_LATE_MS = 700;
const UNREACHABLE_MS = 1_000;
const forEver = new AbortController().signal;
const WITHOUT_HOLD = ["get_info", "make_invoice", "lookup_invoice"];
const HASH = "ab".repeat(32);
const asked = {
  amountMsat: 21_000_000n,
  description: "Order 1",
  expirySeconds: 900,
  externalId: "1#1",
  paymentHash: HASH,
};

async function open(methods?: readonly string[]) {
  const stack = new AsyncDisposableStack();
  const relay = stack.use(await serveNpmRelay());
  const server = stack.use(await NwcServer.start(relay.url, methods));
  const wallet = stack.adopt(server.service.connect(), (one) => one.close());
  return {
    server,
    wallet,
    relay,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

walletContract("NIP-47 with hold invoices", async () => {
  const { server, wallet, relay, [Symbol.asyncDispose]: dispose } = await open();
  // What a connection can do is known with its first answer.
  await wallet.probe(forEver);
  return {
    wallet,
    secrets: [new URL(server.service.uri).searchParams.get("secret")!],
    pay: (bolt11) => server.pay(bolt11),
    stop: async () => await relay[Symbol.asyncDispose](),
    unreachableMs: UNREACHABLE_MS,
    loseAnswer: () => server.delay(TOO_LATE_MS),
    theirInvoice: (amountMsat, payable) => Promise.resolve(server.theirs(amountMsat, payable)),
    [Symbol.asyncDispose]: dispose,
  };
});

Deno.test("a wallet connection has hold invoices from its first answer on, when it offers all of their methods", async () => {
  for (const [methods, holds] of [[undefined, true], [WITHOUT_HOLD, false]] as const) {
    await using scene = await open(methods);
    const wallet = new ObservedWallet(scene.wallet);
    assertEquals([wallet.caps.hold, wallet.hold], [false, undefined]);
    assertEquals((await wallet.probe(forEver)).canSpend, holds);
    // While it is asked again, it has what it had.
    const again = wallet.probe(forEver);
    const meanwhile = [wallet.caps.hold, wallet.hold !== undefined];
    await again;
    assertEquals(meanwhile, [holds, holds]);
  }
});

Deno.test("a look-up of held money is one question, so that nothing else can hide it", async () => {
  await using scene = await open();
  const { wallet, server } = scene;
  await wallet.probe(forEver);
  const { bolt11 } = await wallet.hold!.create(asked, forEver);
  const paying = server.pay(bolt11).catch(() => {});
  const before = server.service.requests.length;
  const ref = { paymentHash: HASH, bolt11, createdAt: Date.now() };
  assertEquals(await wallet.lookup(ref, forEver), { status: "held" });
  assertEquals(server.service.requests.slice(before).map(({ method }) => method), ["lookup_invoice"]);
  await wallet.hold!.cancel(HASH, forEver);
  await paying;
});

Deno.test("to settle or cancel again changes nothing; what isn't done is an error", async () => {
  await using scene = await open();
  const { wallet, server } = scene;
  await wallet.probe(forEver);
  const preimage = "cd".repeat(32);
  const paymentHash = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.fromHex(preimage)))
    .toHex();
  const { bolt11 } = await wallet.hold!.create({ ...asked, paymentHash }, forEver);
  const early = await wallet.hold!.settle(preimage, forEver).catch((error) => error.message);
  assertEquals(early, "OTHER: no held payment");
  const paying = server.pay(bolt11);
  await wallet.hold!.settle(preimage, forEver);
  await wallet.hold!.settle(preimage, forEver);
  await paying;
  assertEquals(
    await wallet.hold!.cancel(paymentHash, forEver).catch((error) => error.message),
    "OTHER: not held",
  );

  await wallet.hold!.create(asked, forEver);
  await wallet.hold!.cancel(HASH, forEver);
  await wallet.hold!.cancel(HASH, forEver);
  await wallet.hold!.cancel("ef".repeat(32), forEver);
});
