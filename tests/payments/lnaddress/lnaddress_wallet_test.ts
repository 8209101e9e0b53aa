import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { systemClock } from "../../../src/clock.ts";
import { probeWallet } from "../../../src/app/wallet_probe.ts";
import { checkInvoice } from "../../../src/payments/invoice_check.ts";
import { type InvoiceRef, WalletError, type WalletErrorKind } from "../../../src/payments/wallet.ts";
import { checkWalletUrl, maskWalletUrl } from "../../../src/payments/wallet_url.ts";
import { readLightningAddress } from "../../../src/payments/wallets/lnaddress/address.ts";
import { LnAddressWallet } from "../../../src/payments/wallets/lnaddress/lnaddress_wallet.ts";
import { testFetch } from "../../support/https_server.ts";
import { type LnurlFaults, LnurlServer } from "../../support/lnurl_server.ts";
import { recordingLog } from "../../support/log.ts";

const asked = {
  amountMsat: 21_000n,
  description: "Order 1a2b3c4d-9f3e",
  expirySeconds: 900,
  externalId: "1#1",
};
const soon = () => AbortSignal.timeout(30_000);

function scene(faults: LnurlFaults = {}, o: { anyVerify?: boolean; address?: string } = {}) {
  const server = new LnurlServer({ faults });
  const { log, lines } = recordingLog();
  const wallet = new LnAddressWallet({
    address: readLightningAddress(o.address ?? server.address)!,
    anyVerify: o.anyVerify ?? false,
    zaps: null,
    web: testFetch(),
    clock: systemClock,
    log,
  });
  return { server, wallet, lines, [Symbol.asyncDispose]: () => server.stop() };
}

async function made(wallet: LnAddressWallet): Promise<InvoiceRef> {
  const { bolt11, ref } = await wallet.createInvoice(asked, soon());
  const checked = checkInvoice(bolt11, {
    ...asked,
    description: null,
    paymentHash: null,
    setsExpiry: false,
    now: Date.now(),
  }, "bcrt");
  assert(checked.ok, checked.ok ? "" : checked.reason);
  return { bolt11, paymentHash: checked.decoded.paymentHash, createdAt: Date.now(), ref: ref ?? null };
}

async function fails(work: Promise<unknown>, kind: WalletErrorKind, text: RegExp): Promise<void> {
  const error = await assertRejects(() => work, WalletError) as WalletError;
  assertEquals(error.kind, kind, error.message);
  assertMatch(error.message, text);
}

Deno.test("an invoice commits to the metadata's hash, which counts in place of our description", async () => {
  await using it = scene();
  const created = await it.wallet.createInvoice(asked, soon());
  const question = { ...asked, paymentHash: null, setsExpiry: false, now: Date.now() };
  assert(!checkInvoice(created.bolt11, question, "bcrt").ok, "it isn't our description");
  const { descriptionHash } = created;
  assert(checkInvoice(created.bolt11, { ...question, descriptionHash }, "bcrt").ok);
  assert(!checkInvoice(created.bolt11, { ...question, descriptionHash: "00".repeat(32) }, "bcrt").ok);
});

Deno.test("an invoice that commits to something else is taken, and warned of once", async () => {
  await using it = scene({ invoice: { descriptionHash: "ab".repeat(32) } });
  for (let i = 0; i < 2; i++) {
    const created = await it.wallet.createInvoice(asked, soon());
    assertEquals([created.description, created.descriptionHash], ["theirs", undefined]);
  }
  assertEquals(it.lines.filter(({ event }) => event === "lnaddress.other_metadata").length, 1);
});

Deno.test("what an address doesn't take is refused in words", async () => {
  await using it = scene({ request: { minSendable: 100_000, maxSendable: 200_000 } });
  const { address } = it.server;
  await fails(
    it.wallet.createInvoice(asked, soon()),
    "refused",
    new RegExp(`^${address} takes 100 sat to 200 sat at once, not 21 sat$`),
  );
  await fails(it.wallet.createInvoice({ ...asked, amountMsat: 201_000n }, soon()), "refused", /not 201 sat/);
  assertEquals(it.server.invoices.length, 0);
});

