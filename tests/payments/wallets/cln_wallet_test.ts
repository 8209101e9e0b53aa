import { assert, assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type PaymentHint, WalletError } from "../../../src/payments/wallet.ts";
import type { WalletCursors } from "../../../src/payments/wallets/cursors.ts";
import { readInvoice, statusOf } from "../../../src/payments/wallets/cln/cln_invoice.ts";
import { ClnWallet, type ClnWalletOptions } from "../../../src/payments/wallets/cln/cln_wallet.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/log.ts";
import { ClnServer } from "../contract/cln_server.ts";
import { runeOf } from "../contract/runes.ts";
import { NODE, type Pair, SIGNED } from "./node_certificates.ts";
import { walletDeps } from "./wallet_deps.ts";

const RUNE = runeOf("");
/** Pauses are short; what comes only after a minute doesn't come. */
const hastyClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    ms > 60_000
      ? new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }))
      : systemClock.sleep(Math.min(ms, 20), signal),
};
const soon = () => AbortSignal.timeout(20_000);
const request = { amountMsat: 21_000n, description: "Order 1", expirySeconds: 900, externalId: "order#1" };

Deno.test("a label that exists is the same invoice, also when its answer was lost", async () => {
  await using cln = setUp();
  cln.server.losing = true;
  const lost = await cln.wallet.createInvoice(request, AbortSignal.timeout(200)).catch((error) => error);
  assert(lost instanceof WalletError && lost.kind === "no_answer");
  const made = await cln.wallet.createInvoice(request, soon());
  assertEquals(await cln.wallet.createInvoice(request, soon()), made);
  assertEquals(cln.server.invoices.map(({ bolt11, label }) => [bolt11, label]), [[made.bolt11, "order#1"]]);
  assertEquals(made.ref, "order#1");
});

Deno.test("payments from while nobody listened are told after a restart, none twice", async () => {
  const cursors = rememberedCursors();
  await using cln = setUp({ cursors });
  const first = hints(cln.wallet);
  const one = await cln.pays("order#1");
  await first.of(one);
  await until(() => cursors.last === "1");
  await cln.wallet.close();

  const [two, three] = [await cln.pays("order#2"), await cln.pays("order#3")];
  const heard = hints(cln.another({ cursors }));
  await heard.of(three);
  assertEquals(heard.all, [two, three].map((paymentHash, n) => ({ paymentHash, ref: `order#${n + 2}` })));
  await until(() => cursors.last === "3");
});

Deno.test("a first look tells of the last payments, and asks little however many there were", async () => {
  await using cln = setUp();
  const hashes: string[] = [];
  for (let n = 0; n < 200; n++) hashes.push(await cln.pays(`order#${n}`));
  const before = cln.server.asked.length;
  const heard = hints(cln.wallet);
  await heard.of(hashes.at(-1)!);
  assertEquals(heard.all.map(({ paymentHash }) => paymentHash), hashes.slice(-20));
  const looks = cln.server.asked.slice(before).filter(([, { timeout }]) => timeout === 0);
  assert(looks.length < 20, `${looks.length} questions`);
});

Deno.test("a time limit without a payment is no fault, and isn't asked again at once", async () => {
  let asked = 0;
  const { log, lines } = recordingLog();
  await using server = serve(() => {
    asked++;
    return Response.json({ code: 904, message: "Timed out" }, { status: 500 });
  });
  const wallet = walletAt(server.addr.port, { log });
  wallet.subscribe(() => {});
  await until(() => asked > 3);
  await wallet.close();
  assertEquals(lines, []);
});

Deno.test("the list begins at a time, whatever was paid before, and its pages go on where the last one ended", async () => {
  await using cln = setUp();
  const hashes: string[] = [];
  for (let n = 0; n < 60; n++) hashes.push(await cln.pays(`order#${n}`));
  for (const [n, one] of cln.server.invoices.entries()) one.paid_at = 1_800_000_000 + n;
  // Paid invoices may have been deleted.
  cln.server.invoices.splice(25, 3);
  const wanted = [...hashes.slice(10, 25), ...hashes.slice(28, 51)];
  const [since, until_] = [1_800_000_010_000, 1_800_000_050_000];
  const listed: string[] = [];
  const sizes: number[] = [];
  for (let offset: number | null = 0; offset !== null;) {
    const page = await cln.wallet.listIncoming({ since, until: until_, offset }, soon());
    listed.push(...page.settled.map(({ paymentHash }) => paymentHash));
    sizes.push(page.settled.length);
    offset = page.next;
  }
  assertEquals(listed, wanted);
  assertEquals(sizes, [20, 18]);
});

