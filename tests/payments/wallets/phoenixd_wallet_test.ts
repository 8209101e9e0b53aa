import { createHmac } from "node:crypto";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type InvoiceRef, type OutgoingPayment, WalletError } from "../../../src/payments/wallet.ts";
import { checkWalletUrl, maskWalletUrl, openWallet } from "../../../src/payments/wallet_url.ts";
import { PhoenixdWallet } from "../../../src/payments/wallets/phoenixd/phoenixd_wallet.ts";
import { PhoenixdServer } from "../contract/phoenixd_server.ts";
import { impatientClock, walletDeps } from "./wallet_deps.ts";

const soon = () => AbortSignal.timeout(20_000);

Deno.test("phoenixd+http: takes a password", async () => {
  const good = "phoenixd+http://:sesame1@127.0.0.1:9740?webhook_secret=sesame2";
  for (const url of [good, "phoenixd+https://any:ses%3Aame1@phoenix.example.com/api/"]) {
    assertEquals(checkWalletUrl(url), { ok: true }, url);
  }
  for (
    const [url, why] of [
      ["phoenixd+http://127.0.0.1:9740", "password"],
      ["phoenixd+http://sesame1@127.0.0.1:9740", "password"],
      ["phoenixd+http://:sesame1@127.0.0.1:9740?secret=sesame2", "unknown parameter secret"],
      ["phoenixd://:sesame1@127.0.0.1:9740", "phoenixd+http"],
    ]
  ) {
    const checked = checkWalletUrl(url!);
    assert(!checked.ok, url);
    assertStringIncludes(checked.reason, why!);
    assert(!checked.reason.includes("sesame"), checked.reason);
  }
  assertEquals(maskWalletUrl(good), "phoenixd+http://***@127.0.0.1:9740?webhook_secret=***");
  const opened = openWallet(good, walletDeps());
  assert(opened.ok);
  assertEquals(opened.wallet.describe(), "phoenixd at 127.0.0.1:9740");
  await opened.wallet.close();
});

Deno.test("phoenixd: a wallet's id stays under a new password", () => {
  const id = (password: string, base: string) => wallet(base, password).id;
  assertEquals(id("a", "http://h:1/"), id("b", "http://h:1/"));
  assert(id("a", "http://h:1/") !== id("a", "http://h:2/"));
});

Deno.test("phoenixd: what liquidity cost is counted as paid, for the customer paid it", async () => {
  await using server = new PhoenixdServer();
  const it = wallet(server);
  for (
    const [fee, expected] of [
      [0, 21_000_000n],
      [3_000_000, 21_000_000n],
      // It cuts to whole sats.
      [3_000_500, 21_000_000n],
      [20_999_999, 21_000_000n],
    ] as const
  ) {
    const ref = await make(it);
    server.liquidityFee = fee;
    server.pay(ref.bolt11);
    const status = await it.lookup(ref, soon());
    assert(status.status === "settled");
    assertEquals(status.amountMsat, expected);
    assertEquals(status.settledAt, server.incoming.get(ref.paymentHash)!.completedAt);
  }
});

Deno.test("phoenixd: what was paid is read from isPaid alone, and over is over", async () => {
  await using server = new PhoenixdServer();
  const it = wallet(server);
  const ref = await make(it);
  assertEquals(server.incoming.get(ref.paymentHash)!.externalId, "order#1");
  server.incoming.get(ref.paymentHash)!.receivedSat = 21_000;
  assertEquals((await it.lookup(ref, soon())).status, "open");
  server.incoming.get(ref.paymentHash)!.expiresAt = 1;
  assertEquals((await it.lookup(ref, soon())).status, "expired");
});

Deno.test("phoenixd: refusals are told in its words, and what isn't its answer isn't believed", async () => {
  await using server = new PhoenixdServer();
  const it = wallet(server);
  const long = await failure(make(it, { description: "x".repeat(129) }));
  assertEquals(long.kind, "refused");
  assertStringIncludes(long.message, "description is too long");
  server.asked.length = 0;
  assertEquals((await failure(make(it, { amountMsat: 1_500n }))).kind, "refused");
  assertEquals(server.asked, []);
  const [ref, other] = [await make(it), await make(it)];
  server.pay(other.bolt11);
  const { completedAt } = server.incoming.get(other.paymentHash)!;
  const truth = {
    paymentHash: ref.paymentHash,
    isPaid: true,
    receivedSat: 21,
    fees: 0,
    completedAt,
    createdAt: 1,
  };
  for (
    const answer of [
      { ...truth, paymentHash: other.paymentHash },
      { ...truth, isPaid: "true" },
      { ...truth, receivedSat: -21 },
      { ...truth, receivedSat: 0.5 },
      [truth],
      "paid",
    ]
  ) {
    server.faults.push({ path: "/payments/incoming/", answer: () => Response.json(answer) });
    assertEquals((await failure(it.lookup(ref, soon()))).kind, "bad_answer", JSON.stringify(answer));
  }
  for (const body of ["<html>", "{}", '{"serialized":1,"paymentHash":""}']) {
    server.faults.push({ path: "/createinvoice", answer: () => new Response(body) });
    assertEquals((await failure(make(it))).kind, "bad_answer", body);
  }
});