Deno.test("a comment is sent only where it is taken whole, and holds the invoice's text", async () => {
  for (const [commentAllowed, params] of [[0, {}], [18, {}], [19, { comment: asked.description }]] as const) {
    await using it = scene({ request: { commentAllowed } });
    await made(it.wallet);
    assertEquals(it.server.invoices.map((one) => one.params), [params]);
  }
});

const REQUESTS: [string, LnurlFaults, WalletErrorKind, RegExp][] = [
  ["another tag", { request: { tag: "withdrawRequest" } }, "bad_answer", /no LNURL-pay request \(tag\)/],
  ["no callback", { request: { callback: undefined } }, "bad_answer", /callback/],
  ["a callback that is no URL", { request: { callback: "pay me" } }, "bad_answer", /callback/],
  ["a callback over HTTP", { request: { callback: "http://pay.example.com/x" } }, "refused", /not https/],
  [
    "a callback on loopback",
    { request: { callback: "https://127.0.0.2/x" } },
    "refused",
    /not a public address/,
  ],
  [
    "a callback on a private name",
    { request: { callback: "https://db.internal/x" } },
    "refused",
    /local network/,
  ],
  ["a negative amount", { request: { minSendable: -1 } }, "bad_answer", /minSendable/],
  [
    "payer data that it must have",
    { request: { payerData: { name: { mandatory: true } } } },
    "refused",
    /who pays/,
  ],
  ["no invoice", { made: () => ({ pr: undefined }) }, "bad_answer", /no invoice \(pr\)/],
  ["a fault of its own", { callback: () => new Response("", { status: 503 }) }, "busy", /503/],
  ["a page", { callback: () => new Response("<html>") }, "bad_answer", /not JSON/],
  [
    "no",
    { callback: () => Response.json({ status: "ERROR", reason: "Wallet\u202e\nis  full" }) },
    "refused",
    /says: Wallet is full$/,
  ],
  ["no word of payments", { made: () => ({ verify: undefined }) }, "not_implemented", /LUD-21/],
  [
    "a word of payments elsewhere",
    { made: () => ({ verify: "https://evil.example.net/v" }) },
    "not_implemented",
    /LUD-21/,
  ],
  [
    "a word of payments by HTTP",
    { made: () => ({ verify: "http://pay.example.com/v" }) },
    "not_implemented",
    /LUD/,
  ],
];
for (const [what, faults, kind, text] of REQUESTS) {
  Deno.test(`no invoice from a server that answers ${what}: ${kind}`, async () => {
    await using it = scene(faults);
    await fails(it.wallet.createInvoice(asked, soon()), kind, text);
  });
}

Deno.test("an address that isn't there is refused", async () => {
  await using it = scene();
  const { port } = it.server;
  const other = scene({}, { address: `nobody@pay.example.com:${port}` });
  await fails(other.wallet.createInvoice(asked, soon()), "refused", /404/);
  await other.server.stop();
});

Deno.test("amounts may be texts, and a callback keeps its own query", async () => {
  await using it = scene({ request: { minSendable: "1000", maxSendable: "100000000" } });
  await made(it.wallet);
  assertEquals(it.server.invoices.map((one) => one.amountMsat), [21_000n]);
});

Deno.test("verify of another host of the same people is taken, of others only when that is wished", async () => {
  await using near = scene({ made: () => ({ verify: "https://verify.example.com/v" }) });
  assertEquals((await made(near.wallet)).ref, "https://verify.example.com/v");
  await using far = scene({ made: () => ({ verify: "https://verify.example.net/v" }) }, { anyVerify: true });
  assertEquals((await made(far.wallet)).ref, "https://verify.example.net/v");
});

