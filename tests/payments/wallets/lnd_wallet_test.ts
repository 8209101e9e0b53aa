import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type PaymentHint, WalletError } from "../../../src/payments/wallet.ts";
import type { WalletCursors } from "../../../src/payments/wallets/cursors.ts";
import { readInvoice, statusOf } from "../../../src/payments/wallets/lnd/lnd_invoice.ts";
import { LndWallet, type LndWalletOptions } from "../../../src/payments/wallets/lnd/lnd_wallet.ts";
import { recordingLog } from "../../support/log.ts";
import { LndServer, type LndServerOptions } from "../contract/lnd_server.ts";
import { INVOICES, macaroon } from "../contract/macaroons.ts";
import { NODE } from "./node_certificates.ts";
import { walletDeps } from "./wallet_deps.ts";

const SECRET = macaroon(...INVOICES);
/** Pauses are short; what comes only after minutes doesn't come. */
const hastyClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    ms > 100_000
      ? new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }))
      : systemClock.sleep(Math.min(ms, 20), signal),
};
const soon = () => AbortSignal.timeout(20_000);
const request = { amountMsat: 21_000n, description: "Order 1", expirySeconds: 900, externalId: "order#1" };

Deno.test("the same question is the same invoice, for another process too; any other question is another", async () => {
  await using lnd = setUp();
  const made = await lnd.wallet.createInvoice(request, soon());
  assertEquals(await lnd.another().createInvoice(request, soon()), made);
  assertEquals(lnd.server.invoices.size, 1);
  const others = [{ externalId: "order#2" }, { amountMsat: 22_000n }, { description: "Order 2" }];
  const hashes = new Set([made.paymentHash]);
  for (const other of others) {
    hashes.add((await lnd.wallet.createInvoice({ ...request, ...other }, soon())).paymentHash);
  }
  const stranger = lnd.another({ macaroon: macaroon(...INVOICES) });
  await stranger.createInvoice(request, soon()).catch(() => null);
  assertEquals(hashes.size, 4);
  // The preimage is nobody's to guess: it isn't a hash of what customers know.
  const preimage = lnd.server.invoices.get(made.paymentHash!)!.preimage!;
  for (const known of ["order#1", '["order#1","21000","Order 1"]']) {
    assertNotEquals(preimage, await digest(known));
  }
});

Deno.test("an invoice whose answer was lost is found by asking again", async () => {
  await using lnd = setUp();
  lnd.server.losing = true;
  const lost = await lnd.wallet.createInvoice(request, AbortSignal.timeout(200)).catch((error) => error);
  assert(lost instanceof WalletError && lost.kind === "no_answer");
  const { bolt11 } = await lnd.wallet.createInvoice(request, soon());
  assertEquals([...lnd.server.invoices.values()].map((one) => one.bolt11), [bolt11]);
});

Deno.test("payments from while nobody listened are told after a restart, none twice and none that others read", async () => {
  const cursors = rememberedCursors();
  await using lnd = setUp({ cursors });
  const first = hints(lnd.wallet);
  const one = await lnd.pays("order#1");
  await first.of(one);
  await lnd.wallet.close();

  const [two, three] = [await lnd.pays("order#2"), await lnd.pays("order#3")];
  const again = lnd.another({ cursors });
  const heard = hints(again);
  await heard.of(two);
  await heard.of(three);
  assertEquals(lnd.server.resumed.at(-1), "1");
  assertEquals(heard.all.map(({ paymentHash }) => paymentHash), [two, three]);
  await until(() => cursors.last === "3");
});

Deno.test("a stream that ends is taken up again where it was, and new invoices are no payments", async () => {
  await using lnd = setUp({ cursors: rememberedCursors() });
  await lnd.pays("order#0");
  const heard = hints(lnd.wallet);
  await until(() => lnd.server.streams === 1);
  const before = heard.all.length;
  await lnd.wallet.createInvoice(request, soon());
  lnd.server.endStreams();
  await until(() => lnd.server.streams === 1);
  lnd.server.endStreams();
  const paid = await lnd.pays("order#2");
  await heard.of(paid);
  assertEquals(heard.all.slice(before).map(({ paymentHash }) => paymentHash), [paid]);
});