Deno.test("phoenixd: the probe tells the network and whether the password can spend, and pays nothing", async () => {
  for (const [network, name] of [["bc", "bc"], ["tb", "tb"], ["bcrt", "bcrt"]] as const) {
    await using server = new PhoenixdServer(network);
    for (const [password, canSpend] of [[server.limited, false], [server.full, true]] as const) {
      const it = wallet(server, password);
      const info = await it.probe(soon());
      assertEquals([info.network, info.canSpend, info.alias], [name, canSpend, "0.8.0"]);
      await it.probe(soon());
    }
    assertEquals(server.asked.filter((one) => one === "POST /payinvoice").length, 2);
    assertEquals(server.outgoing.size, 0);
  }
});

Deno.test("phoenixd: the limited password makes and looks up invoices, and can't pay", async () => {
  await using server = new PhoenixdServer();
  const it = wallet(server, server.limited);
  const ref = await make(it);
  assertEquals((await it.lookup(ref, soon())).status, "open");
  const payment = outgoing(await server.theirInvoice(5_000n, true));
  assertEquals((await failure(it.pay(payment, soon()))).kind, "unauthorized");
  assertEquals((await it.lookupPayment(payment, soon())).status, "not_found");
});

/** What it answers to a payment and says of it afterwards, and what we make of it. */
const NO = { paymentHash: "ab".repeat(32), reason: "this invoice has already been paid" };
const PAYING: [string, Response, "paid" | "pending" | "failed" | "none" | "broken", string][] = [
  ["it was paid before", Response.json(NO), "paid", "paid"],
  ["it is under way", Response.json(NO), "pending", "no_answer"],
  ["it has failed", Response.json(NO), "failed", "refused"],
  ["it was never tried", Response.json(NO), "none", "refused"],
  ["nobody knows", Response.json(NO), "broken", "no_answer"],
  ["it can't be read", new Response("not a bolt11invoice", { status: 400 }), "none", "refused"],
  ["the server has a fault", new Response("", { status: 500 }), "none", "no_answer"],
  ["another payment's proof", Response.json(proof("cd".repeat(32))), "none", "bad_answer"],
  ["nothing that could be read", Response.json({}), "none", "bad_answer"],
];

for (const [name, answer, books, expected] of PAYING) {
  Deno.test(`phoenixd: a payment is asked for once: ${name}`, async () => {
    await using server = new PhoenixdServer();
    const it = wallet(server);
    const payment = outgoing(await server.theirInvoice(5_000n, true));
    if (["paid", "pending", "failed"].includes(books)) {
      await it.pay(payment, soon());
      const row = server.outgoing.get(payment.paymentHash)!;
      row.isPaid = books === "paid";
      if (books === "pending") row.completedAt = undefined;
    }
    server.asked.length = 0;
    server.faults.push({ path: "/payinvoice", answer: () => answer });
    if (books === "broken") {
      server.faults.push({ path: "/payments/", answer: () => new Response("", { status: 502 }) });
    }
    const result = await it.pay(payment, soon()).catch((error) => error);
    assertEquals(result instanceof WalletError ? result.kind : "paid", expected);
    assertEquals(server.asked.filter((one) => one === "POST /payinvoice").length, 1);
  });
}

Deno.test("phoenixd: an invoice without an amount is paid with ours, in whole sats", async () => {
  await using server = new PhoenixdServer();
  const it = wallet(server);
  const paid = outgoing(await server.theirInvoice(5_000n, true));
  server.faults.push({ path: "/payinvoice", answer: () => Response.json(proof(paid.paymentHash)) });
  await it.pay({ ...paid, amountless: true }, soon());
  assertEquals(new URLSearchParams(server.bodies[0]).get("amountSat"), "5");
  const odd = { ...paid, amountless: true, amountMsat: 5_001n };
  assertEquals((await failure(it.pay(odd, soon()))).kind, "refused");
});

Deno.test("phoenixd: its list goes page by page to the end", async () => {
  await using server = new PhoenixdServer();
  const it = wallet(server);
  const ref = await make(it);
  server.pay(ref.bolt11);
  const row = server.incoming.get(ref.paymentHash)!;
  for (let n = 0; n < 204; n++) {
    const paymentHash = n.toString(16).padStart(64, "0");
    server.incoming.set(paymentHash, { ...row, paymentHash });
  }
  const listed = new Set<string>();
  for (let offset: number | null = 0; offset !== null;) {
    const page = await it.listIncoming({ since: 0, until: Date.now() + 1_000, offset }, soon());
    for (const one of page.settled) listed.add(one.paymentHash);
    offset = page.next;
  }
  assertEquals(listed.size, 205);
});