const VERIFIES: [string, LnurlFaults["verify"], string][] = [
  ["another invoice", () => ({ pr: "lnbcrt1other" }), "bad_answer"],
  ["a false proof", () => ({ preimage: "00".repeat(32) }), "bad_answer"],
  ["neither invoice nor proof", () => ({ pr: undefined, preimage: null }), "bad_answer"],
  ["nothing of being settled", () => ({ settled: undefined }), "bad_answer"],
  ["settled as a word", () => ({ settled: "true" }), "bad_answer"],
  ["unsettled, with a preimage", ({ preimage }) => ({ settled: false, preimage }), "open"],
  ["that it knows nothing", () => ({ status: "ERROR", reason: "Not found" }), "not_found"],
  ["that it has no time", () => ({ status: "ERROR", reason: "slow down" }), "refused"],
  ["without a proof", () => ({ preimage: undefined }), "settled"],
  ["without the invoice", () => ({ pr: undefined }), "settled"],
  [
    "in capitals",
    ({ bolt11, preimage }) => ({ pr: bolt11.toUpperCase(), preimage: preimage.toUpperCase() }),
    "settled",
  ],
];
for (const [what, verify, expected] of VERIFIES) {
  Deno.test(`a paid invoice whose server says ${what}: ${expected}`, async () => {
    await using it = scene();
    const invoice = await made(it.wallet);
    it.server.pay(invoice.bolt11);
    it.server.faults = { verify: verify! };
    const said = await it.wallet.lookup(invoice, soon()).then((status) => status.status, (error) => {
      assert(error instanceof WalletError);
      return error.kind;
    });
    assertEquals(said, expected);
    const loud = it.lines.filter(({ event }) => event === "lnaddress.verify_not_believed").length;
    assertEquals(loud, expected === "bad_answer" ? 1 : 0);
  });
}

Deno.test("what isn't paid is open until it expires", async () => {
  await using it = scene({ invoice: { expirySeconds: 1, timestamp: Math.floor(Date.now() / 1000) - 2 } });
  const { bolt11 } = await it.wallet.createInvoice(asked, soon());
  const [entry] = it.server.invoices;
  const ref = `https://pay.example.com:${it.server.port}/verify/shop/${entry!.paymentHash}`;
  const invoice = { bolt11, paymentHash: entry!.paymentHash, createdAt: 0, ref };
  assertEquals(await it.wallet.lookup(invoice, soon()), { status: "expired" });
  it.server.pay(bolt11);
  assertEquals((await it.wallet.lookup(invoice, soon())).status, "settled");
});

Deno.test("probe() asks for one smallest invoice and says whether payments can be seen", async () => {
  await using it = scene({ request: { minSendable: 5_000 } });
  for (let i = 0; i < 3; i++) {
    assertEquals(await it.wallet.probe(soon()), {
      network: "bcrt",
      alias: null,
      methods: ["payRequest", "verify"],
    });
  }
  assertEquals(it.server.invoices.map((one) => one.amountMsat), [5_000n]);
  await using blind = scene({ made: () => ({ verify: null }) });
  const info = await blind.wallet.probe(soon());
  assertEquals(info.methods, ["payRequest"]);
  assertMatch(info.warning!, /^pay\.example\.com:\d+ doesn't tell what was paid \(LUD-21 verify\)/);
});

Deno.test("who asks how the wallet is hears the warning, with what to do", async () => {
  await using blind = scene({ made: () => ({ verify: null }) });
  const probed = await probeWallet(blind.wallet, systemClock, 30_000);
  assert(probed.ok);
  assertEquals(probed.text, `Lightning address ${blind.server.address} answers (bcrt)`);
  assertMatch(
    probed.warnings.join(" "),
    /no order can be paid this way\. Use an address of a provider that offers it/,
  );
});

Deno.test("a wallet's URL names an address, and nothing of it is hidden", () => {
  assertEquals(checkWalletUrl("lnaddress:me@example.com"), { ok: true });
  assertEquals(checkWalletUrl("lnaddress:me@example.com?verify=any"), { ok: true });
  assertEquals(maskWalletUrl("LNADDRESS:Me@Example.com"), "lnaddress:me@example.com");
  assertEquals(maskWalletUrl("lnaddress:me@example.com?verify=any"), "lnaddress:me@example.com?verify=any");
  for (
    const bad of ["lnaddress:", "lnaddress:me", "lnaddress:me@localhost", "lnaddress:me@example.com?x=1"]
  ) {
    assert(!checkWalletUrl(bad).ok, bad);
  }
  assert(!checkWalletUrl("lnaddress:me@example.com?verify=none").ok);
});