Deno.test("where nothing was ever paid, a payment from while the stream began is found", async () => {
  await using lnd = setUp();
  const heard = hints(lnd.wallet);
  await until(() => lnd.server.streams === 1);
  // It is told to nobody, as one that was settled before the node noticed its listener.
  const silent = await lnd.server.silently(() => lnd.pays("order#1"));
  await heard.of(silent);
});

Deno.test("64-bit integers keep every digit, as texts and as numbers", () => {
  const body = {
    r_hash: Uint8Array.fromHex("fb".repeat(32)).toBase64(),
    state: "SETTLED",
    settle_date: 1_795_291_736,
    settle_index: "9007199254740993",
    amt_paid_msat: "2099999999999999999",
  };
  const invoice = readInvoice(body);
  assertEquals([invoice.r_hash, invoice.settle_index], ["fb".repeat(32), 9_007_199_254_740_993n]);
  assertEquals(statusOf(invoice, 0), {
    status: "settled",
    amountMsat: 2_099_999_999_999_999_999n,
    settledAt: 1_795_291_736_000,
  });
  // URL-safe base64 is read as well.
  assertEquals(
    readInvoice({ ...body, r_hash: body.r_hash.replaceAll("+", "-").replaceAll("/", "_") }).r_hash,
    "fb".repeat(32),
  );
});

Deno.test("answers that aren't LND's are refused", async () => {
  const bodies = [
    "<html>",
    "{}",
    "[]",
    "null",
    "7",
    '{"r_hash":"AA=="}',
    '{"r_hash":7}',
    '{"payment_request":7}',
  ];
  for (const body of [...bodies, JSON.stringify({ r_hash: btoa("x".repeat(32)), state: "PAID" })]) {
    await using server = serve(() => new Response(body));
    const wallet = walletAt(server.addr.port);
    const ref = { paymentHash: "78".repeat(32), bolt11: "", createdAt: 0 };
    const calls = [() => wallet.createInvoice(request, soon()), () => wallet.lookup(ref, soon())];
    for (const call of calls) {
      const error = await call().then(String, (error) => error);
      assert(error instanceof WalletError && error.kind === "bad_answer", `${body}: ${error}`);
    }
    await wallet.close();
  }
});

Deno.test("what LND refuses with is what kind of fault it is", async () => {
  const refusals: [number, number, string, string][] = [
    [500, 2, "permission denied", "unauthorized"],
    [500, 2, "verification failed: signature mismatch after caveat verification", "unauthorized"],
    [500, 2, "expected 1 macaroon, got 0", "unauthorized"],
    [500, 2, "cannot get macaroon: root key with id 7 doesn't exist", "unauthorized"],
    [403, 7, "no", "unauthorized"],
    [500, 2, "wallet locked, unlock it to enable full RPC access", "busy"],
    [500, 2, "the RPC server is in the process of starting up, but not yet ready to accept calls", "busy"],
    [503, 14, "transport is closing", "busy"],
    [500, 2, "payment of 1 mSAT is too small", "refused"],
    [400, 3, "proto: syntax error", "refused"],
    [501, 12, "unknown service invoicesrpc.Invoices", "not_implemented"],
    [404, 5, "Not Found", "not_implemented"],
  ];
  for (const [status, code, message, kind] of refusals) {
    await using server = serve(() => Response.json({ code, message, details: [] }, { status }));
    const wallet = walletAt(server.addr.port);
    const error = await wallet.createInvoice(request, soon()).catch((error) => error);
    assert(error instanceof WalletError && error.kind === kind, `${message}: ${error.kind}`);
    await wallet.close();
  }
});

