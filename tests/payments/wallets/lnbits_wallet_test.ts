import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type InvoiceRef, type OutgoingPayment, WalletError } from "../../../src/payments/wallet.ts";
import { checkWalletUrl, maskWalletUrl, openWallet } from "../../../src/payments/wallet_url.ts";
import { LnbitsWallet } from "../../../src/payments/wallets/lnbits/lnbits_wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { impatientClock, walletDeps } from "./wallet_deps.ts";
import { LnbitsPaperServer } from "../contract/lnbits_server.ts";

const soon = () => AbortSignal.timeout(20_000);
const PAYMENTS = "/api/v1/payments";

Deno.test("lnbits+https: takes an invoice key, and an admin key to pay with", async () => {
  const good = "lnbits+https://ln.example.com/sub?key=sesame1&admin_key=sesame2&network=signet";
  for (
    const url of [good, "lnbits+http://127.0.0.1:5000?key=sesame1", "LNbits+HTTPS://x.example/?key=sesame1"]
  ) {
    assertEquals(checkWalletUrl(url), { ok: true }, url);
  }
  for (
    const [url, why] of [
      ["lnbits+https://ln.example.com", "key="],
      ["lnbits+https://ln.example.com?key=", "key="],
      ["lnbits+https://ln.example.com?admin_key=sesame2", "key="],
      ["lnbits+https://ln.example.com?key=ses%0Aame1", "key="],
      ["lnbits+https://ln.example.com?key=sesame1&admin_key=", "admin_key"],
      ["lnbits+https://ln.example.com?key=sesame1&network=constructor", "mainnet, testnet, signet, regtest"],
      ["lnbits+https://ln.example.com?key=sesame1&hold=1", "unknown parameter hold"],
      ["lnbits+ftp://ln.example.com?key=sesame1", "lnbits+https"],
    ]
  ) {
    const checked = checkWalletUrl(url!);
    assert(!checked.ok, url);
    assertStringIncludes(checked.reason, why!);
    assert(!checked.reason.includes("sesame"), checked.reason);
  }
  assertEquals(
    maskWalletUrl(good),
    "lnbits+https://ln.example.com?key=***&admin_key=***&network=signet",
  );
  const opened = openWallet(good, walletDeps());
  assert(opened.ok);
  assertEquals(opened.wallet.describe(), "LNbits at ln.example.com");
  assertEquals(opened.wallet.caps.pay, true);
  assert(!/sesame/.test(opened.wallet.id), opened.wallet.id);
  await opened.wallet.close();
});

Deno.test("an LNbits wallet's id is the same after a restart and another for another key", () => {
  const id = (key: string, host = "a.example") => wallet({ host } as LnbitsPaperServer, { key }).id;
  assertEquals(id("a"), id("a"));
  assertEquals(new Set([id("a"), id("b"), id("a", "b.example")]).size, 3);
});

Deno.test("LNbits: without an admin key it can't pay at all", async () => {
  await using server = new LnbitsPaperServer();
  const { caps, pay, lookupPayment, ...it } = wallet(server, { adminKey: null });
  assertEquals([caps.pay, pay, lookupPayment], [false, undefined, undefined]);
  assert(it);
});

/** LNbits' refusals of an invoice, as the real one answers them. */
const REFUSED: [Response, string][] = [
  [json({ detail: "Invoice amount is too high.", status: "failed" }, 520), "refused"],
  [json({ detail: "unexpected backend error.", status: "pending" }, 520), "busy"],
  [json({ detail: [{ loc: ["body", "memo"], msg: "too long" }] }, 400), "refused"],
  [json({ detail: "Wallet not found." }, 404), "unauthorized"],
  [json({ detail: "Rate limit" }, 429), "busy"],
  [json({ detail: "Unexpected error! ID: x" }, 500), "busy"],
  [json({ payment_hash: "ab".repeat(32), bolt11: "" }, 201), "bad_answer"],
  [new Response("<html>login</html>"), "bad_answer"],
];

Deno.test("LNbits: each way to refuse an invoice has its meaning", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  for (const [response, kind] of REFUSED) {
    server.faults.push({ path: PAYMENTS, answer: () => response });
    assertEquals((await failure(make(it))).kind, kind);
  }
  server.asked.length = 0;
  assertEquals((await failure(make(it, 1_500n))).kind, "refused");
  assertEquals(server.asked, []);
});