for (const roundTripMs of [1, 700, 4_000, 9_000]) {
  Deno.test(`a list comes in pages that are in time, though each question takes ${roundTripMs} ms`, async () => {
    const clock = new FakeClock();
    await using cln = setUp({ clock });
    const hashes: string[] = [];
    for (let n = 0; n < 60; n++) hashes.push(await cln.pays(`order#${n}`));
    for (const [n, one] of cln.server.invoices.entries()) one.paid_at = 1_800_000_000 + n;
    cln.server.onAsked = () => clock.jump(roundTripMs);
    const span = { since: 1_800_000_030_000, until: 1_800_000_049_000 };
    const listed: string[] = [];
    for (let offset: number | null = 0; offset !== null;) {
      const began = clock.monotonic();
      const page = await cln.wallet.listIncoming({ ...span, offset }, soon());
      const took = clock.monotonic() - began;
      assert(took < 10_000, `${took} ms`);
      assert(page.next === null || page.next > offset, "it gets on");
      listed.push(...page.settled.map(({ paymentHash }) => paymentHash));
      offset = page.next;
    }
    assertEquals(listed, hashes.slice(30, 50));
  });
}

Deno.test("a payment that xpay has given up on is what the node's books say", async () => {
  const outcomes: ["complete" | "pending" | "failed" | null, string][] = [
    ["complete", "paid"],
    ["pending", "no_answer"],
    ["failed", "refused"],
    [null, "refused"],
  ];
  for (const [booked, expected] of outcomes) {
    await using cln = setUp();
    const { server, wallet } = cln;
    const bolt11 = await server.theirInvoice(2_000n, booked === "complete");
    const { paymentHash } = outgoing(bolt11);
    server.givesUp = 209;
    if (booked === "pending" || booked === "failed") server.pays.set(paymentHash, { status: booked });
    const outcome = await wallet.pay(outgoing(bolt11), soon()).then(
      async ({ preimage }) => (assertEquals(await digest(preimage), paymentHash), "paid"),
      (error) => error.kind,
    );
    assertEquals(outcome, expected, String(booked));
  }
});

Deno.test("without a word of the node's books nothing is certain", async () => {
  await using cln = setUp();
  cln.server.givesUp = 210;
  cln.server.forbidden = ["listpays"];
  const error = await cln.wallet.pay(outgoing(await cln.server.theirInvoice(2_000n, false)), soon())
    .catch((error) => error);
  assert(error instanceof WalletError && error.kind === "no_answer", String(error));
});

Deno.test("pay is used where xpay isn't known or allowed; where neither is, nobody was paid", async () => {
  for (
    const [how, commands, expected] of [
      ["missing", ["xpay"], "pay"],
      ["forbidden", ["xpay"], "pay"],
      ["forbidden", ["xpay", "pay"], "unauthorized"],
      ["missing", ["xpay", "pay"], "not_implemented"],
    ] as const
  ) {
    await using cln = setUp();
    cln.server[how] = [...commands];
    const bolt11 = await cln.server.theirInvoice(2_000n, true);
    const outcome = await cln.wallet.pay(outgoing(bolt11), soon()).then(() => "pay", (error) => error.kind);
    assertEquals(outcome, expected, `${how} ${commands}`);
    const paid = cln.server.asked.filter(([command]) =>
      command === "pay" && !cln.server.missing.includes("pay")
    );
    assertEquals(paid.length, expected === "pay" ? 1 : 0);
    // A limit for the fee, and an amount only where the invoice has none.
    for (const [, params] of paid) assertEquals([params.maxfee, params.amount_msat], [1_000, undefined]);
  }
});

Deno.test("what is cancelled already, expired or unknown is cancelled; what is paid isn't", async () => {
  await using cln = setUp();
  const { wallet, server } = cln;
  await wallet.cancel({ paymentHash: "ab".repeat(32), bolt11: "", createdAt: 0 }, soon());
  const made = await wallet.createInvoice(request, soon());
  const ref = { paymentHash: made.paymentHash!, bolt11: made.bolt11, createdAt: 0 };
  server.invoices[0]!.status = "expired";
  await wallet.cancel(ref, soon());
  assertEquals(await wallet.lookup(ref, soon()), { status: "expired" });
  server.invoices[0]!.status = "unpaid";
  await server.pay(made.bolt11);
  const error = await wallet.cancel(ref, soon()).catch((error) => error);
  assert(error instanceof WalletError && error.kind === "refused", String(error));
});

Deno.test("amounts of older versions are texts, and what isn't an invoice is refused", async () => {
  const paid = {
    label: "l",
    payment_hash: "AB".repeat(32),
    status: "paid",
    pay_index: 1,
    paid_at: 1_738_000_000,
  };
  for (const amount of [21_000, "21000msat", "21000"]) {
    assertEquals(statusOf(readInvoice({ ...paid, amount_received_msat: amount }), 0), {
      status: "settled",
      amountMsat: 21_000n,
      settledAt: 1_738_000_000_000,
    });
  }
  for (const body of ["<html>", "{}", '{"invoices":7}', '{"invoices":[{"status":"paid"}]}', '{"bolt11":7}']) {
    await using server = serve(() => new Response(body, { status: 201 }));
    const wallet = walletAt(server.addr.port);
    const ref = { paymentHash: "78".repeat(32), bolt11: "", createdAt: 0 };
    for (const call of [() => wallet.createInvoice(request, soon()), () => wallet.lookup(ref, soon())]) {
      const error = await call().then(String, (error) => error);
      assert(error instanceof WalletError && error.kind === "bad_answer", `${body}: ${error}`);
    }
    await wallet.close();
  }
});

