import { assert, assertEquals } from "@std/assert";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type OutgoingPayment, type Wallet, WalletError } from "../../../src/payments/wallet.ts";
import { BtcpayServer, KEY, STORE } from "../contract/btcpay_server.ts";
import { openBtcpay } from "./open.ts";

const soon = () => AbortSignal.timeout(30_000);

async function withDesk(
  fn: (scene: { server: BtcpayServer; wallet: Wallet }) => Promise<void>,
): Promise<void> {
  await using server = new BtcpayServer();
  server.permissions = [`btcpay.store.cancreatepullpayments:${STORE}`];
  const wallet = openBtcpay(server.url(KEY, "&refunds=pull-payments"));
  try {
    await fn({ server, wallet });
  } finally {
    await wallet.close();
  }
}

async function owed(server: BtcpayServer, amountMsat = 21_000_000n): Promise<OutgoingPayment> {
  const bolt11 = await server.desk.theirInvoice(amountMsat, true);
  const read = decodeBolt11(bolt11);
  assert(read.ok);
  return { bolt11, paymentHash: read.invoice.paymentHash, amountMsat, amountless: false, maxFeeMsat: 0n };
}

async function kindOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(() => null, (error) => error);
  assert(error instanceof WalletError, String(error));
  return error.kind;
}

const reference = ({ bolt11, paymentHash }: OutgoingPayment) => ({
  bolt11,
  paymentHash,
  createdAt: Date.now(),
});

Deno.test("a refund is a pull payment of just its amount, for Lightning alone, approved beforehand", () =>
  withDesk(async ({ server, wallet }) => {
    const payment = await owed(server);
    await wallet.pay!(payment, soon());
    const [{ id: _, archived: __, ...made }, ...more] = server.desk.pullPayments as [Record<string, unknown>];
    assertEquals(more, []);
    assertEquals(made, {
      name: `Refund ${payment.paymentHash.slice(0, 40)}`,
      amount: "0.00021",
      currency: "BTC",
      autoApproveClaims: true,
      payoutMethods: ["BTC-LN"],
      BOLT11Expiration: 0,
    });
    assert(String(made.name).length <= 50, "BTCPay's longest name");
  }));

Deno.test("what isn't processed yet is under way, and asking again claims nothing more", () =>
  withDesk(async ({ server, wallet }) => {
    server.desk.slow = true;
    const payment = await owed(server);
    assertEquals(await wallet.lookupPayment!(reference(payment), soon()), { status: "not_found" });
    for (let n = 0; n < 2; n++) {
      assertEquals(await kindOf(wallet.pay!(payment, AbortSignal.timeout(300))), "no_answer");
    }
    assertEquals([server.desk.claims, server.desk.pullPayments.length], [1, 1]);
    assertEquals(await wallet.lookupPayment!(reference(payment), soon()), { status: "pending" });
    server.desk.process();
    const looked = await wallet.lookupPayment!(reference(payment), soon());
    assert(looked.status === "settled");
    assertEquals((await wallet.pay!(payment, soon())).preimage, looked.preimage);
    assertEquals(server.desk.claims, 1);
  }));

Deno.test("a payout that a person marked as paid is settled without proof; a cancelled one has failed", () =>
  withDesk(async ({ server, wallet }) => {
    server.desk.slow = true;
    const [byHand, cancelled] = [await owed(server), await owed(server, 1_000n)];
    for (const one of [byHand, cancelled]) await kindOf(wallet.pay!(one, AbortSignal.timeout(300)));
    Object.assign(server.desk.payouts[0]!, { state: "Completed", paymentProof: { proofType: "Manual" } });
    server.desk.payouts[1]!.state = "Cancelled";
    assertEquals(await wallet.lookupPayment!(reference(byHand), soon()), {
      status: "settled",
      preimage: null,
      feeMsat: null,
    });
    assertEquals(await kindOf(wallet.pay!(byHand, AbortSignal.timeout(300))), "no_answer");
    assertEquals(await wallet.lookupPayment!(reference(cancelled), soon()), { status: "failed" });
    assertEquals(await kindOf(wallet.pay!(cancelled, soon())), "refused");
  }));

Deno.test("before it is claimed nothing can be paid, whatever becomes of the question; after it may be", () =>
  withDesk(async ({ server, wallet }) => {
    const payment = await owed(server);
    server.faults.instead = { status: 200, body: "<h1>Hello</h1>" };
    assertEquals(await kindOf(wallet.pay!(payment, soon())), "busy");
    server.faults.instead = { status: 500, body: "" };
    assertEquals(await kindOf(wallet.pay!(payment, soon())), "busy");
    assertEquals(server.desk.claims, 0);
    const answer = server.desk.answer.bind(server.desk);
    server.desk.answer = async (request, store) => {
      const claims = request.method === "POST" && request.url.endsWith("/payouts");
      const answered = await answer(request, store);
      return claims ? new Response("", { status: 502 }) : answered;
    };
    assertEquals(await kindOf(wallet.pay!(payment, soon())), "no_answer");
    assertEquals((await wallet.lookupPayment!(reference(payment), soon())).status, "settled");
  }));

Deno.test("a wallet that pays needs a key for pull payments; one that doesn't has no way to pay", () =>
  withDesk(async ({ server, wallet }) => {
    assertEquals((await wallet.probe(soon())).methods, ["btcpay.store.cancreatepullpayments"]);
    server.permissions = ["btcpay.store.canmodifyinvoices"];
    assertEquals(await kindOf(wallet.probe(soon())), "unauthorized");
    const receiving = openBtcpay(server.url());
    assertEquals([receiving.caps.pay, receiving.pay, receiving.lookupPayment], [false, undefined, undefined]);
    await receiving.probe(soon());
    await receiving.close();
  }));