Deno.test("phoenixd: a webhook counts only with the signature of its secret", () => {
  const secret = "correct horse";
  const it = wallet("http://127.0.0.1:1/", "x", secret);
  const event = { type: "payment_received", amountSat: 21, paymentHash: "AB".repeat(32), timestamp: 1 };
  const raw = new TextEncoder().encode(JSON.stringify(event, null, 4));
  const signature = hmac(secret, raw);
  const read = (headers: Record<string, string>, body: Uint8Array, by = it) =>
    by.readHook(new Headers(headers), body);
  const signed = { "X-Phoenix-Signature": signature };
  assertEquals(read(signed, raw), {
    ok: true,
    hints: [{ paymentHash: "ab".repeat(32) }],
    delivery: signature,
  });
  const other = new TextEncoder().encode('{"type":"channel_closed"}');
  const otherSignature = hmac(secret, other);
  assertEquals(read({ "x-phoenix-signature": otherSignature.toUpperCase() }, other), {
    ok: true,
    hints: [],
    delivery: otherSignature,
  });
  for (
    const headers of [
      {},
      { "x-phoenix-signature": "" },
      { "x-phoenix-signature": otherSignature },
      { "x-phoenix-signature": signature.slice(0, -1) },
      { "x-phoenix-signature": hmac("correct house", raw) },
    ] as Record<string, string>[]
  ) assertEquals(read(headers, raw).ok, false, JSON.stringify(headers));
  assertEquals(read(signed, Uint8Array.from([...raw, 0x20])).ok, false);
  for (const without of [wallet("http://127.0.0.1:1/", "x", null)]) {
    assertEquals(read({ "x-phoenix-signature": hmac("", raw) }, raw, without).ok, false);
  }
});

Deno.test("phoenixd: a WebSocket that breaks is opened again, and anything may have been paid meanwhile", async () => {
  await using server = new PhoenixdServer();
  const it = wallet(server, server.limited);
  const hints: unknown[] = [];
  let heard = Promise.withResolvers<void>();
  const unsubscribe = it.subscribe((hint) => {
    hints.push(hint);
    heard.resolve();
  });
  try {
    for (let n = 0; n < 2; n++) {
      await heard.promise;
      assertEquals(hints.splice(0), [{}]);
      heard = Promise.withResolvers();
      if (n === 0) server.breakSockets();
    }
    const ref = await make(it);
    server.pay(ref.bolt11);
    await heard.promise;
    assertEquals(hints, [{ paymentHash: ref.paymentHash }]);
  } finally {
    unsubscribe();
    await it.close();
  }
});

function wallet(
  server: PhoenixdServer | string,
  password = server instanceof PhoenixdServer ? server.full : "x",
  webhookSecret: string | null = null,
): PhoenixdWallet {
  const base = new URL(server instanceof PhoenixdServer ? `http://${server.host}/` : server);
  return new PhoenixdWallet({ ...walletDeps(), clock: impatientClock, base, password, webhookSecret });
}

async function make(
  it: PhoenixdWallet,
  o: { description?: string; amountMsat?: bigint } = {},
): Promise<InvoiceRef> {
  const asked = { amountMsat: 21_000_000n, description: "Order", expirySeconds: 900, ...o };
  const { bolt11 } = await it.createInvoice({ ...asked, externalId: "order#1" }, soon());
  return { bolt11, paymentHash: hashOf(bolt11), createdAt: Date.now() };
}

function outgoing(bolt11: string): OutgoingPayment & InvoiceRef {
  const paymentHash = hashOf(bolt11);
  return { bolt11, paymentHash, amountMsat: 5_000n, amountless: false, maxFeeMsat: 1_000n, createdAt: 0 };
}

function proof(paymentHash: string) {
  return {
    recipientAmountSat: 5,
    routingFeeSat: 1,
    paymentId: "x",
    paymentHash,
    paymentPreimage: "ab".repeat(32),
  };
}

function hashOf(bolt11: string): string {
  const read = decodeBolt11(bolt11);
  if (!read.ok) throw new Error(read.reason);
  return read.invoice.paymentHash;
}

function hmac(secret: string, raw: Uint8Array): string {
  return createHmac("sha256", secret).update(raw).digest("hex");
}

async function failure(call: Promise<unknown>): Promise<WalletError> {
  const error = await call.then(() => null, (error) => error);
  assert(error instanceof WalletError, String(error ?? "it went well"));
  return error;
}