Deno.test("LNbits: an answer that can't be about this invoice is never a payment", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const ref = await make(it);
  const other = await make(it);
  server.pay(other.bolt11);
  const truth = await (await fetch(`http://${server.host}${PAYMENTS}/${other.paymentHash}`, {
    headers: { "x-api-key": server.inkey },
  })).json();
  const mine = { ...truth, details: { ...truth.details, payment_hash: ref.paymentHash } };
  for (
    const [answer, kind] of [
      [truth, "bad_answer"],
      [{ ...mine, paid: false }, "bad_answer"],
      [{ ...mine, details: { ...mine.details, status: "pending" } }, "bad_answer"],
      [{ ...mine, details: { ...mine.details, amount: "21000" } }, "bad_answer"],
      [{ ...mine, details: { ...mine.details, amount: 2.5 } }, "bad_answer"],
      [{ paid: true, preimage: "00".repeat(32) }, "unauthorized"],
      [{ detail: "x" }, "bad_answer"],
      ["paid", "bad_answer"],
    ]
  ) {
    server.faults.push({ path: `${PAYMENTS}/`, answer: () => json(answer) });
    assertEquals((await failure(it.lookup(ref, soon()))).kind, kind, JSON.stringify(answer));
  }
  assertEquals((await it.lookup(ref, soon())).status, "open");
});

Deno.test("LNbits: settled at the last change of its row, and never in the future", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const ref = await make(it);
  server.pay(ref.bolt11);
  const row = server.rows[0]!;
  for (
    const [updated, expected] of [[Date.now() - 5_000, 0], [Date.now() + 3_600_000, 1]] as const
  ) {
    row.updated = updated;
    const status = await it.lookup(ref, soon());
    assert(status.status === "settled");
    assertEquals(status.settledAt === updated, expected === 0);
    assert(status.settledAt <= Date.now());
  }
});

Deno.test("LNbits: failed means expired or cancelled", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const ref = await make(it);
  const row = server.rows[0]!;
  row.state = "failed";
  assertEquals((await it.lookup(ref, soon())).status, "cancelled");
  row.labels.push("expired");
  assertEquals((await it.lookup(ref, soon())).status, "expired");
});

Deno.test("LNbits: its list goes page by page to the end, and leaves out what it can't read", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const ref = await make(it);
  server.pay(ref.bolt11);
  const [row] = server.rows;
  for (let n = 0; n < 250; n++) {
    server.rows.push({ ...row!, hash: n === 7 ? "fiat" : n.toString(16).padStart(64, "0") });
  }
  const listed: string[] = [];
  const query = { since: Date.now() - 60_000, until: Date.now() + 60_000 };
  for (let offset: number | null = 0, pages = 0; offset !== null; pages++) {
    assert(pages < 10);
    const page = await it.listIncoming({ ...query, offset }, soon());
    listed.push(...page.settled.map(({ paymentHash }) => paymentHash));
    offset = page.next;
  }
  assertEquals([listed.length, new Set(listed).size], [250, 250]);
});

Deno.test("LNbits: an invoice over a hash keeps our description in the list, where LNbits keeps none", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const asked = { amountMsat: 21_000n, description: "Order 1", expirySeconds: 900, externalId: "order#1" };
  const { bolt11 } = await it.createInvoice({ ...asked, hashedText: "[]" }, soon());
  server.pay(bolt11);
  assertEquals(server.rows[0]!.memo, "");
  const { settled } = await it.listIncoming({ since: 0, until: Date.now(), offset: 0 }, soon());
  assertEquals(settled.map(({ description }) => description), ["Order 1"]);
});

Deno.test("LNbits: what other versions list beside is no payment that came in", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const [ref, unpaid] = [await make(it), await make(it)];
  server.pay(ref.bolt11);
  await it.pay!(outgoing(await server.theirInvoice(5_000n, true)), soon());
  // Filters that a version doesn't know are unheeded.
  const everything = await (await fetch(`http://${server.host}${PAYMENTS}`, {
    headers: { "x-api-key": server.inkey },
  })).json();
  assertEquals(everything.length, 3);
  server.faults.push({ path: PAYMENTS, answer: () => json(everything) });
  const page = await it.listIncoming({ since: 0, until: Date.now(), offset: 0 }, soon());
  assertEquals(page.settled.map(({ paymentHash }) => paymentHash), [ref.paymentHash]);
  assertEquals(page.next, 3);
  assertEquals((await it.lookup(unpaid, soon())).status, "open");
});

/** What LNbits answers to a payment and says of it afterwards, and what we make of it. */
const PAYING: [string, Response, "success" | "pending" | "failed" | "none" | "broken", string][] = [
  ["its books say that it was paid before", failed("failed"), "success", "paid"],
  ["its books have it under way", failed("failed"), "pending", "no_answer"],
  ["its books have it failed", failed("failed"), "failed", "refused"],
  ["its books have nothing", failed("failed"), "none", "refused"],
  ["its books can't be read", failed("failed"), "broken", "no_answer"],
  ["it is still under way", failed("pending"), "none", "no_answer"],
  ["it was paid, it says without a proof", failed("success"), "none", "no_answer"],
  ["a limit is reached", json({ detail: "Daily withdrawal limit reached." }, 400), "none", "refused"],
  ["the server has a fault", json({ detail: "x" }, 500), "none", "no_answer"],
  ["a proxy gives up", new Response("", { status: 504 }), "none", "no_answer"],
  ["the key isn't known", json({ detail: "Wallet not found." }, 404), "none", "unauthorized"],
  ["the key may not", json({ detail: "x" }, 403), "none", "unauthorized"],
  ["nothing that could be read", json({ ok: true }, 201), "none", "bad_answer"],
  ["nothing at all", new Response(null, { status: 201 }), "none", "bad_answer"],
];

