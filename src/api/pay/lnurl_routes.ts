import type { Context } from "@hono/hono";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { formatSat } from "../../money/msat.ts";
import { invoiceText } from "../../payments/invoice_text.ts";
import { metadataOf } from "../../payments/lnurl.ts";
import { fitsLnurl } from "../../payments/payment_pages.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import type { PayGuard } from "./pay_guard.ts";
import { type OpenInvoice, payLook, type PayState } from "./pay_state.ts";
import type { Payable } from "./payable_store.ts";

const PATH = "/lnurl/:random";
const param = (name: string, description: string) =>
  z.string().openapi({ param: { name, in: "path" }, description });
const random = param("random", "the order's, from its payment request");

const errorSchema = z.object({ status: z.literal("ERROR"), reason: z.string() });
const payRequestSchema = z.object({
  tag: z.literal("payRequest"),
  callback: z.string(),
  minSendable: z.int(),
  maxSendable: z.int(),
  metadata: z.string(),
});
const invoiceSchema = z.object({ pr: z.string(), routes: z.array(z.string()), verify: z.string() });
const verifySchema = z.object({
  status: z.literal("OK"),
  settled: z.boolean(),
  preimage: z.null().openapi({ description: "only payer and wallet have it" }),
  pr: z.string(),
});
const oneOf = (schema: z.ZodType) => ({
  description: "done, or why not",
  content: { "application/json": { schema: z.union([schema, errorSchema]) } },
});
const refused = (description: string) => ({
  description,
  content: { "application/json": { schema: errorSchema } },
});
const described = { security: [], tags: ["payment pages"] };
const refusals = { 404: refused("there is no such order"), 429: refused("too many requests") };

/** Why there is nothing to pay, for the payer's wallet to show. */
const REASONS: Record<Exclude<PayState, "waiting">, string> = {
  making: "The invoice is being made. Please try again in a moment.",
  held: "This is being paid already.",
  paid: "This is paid already.",
  returned: "This was paid already, and the payment goes back.",
  expired: "The time to pay has run out. Ask the shop for a new invoice.",
  closed: "There is nothing to pay here any more.",
};
const OTHERWISE = "The present invoice can't be paid this way. Use the invoice that the shop sent.";

/**
 * An order's LNURL: a pay request (LUD-06) for what it owes, whose invoice is the order's own, with LUD-21's word on whether it
 * is paid. Open to everybody who has the address, and without customers' data (design §9).
 */
export function lnurlRoutes(app: OpenAPIHono<ApiEnv>, parts: ApiParts, guard: PayGuard): void {
  const { clock } = parts;
  const base = (token: string) => `${parts.baseUrl()}/lnurl/${token}`;

  /** Answers about the order that the address names. Web wallets read it from pages of their own. */
  const answer = async (
    c: Context<ApiEnv>,
    token: string,
    about: (payable: Payable) => Record<string, unknown> | string,
  ) => {
    const headers = { "access-control-allow-origin": "*", "x-robots-tag": "noindex" };
    const error = (reason: string) => ({ status: "ERROR", reason });
    const found = await guard.find(c.env?.address ?? "", token);
    if ("refused" in found) {
      return found.refused === "crowded"
        ? c.json(error("Too many requests. Try again in a minute."), 429, { ...headers, "retry-after": "60" })
        : c.json(error("There is nothing to pay here."), 404, headers);
    }
    const said = about(found.payable);
    return c.json(typeof said === "string" ? error(said) : said, 200, headers);
  };

  app.get(PATH, (c) => {
    const token = c.req.param("random");
    return answer(c, token, (payable) => {
      const owed = payableNow(payable, clock.now());
      if (typeof owed === "string") return owed;
      // At most 1 BTC: a number holds it.
      const msat = Number(owed.amountMsat);
      return {
        tag: "payRequest",
        callback: `${base(token)}/callback`,
        minSendable: msat,
        maxSendable: msat,
        metadata: metadataOf(invoiceText(payable.merchant, payable.orderId)),
      };
    });
  });
  app.get(`${PATH}/callback`, (c) => {
    const token = c.req.param("random");
    const amount = c.req.query("amount");
    return answer(c, token, (payable) => {
      const owed = payableNow(payable, clock.now());
      if (typeof owed === "string") return owed;
      if (amount !== String(owed.amountMsat)) {
        return `The amount must be ${formatSat(owed.amountMsat)}, in msat.`;
      }
      return { pr: owed.bolt11, routes: [], verify: `${base(token)}/verify/${owed.paymentHash}` };
    });
  });
  app.get(`${PATH}/verify/:hash`, (c) => {
    const { random: token, hash } = c.req.param();
    return answer(c, token, ({ invoices }) => {
      const invoice = invoices.find((one) => one.payment_hash === hash);
      if (!invoice?.bolt11) return "Not found";
      return { status: "OK", settled: invoice.state === "paid", preimage: null, pr: invoice.bolt11 };
    });
  });

  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/lnurl/{random}",
    operationId: "lnurlPay",
    summary: "LUD-06: asks the payer's wallet for what the order owes, no more and no less",
    ...described,
    request: { params: z.object({ random }) },
    responses: { 200: oneOf(payRequestSchema), ...refusals },
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/lnurl/{random}/callback",
    operationId: "lnurlCallback",
    summary: "LUD-06: the order's invoice",
    ...described,
    request: {
      params: z.object({ random }),
      query: z.object({ amount: z.string().openapi({ description: "msat, as the pay request says" }) }),
    },
    responses: { 200: oneOf(invoiceSchema), ...refusals },
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/lnurl/{random}/verify/{hash}",
    operationId: "lnurlVerify",
    summary: "LUD-21: whether the invoice is paid",
    ...described,
    request: { params: z.object({ random, hash: param("hash", "the invoice's payment hash") }) },
    responses: { 200: oneOf(verifySchema), ...refusals },
  });
}

/** The invoice to answer with, or why there is none. */
function payableNow(payable: Payable, now: number): OpenInvoice | string {
  const look = payLook(payable, now);
  if (look.state !== "waiting") return REASONS[look.state];
  const order = { merchant: payable.merchant, id: payable.orderId };
  return fitsLnurl(look.invoice.bolt11, order) ? look.invoice : OTHERWISE;
}