Deno.test("an address where no LND is doesn't say that an invoice isn't there", async () => {
  for (
    const answer of [
      () => new Response("nothing here", { status: 404 }),
      () => Response.json({ code: 5, message: "Not Found" }, { status: 404 }),
    ]
  ) {
    await using server = serve(answer);
    const wallet = walletAt(server.addr.port);
    const ref = { paymentHash: "78".repeat(32), bolt11: "", createdAt: 0 };
    const error = await wallet.lookup(ref, soon()).then(String, (error) => error);
    assert(error instanceof WalletError && error.kind === "not_implemented", String(error));
    await wallet.close();
  }
});

Deno.test("a payment under way is no answer and pending; one that LND made all the same is paid", async () => {
  await using lnd = setUp();
  const { server, wallet } = lnd;
  const slow = await server.theirInvoice(2_000n, true);
  server.stuck = true;
  const error = await wallet.pay(outgoing(slow), AbortSignal.timeout(300)).catch((error) => error);
  assert(error instanceof WalletError && error.kind === "no_answer", String(error));
  assertEquals(await wallet.lookupPayment(outgoing(slow), soon()), { status: "pending" });
  // Asked again, LND says that it is in transition: that is neither a failure nor a payment.
  const again = await wallet.pay(outgoing(slow), soon()).catch((error) => error);
  assert(again instanceof WalletError && again.kind === "no_answer", String(again));

  server.stuck = false;
  server.mute = true;
  const quiet = await server.theirInvoice(2_000n, true);
  const paid = await wallet.pay(outgoing(quiet), soon());
  assertEquals(await digestHex(paid.preimage), outgoing(quiet).paymentHash);
  assertEquals(await wallet.pay(outgoing(quiet), soon()), paid);
  const nobodys = await server.theirInvoice(2_000n, false);
  const failed = await wallet.pay(outgoing(nobodys), soon()).catch((error) => error);
  assertEquals([failed.kind, failed.message], ["refused", "LND couldn't pay: no route"]);
  const sent = lnd.server.asked.filter((one) => one.includes("track"));
  assert(sent.length > 0 && sent.every((one) => !/[+/]/.test(one.split("/track/")[1]!)), sent.join());
});

Deno.test("a macaroon for invoices alone can't pay, and LND's refusal is certain", async () => {
  await using server = serve(() =>
    Response.json({ error: { code: 2, message: "permission denied" } }, { status: 500 })
  );
  const wallet = walletAt(server.addr.port);
  await using theirs = new LndServer({ macaroon: "" });
  const error = await wallet.pay(outgoing(await theirs.theirInvoice(2_000n, true)), soon()).catch((error) =>
    error
  );
  assert(error instanceof WalletError && error.kind === "unauthorized", String(error));
  await wallet.close();
});

Deno.test("private channels are named in invoices where it was asked for, and only there", async () => {
  await using lnd = setUp();
  const { paymentHash } = await lnd.wallet.createInvoice(request, soon());
  const asked = { ...request, externalId: "order#2" };
  const hinted = await lnd.another({ privateHints: true }).createInvoice(asked, soon());
  assertEquals([paymentHash!, hinted.paymentHash!].map((hash) => lnd.server.invoices.get(hash)!.private), [
    false,
    true,
  ]);
});

Deno.test("the network is read off an invoice where the macaroon doesn't allow more", async () => {
  await using lnd = setUp({}, { receivesOnly: true });
  const before = await lnd.wallet.probe(soon());
  assertEquals([before.network, before.canSpend], [null, false]);
  await lnd.wallet.createInvoice(request, soon());
  assertEquals((await lnd.wallet.probe(soon())).network, "bcrt");
});

Deno.test("what is cancelled already or unknown is cancelled; what is paid isn't", async () => {
  await using lnd = setUp();
  const { paymentHash, bolt11 } = await lnd.wallet.createInvoice(request, soon());
  await lnd.wallet.cancel({ paymentHash: "ab".repeat(32), bolt11: "", createdAt: 0 }, soon());
  await lnd.server.pay(bolt11);
  const ref = { paymentHash: paymentHash!, bolt11, createdAt: 0 };
  const error = await lnd.wallet.cancel(ref, soon()).catch((error) => error);
  assert(error instanceof WalletError && error.kind === "refused", String(error));
});

