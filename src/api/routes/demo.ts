import { z } from "@hono/zod-openapi";
import { decodeBolt11 } from "../../payments/bolt11.ts";
import { DemoWallet } from "../../payments/demo_wallet.ts";
import { findInvoiceByHash } from "../../payments/invoices_store.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { hexKey, json, msat, operation, wrongField } from "./describe.ts";

const settleSchema = z.strictObject({
  invoice: z.string().trim().min(1).max(8_000).openapi({ description: "BOLT11, or its payment hash" }),
});
const settledSchema = z.object({
  merchant: hexKey,
  order_id: z.string(),
  payment_hash: hexKey,
  amount_msat: msat,
}).openapi("DemoPayment");

/** What the demo wallet lacks to see a sale: somebody who pays. It isn't there for real wallets. */
export function demoRoutes({ database, merchants }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "post",
      path: "/demo/settle",
      id: "settleDemoInvoice",
      summary: "Pay an invoice of the demo wallet, as a customer would (404 without a demo wallet)",
      tag: "demo",
      scope: "payments:write",
      reach: "handler",
      request: json(settleSchema),
      answer: settledSchema,
      status: 200,
    }),
    async (c) => {
      const access = c.get("access");
      if (!merchants.all().some((one) => access.sees(one.pubkey) && demoWalletOf(one.pubkey))) {
        throw new Problem(404, "no_demo_wallet", "No merchant here has the demo wallet (NCC_WALLET=demo:).");
      }
      const paymentHash = hashOf(c.req.valid("json").invoice);
      const invoice = access.visible(await findInvoiceByHash(database.kysely, paymentHash));
      const wallet = invoice && demoWalletOf(invoice.merchant);
      if (!invoice || !wallet) {
        throw new Problem(404, "not_found", `The demo wallet has no invoice ${paymentHash}.`);
      }
      const settled = await wallet.settle(paymentHash);
      if (!settled.ok) throw new Problem(409, "wrong_state", `The invoice can't be paid: ${settled.reason}.`);
      const { merchant, order_id } = invoice;
      const amount_msat = String(settled.amountMsat);
      return c.json({ merchant, order_id, payment_hash: paymentHash, amount_msat }, 200);
    },
  );
  return api;

  function demoWalletOf(pubkey: string): DemoWallet | null {
    const wallet = merchants.get(pubkey)?.wallet?.inner;
    return wallet instanceof DemoWallet ? wallet : null;
  }
}

function hashOf(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  const decoded = decodeBolt11(text.replace(/^lightning:/i, ""));
  if (!decoded.ok) {
    throw wrongField("/invoice", `This is neither a BOLT11 invoice nor a payment hash: ${decoded.reason}`);
  }
  return decoded.invoice.paymentHash;
}
