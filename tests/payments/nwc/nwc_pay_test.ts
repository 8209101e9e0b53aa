import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { assertEquals, assertRejects } from "@std/assert";
import { outgoingStatusOf } from "../../../src/payments/nwc/paying.ts";
import { WalletError, type WalletErrorKind } from "../../../src/payments/wallet.ts";
import { FakeRelay } from "../../support/fake_relay.ts";
import { serveNpmRelay } from "../../support/npm_relay.ts";
import { until } from "../../support/wire.ts";
import { patience, ScriptedWallet } from "./scripted_wallet.ts";

const forEver = new AbortController().signal;
const PREIMAGE = "17".repeat(32);
const HASH = bytesToHex(sha256(hexToBytes(PREIMAGE)));
const payment = {
  bolt11: "lnbcrt1refund",
  paymentHash: HASH,
  amountMsat: 100_000n,
  amountless: false,
  maxFeeMsat: 10_000n,
};
const ref = { paymentHash: HASH, bolt11: payment.bolt11, createdAt: Date.now() };
const METHODS = "make_invoice lookup_invoice get_info pay_invoice";
const outgoing = { type: "outgoing", payment_hash: HASH, amount: 100_000, created_at: 1 };

async function failure(work: Promise<unknown>, kind: WalletErrorKind): Promise<void> {
  const error = await assertRejects(() => work, WalletError) as WalletError;
  assertEquals(error.kind, kind, error.message);
}

Deno.test("pay_invoice: the invoice, an amount only where it names none, and the proof comes back", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  service.answer = () => ({ result_type: "pay_invoice", result: { preimage: PREIMAGE, fees_paid: 3_000 } });
  await service.serve({ methods: METHODS, encryption: "nip44_v2" });
  const wallet = service.connect();
  assertEquals(await wallet.pay(payment, forEver), { preimage: PREIMAGE, feeMsat: 3_000n });
  service.answer = () => ({ result: { preimage: PREIMAGE.toUpperCase() } });
  assertEquals(await wallet.pay({ ...payment, amountless: true }, forEver), {
    preimage: PREIMAGE,
    feeMsat: null,
  });
  assertEquals(service.requests.map((one) => [one.method, one.params]), [
    ["pay_invoice", { invoice: payment.bolt11 }],
    ["pay_invoice", { invoice: payment.bolt11, amount: 100_000 }],
  ]);
  await wallet.close();
});

Deno.test("only a refusal before anything was paid counts as one; everything else may be under way", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  for (
    const [code, kind] of [
      ["INSUFFICIENT_BALANCE", "refused"],
      ["QUOTA_EXCEEDED", "refused"],
      ["RESTRICTED", "unauthorized"],
      ["RATE_LIMITED", "busy"],
      ["PAYMENT_FAILED", "bad_answer"],
      ["INTERNAL", "bad_answer"],
      ["OTHER", "bad_answer"],
    ] as const
  ) {
    service.answer = () => ({ error: { code, message: "no" } });
    await failure(wallet.pay(payment, forEver), kind);
  }
  service.answer = () => ({ result: {} });
  await failure(wallet.pay(payment, forEver), "bad_answer");
  await wallet.close();
});

Deno.test("a request to pay goes out once, however long the answer takes; its end is no answer", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  const wait = patience();
  const paid = wallet.pay(payment, wait.signal);
  paid.catch(() => {});
  const sent = () => relay.frames.filter((frame) => JSON.parse(frame)[1].kind === 23194).length;
  await until(() => service.requests.length === 1);
  for (let i = 0; i < 5; i++) await service.clock.advance(3_000);
  assertEquals(sent(), 1);
  wait.end();
  await failure(paid, "no_answer");
  await wallet.close();
});

Deno.test("a connection that may not pay isn't asked to", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: "make_invoice lookup_invoice" });
  const wallet = service.connect();
  await failure(wallet.pay(payment, forEver), "not_implemented");
  assertEquals(service.requests, []);
  await wallet.close();
});

Deno.test("what became of a payment is looked up; one that came in under the same hash is another", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: `${METHODS} list_transactions` });
  const wallet = service.connect();
  const looked = () => wallet.lookupPayment(ref, forEver);
  service.answer = () => ({
    result: { ...outgoing, state: "settled", preimage: PREIMAGE, fees_paid: 1_000 },
  });
  assertEquals(await looked(), { status: "settled", preimage: PREIMAGE, feeMsat: 1_000n });
  service.answer = () => ({ result: { ...outgoing, state: "failed" } });
  assertEquals(await looked(), { status: "failed" });
  // Some wallets look up only what came in: then the list says.
  service.answer = ({ method, params }) =>
    method === "lookup_invoice"
      ? { error: { code: "NOT_FOUND", message: "no" } }
      : { result: { transactions: params.type === "outgoing" && params.offset === 0 ? [outgoing] : [] } };
  assertEquals(await looked(), { status: "pending" });
  service.answer = ({ method }) =>
    method === "lookup_invoice"
      ? { result: { ...outgoing, type: "incoming", state: "settled" } }
      : { result: { transactions: [] } };
  assertEquals(await looked(), { status: "not_found" });
  await wallet.close();
});

Deno.test("a transaction's state says what became of a payment; a preimage alone doesn't", () => {
  const status = (more: Record<string, unknown>) => outgoingStatusOf({ ...outgoing, ...more }, HASH)?.status;
  assertEquals(status({ settled_at: 5 }), "settled");
  assertEquals(status({ state: "failed", settled_at: 5 }), "failed");
  assertEquals(status({ state: "pending", preimage: PREIMAGE }), "pending");
  assertEquals(status({ preimage: PREIMAGE }), "pending");
  assertEquals(status({ state: "expired" }), "pending");
  assertEquals(status({ type: "incoming", state: "settled" }), undefined);
  assertEquals(status({ payment_hash: "00".repeat(32), state: "settled" }), undefined);
});