for (const [name, answer, books, expected] of PAYING) {
  Deno.test(`LNbits: a payment is asked for once: ${name}`, async () => {
    await using server = new LnbitsPaperServer();
    const it = wallet(server);
    const payment = outgoing(await server.theirInvoice(5_000n, true));
    if (["success", "pending", "failed"].includes(books)) {
      await it.pay!(payment, soon());
      server.rows[0]!.state = books as "success";
    }
    server.asked.length = 0;
    server.faults.push({ path: PAYMENTS, answer: () => answer });
    if (books === "broken") {
      server.faults.push({
        path: PAYMENTS,
        answer: () => new Response("", { status: 502 }),
      });
    }
    const result = await it.pay!(payment, soon()).catch((error) => error);
    assertEquals(result instanceof WalletError ? result.kind : "paid", expected);
    assertEquals(server.asked.filter((one) => one === `POST ${PAYMENTS}`).length, 1);
  });
}

Deno.test("LNbits: a payment that is under way is no answer, and pending until it ends", async () => {
  await using server = new LnbitsPaperServer();
  server.stuck = true;
  const it = wallet(server);
  const payment = outgoing(await server.theirInvoice(5_000n, true));
  assertEquals((await failure(it.pay!(payment, soon()))).kind, "no_answer");
  assertEquals((await it.lookupPayment!(payment, soon())).status, "pending");
  server.asked.length = 0;
  assertEquals((await failure(it.pay!({ ...payment, amountless: true }, soon()))).kind, "refused");
  assertEquals(server.asked, []);
});

Deno.test("LNbits: a wallet that pays its own invoice is paid, and has paid", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const ref = await make(it);
  assertEquals((await it.lookupPayment!(ref, soon())).status, "not_found");
  await it.pay!({ ...outgoing(ref.bolt11), amountMsat: 21_000n }, soon());
  const came = await it.lookup(ref, soon());
  assert(came.status === "settled" && came.amountMsat === 21_000n, came.status);
  assertEquals((await it.lookupPayment!(ref, soon())).status, "settled");
});

Deno.test("LNbits: a WebSocket that breaks is opened again, and anything may have been paid meanwhile", async () => {
  await using server = new LnbitsPaperServer();
  const it = wallet(server);
  const hints: unknown[] = [];
  let heard = Promise.withResolvers<void>();
  const unsubscribe = it.subscribe((hint) => {
    hints.push(hint);
    heard.resolve();
  });
  try {
    for (let n = 0; n < 3; n++) {
      await heard.promise;
      assertEquals(hints.splice(0), [{}]);
      heard = Promise.withResolvers();
      server.breakSockets();
    }
    await heard.promise;
    hints.length = 0;
    heard = Promise.withResolvers();
    const ref = await make(it);
    server.pay(ref.bolt11);
    await heard.promise;
    assertEquals(hints, [{ paymentHash: ref.paymentHash }]);
    assertEquals(server.asked.filter((one) => one === `GET /api/v1/ws/${server.inkey}`).length, 4);
  } finally {
    unsubscribe();
    await it.close();
  }
});

function wallet(
  server: LnbitsPaperServer,
  o: { key?: string; adminKey?: string | null } = {},
): LnbitsWallet {
  const { key = server.inkey, adminKey = server.adminkey } = o;
  const base = new URL(`http://${server.host}/`);
  return new LnbitsWallet({
    ...walletDeps(),
    clock: impatientClock,
    random: systemRandom,
    base,
    key,
    adminKey,
    network: "bc",
  });
}

async function make(it: LnbitsWallet, amountMsat = 21_000n): Promise<InvoiceRef> {
  const asked = { amountMsat, description: "Order", expirySeconds: 900, externalId: "order#1" };
  const { bolt11 } = await it.createInvoice(asked, soon());
  return { bolt11, paymentHash: hashOf(bolt11), createdAt: Date.now() };
}

function outgoing(bolt11: string): OutgoingPayment & InvoiceRef {
  const paymentHash = hashOf(bolt11);
  return { bolt11, paymentHash, amountMsat: 5_000n, amountless: false, maxFeeMsat: 1_000n, createdAt: 0 };
}

function hashOf(bolt11: string): string {
  const read = decodeBolt11(bolt11);
  if (!read.ok) throw new Error(read.reason);
  return read.invoice.paymentHash;
}

function json(body: unknown, status = 200): Response {
  return Response.json(body, { status });
}

function failed(status: string): Response {
  return json({ detail: "Internal invoice already paid.", status }, 520);
}

async function failure(call: Promise<unknown>): Promise<WalletError> {
  const error = await call.then(() => null, (error) => error);
  assert(error instanceof WalletError, String(error ?? "it went well"));
  return error;
}