Deno.test("what clnrest refuses with is what kind of fault it is", async () => {
  const refusals: [number, unknown, string][] = [
    [401, { code: 1501, message: "Not authorized: Not derived from master" }, "unauthorized"],
    [401, { code: 1502, message: "Not permitted: method is not equal to getinfo" }, "unauthorized"],
    [401, { code: 1502, message: "Not permitted: Rate of 1 per minute exceeded, too soon" }, "busy"],
    [403, { code: 1501, message: "Not authorized: Missing rune" }, "unauthorized"],
    [404, { code: -32601, message: "Unknown command 'invoice'" }, "not_implemented"],
    [404, "nothing here", "not_implemented"],
    [500, { code: -1, message: "it doesn't want to" }, "refused"],
    [500, { code: null, message: "No such file or directory (os error 2)" }, "busy"],
    [502, "<html>", "busy"],
    [302, "", "bad_answer"],
  ];
  for (const [status, body, kind] of refusals) {
    await using server = serve(() =>
      typeof body === "string" ? new Response(body, { status }) : Response.json(body, { status })
    );
    const wallet = walletAt(server.addr.port);
    const error = await wallet.createInvoice(request, soon()).catch((error) => error);
    assert(error instanceof WalletError && error.kind === kind, `${JSON.stringify(body)}: ${error.kind}`);
    await wallet.close();
  }
});

Deno.test("a rune that may not ask who the node is: a paid invoice says the network", async () => {
  await using cln = setUp();
  assertEquals((await cln.wallet.probe(soon())).network, "bcrt");
  cln.server.forbidden = ["getinfo"];
  assertEquals((await cln.wallet.probe(soon())).network, null);
  await cln.pays("order#1");
  assertEquals(await cln.wallet.probe(soon()), { network: "bcrt", alias: null, methods: [], canSpend: true });
});

Deno.test("a certificate of the node's own authority is needed and enough; private channels are named when asked for", async () => {
  await using cln = setUp({ caCert: NODE.cert, privateHints: true }, SIGNED);
  await cln.wallet.createInvoice(request, soon());
  const [command, params] = cln.server.asked.at(-1)!;
  assertEquals([command, params.exposeprivatechannels, params.label], ["invoice", true, "order#1"]);
  const error = await cln.another({ caCert: undefined }).createInvoice(request, soon()).catch((error) =>
    error
  );
  assert(error instanceof WalletError && error.kind === "unreachable", String(error));
});

Deno.test("the rune is in no message, no line of the log and no description, even if the server repeats it", async () => {
  const { log, lines } = recordingLog();
  await using server = serve((asked) =>
    Response.json(
      { code: 1501, message: `Not authorized: ${"x".repeat(160)} ${asked.headers.get("rune")}` },
      { status: 401 },
    )
  );
  const wallet = walletAt(server.addr.port, { log });
  wallet.subscribe(() => {});
  const error = await wallet.createInvoice(request, soon()).catch((error) => error);
  await until(() => lines.length > 0);
  await wallet.close();
  const said = [error.message, wallet.id, wallet.describe(), JSON.stringify(lines)].join("\n");
  assert(said.includes("Not authorized") && !said.includes(RUNE.slice(0, 16)), said);
});

type Options = Partial<Omit<ClnWalletOptions, "caCert">> & { caCert?: string | undefined };

function setUp(o: Options = {}, tls?: Pair) {
  const server = new ClnServer(RUNE, tls);
  const opened: ClnWallet[] = [];
  const another = (more: Options = {}) => {
    const wallet = walletAt(server.port, { ...o, ...more }, tls ? "https" : "http");
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
      const { bolt11, paymentHash } = await another().createInvoice({ ...request, externalId }, soon());
      await server.pay(bolt11);
      return paymentHash!;
    },
    async [Symbol.asyncDispose]() {
      for (const one of opened) await one.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function walletAt(port: number, o: Options = {}, transport = "http"): ClnWallet {
  const { caCert, ...rest } = o;
  return new ClnWallet({
    ...walletDeps(),
    clock: hastyClock,
    base: new URL(`${transport}://127.0.0.1:${port}/`),
    rune: RUNE,
    privateHints: false,
    cursors: null,
    ...(caCert !== undefined && { caCert }),
    ...rest,
  });
}

function serve(answer: (request: Request) => Response) {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
}

function hints(wallet: ClnWallet) {
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

async function digest(hex: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.fromHex(hex))).toHex();
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 2));
}