Deno.test("HTTPS by a certificate of the node's own: with it everything works, without it nothing is sent", async () => {
  await using lnd = setUp({ caCert: NODE.cert }, { tls: NODE });
  const heard = hints(lnd.wallet);
  await heard.of(await lnd.pays("order#1"));
  const asked = lnd.server.asked.length;
  const bare = lnd.another({ caCert: undefined });
  const error = await bare.createInvoice(request, soon()).catch((error) => error);
  assert(error instanceof WalletError && error.kind === "unreachable", String(error));
  assertEquals(lnd.server.asked.length, asked);
});

Deno.test("the macaroon is in no message, no line of the log and no description, even if the server repeats it", async () => {
  const { log, lines } = recordingLog();
  await using server = serve((asked) => {
    const sent = asked.headers.get("grpc-metadata-macaroon")!;
    const message = `no macaroon ${sent} ${Uint8Array.fromHex(sent).toBase64()}`;
    return Response.json({ code: 2, message }, { status: 500 });
  });
  const wallet = walletAt(server.addr.port, { log });
  const heard: PaymentHint[] = [];
  wallet.subscribe((hint) => heard.push(hint));
  const error = await wallet.createInvoice(request, soon()).catch((error) => error);
  await until(() => lines.length > 0);
  await wallet.close();
  const said = [error.message, wallet.id, wallet.describe(), JSON.stringify(lines)].join("\n");
  // Nor a part of it, where the message is cut.
  for (const form of [SECRET.toHex(), SECRET.toBase64(), SECRET.toBase64({ alphabet: "base64url" })]) {
    assert(!said.includes(form.slice(0, 24)), said);
  }
  assertEquals(wallet.describe(), `LND at 127.0.0.1:${server.addr.port}`);
  assertEquals(heard, []);
});

type Options = Partial<Omit<LndWalletOptions, "caCert">> & { caCert?: string | undefined };

function setUp(o: Options = {}, s: Partial<LndServerOptions> = {}) {
  const server = new LndServer({ macaroon: SECRET.toHex(), ...s });
  const opened: LndWallet[] = [];
  const another = (more: Options = {}) => {
    const wallet = walletAt(server.port, { ...o, ...more }, s.tls ? "https" : "http");
    opened.push(wallet);
    return wallet;
  };
  const wallet = another();
  return {
    server,
    wallet,
    another,
    /** Somebody pays an invoice of that name; its hash. */
    async pays(externalId: string): Promise<string> {
      const maker = another();
      const { bolt11, paymentHash } = await maker.createInvoice({ ...request, externalId }, soon());
      await server.pay(bolt11);
      return paymentHash!;
    },
    async [Symbol.asyncDispose]() {
      for (const one of opened) await one.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function walletAt(port: number, o: Options = {}, transport = "http"): LndWallet {
  const { caCert, ...rest } = o;
  return new LndWallet({
    ...walletDeps(),
    clock: hastyClock,
    base: new URL(`${transport}://127.0.0.1:${port}/`),
    macaroon: SECRET,
    privateHints: false,
    cursors: null,
    ...(caCert !== undefined && { caCert }),
    ...rest,
  });
}

function serve(answer: (request: Request) => Response) {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
}

function hints(wallet: LndWallet) {
  const all: PaymentHint[] = [];
  wallet.subscribe((hint) => hint.paymentHash !== undefined && all.push(hint));
  return { all, of: (hash: string) => until(() => all.some(({ paymentHash }) => paymentHash === hash)) };
}

function rememberedCursors(): WalletCursors & { last: string | null } {
  return {
    last: null,
    read() {
      return Promise.resolve(this.last);
    },
    write(_, cursor) {
      this.last = cursor;
      return Promise.resolve();
    },
  };
}

function outgoing(bolt11: string) {
  const read = decodeBolt11(bolt11);
  assert(read.ok);
  const { paymentHash } = read.invoice;
  return { bolt11, paymentHash, amountMsat: 2_000n, amountless: false, maxFeeMsat: 1_000n, createdAt: 0 };
}

async function digest(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

async function digestHex(hex: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.fromHex(hex))).toHex();
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 2));
}
