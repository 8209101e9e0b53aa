import { z } from "@hono/zod-openapi";
import { refundStates } from "../../db/tables.ts";
import { parsePublicKey } from "../../nostr/keys.ts";
import {
  approveRefund,
  cancelRefund,
  type Decided,
  refundByHand,
  retryRefund,
} from "../../payments/refund_decisions.ts";
import { refundOrder, refundPayment } from "../../payments/refund_requests.ts";
import { findRefund, listRefunds, type RefundRow } from "../../payments/refunds_store.ts";
import type { Tx } from "../../db/database.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import {
  hexKey,
  idParam,
  json,
  msat,
  notFound,
  operation,
  rfc3339,
  rfc3339OrNull,
  time,
  wrongField,
} from "./describe.ts";

const tag = "refunds";
const sentence = z.string().trim().min(1).max(200);
const amount = z.string().regex(/^[1-9]\d{0,15}$/, "must be whole millisatoshi, as a string").optional();

const refundSchema = z.object({
  id: z.string(),
  merchant: hexKey,
  order_id: z.string().nullable(),
  payment_id: z.string().nullable().openapi({ description: "of a payment that matches no order" }),
  customer: hexKey.nullable(),
  amount_msat: msat,
  reason: z.string(),
  state: z.enum(refundStates).openapi({
    description: "due → approved → sending → sent; or by_hand, cancelled; unknown: the wallet never answered",
  }),
  destination: z.string().nullable().openapi({
    description: "BOLT11 or Lightning address that the customer sent",
  }),
  payment_hash: hexKey.nullable(),
  wallet: z.string().nullable(),
  fee_msat: msat.nullable(),
  approved_by: z.string().nullable(),
  approved_at: time.nullable(),
  ended_at: time.nullable(),
  note: z.string().nullable(),
  created_at: time,
  updated_at: time,
}).openapi("Refund");

/** Money that goes back: looked at, opened, approved or ended by a person. What a refund's state doesn't allow is refused with 409. */
export function refundRoutes({ database, clock, random, merchants }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/refunds",
    id: "listRefunds",
    summary: "Refunds, newest first",
    tag,
    scope: "refunds:read",
    reach: "named",
    filter: {
      order_id: z.string().optional(),
      payment_id: z.string().optional(),
      state: z.enum(refundStates).optional(),
    },
    item: refundSchema,
    name: "Refunds",
    key: ["int", "text"],
    read: ({ order_id: orderId, payment_id: paymentId, ...filter }, slice) =>
      listRefunds(database.kysely, { ...filter, orderId, paymentId }, slice),
    place: ({ created_at, id }) => [created_at, id],
    show: (rows) => rows.map(shape),
  });
  api.openapi(
    operation({
      method: "get",
      path: "/refunds/{id}",
      id: "getRefund",
      summary: "One refund",
      tag,
      scope: "refunds:read",
      reach: "refund",
      request: { params: idParam },
      answer: refundSchema,
      status: 200,
    }),
    async (c) => c.json(shape(await one(c.req.valid("param").id)), 200),
  );
  action(
    "refund",
    "/refunds/{id}/approve",
    "approveRefund",
    "Pay it to the invoice or address that the customer sent; from now on nothing of it changes",
    z.strictObject({
      payment_hash: hexKey.optional().openapi({
        description: "of the invoice you have seen: no other is paid",
      }),
      destination: z.string().max(8_000).optional().openapi({
        description: "that you have seen: to no other it is paid",
      }),
    }),
    async (tx, { id, by, body }) => {
      const merchant = (await findRefund(tx, id))?.merchant ?? "";
      const canPay = merchants.get(merchant)?.spend?.pay !== undefined;
      return await approveRefund(tx, {
        id,
        by,
        paymentHash: body.payment_hash,
        destination: body.destination,
        canPay,
      }, clock.now());
    },
  );
  action(
    "refund",
    "/refunds/{id}/by_hand",
    "refundByHand",
    "It was given back another way",
    z.strictObject({ note: sentence.openapi({ description: "how, for the books" }) }),
    (tx, { id, by, body }) => refundByHand(tx, { id, by, note: body.note }, clock.now()),
  );
  action(
    "refund",
    "/refunds/{id}/cancel",
    "cancelRefund",
    "Nothing goes back; the customer, to whom it was promised, reads the reason",
    z.strictObject({ reason: sentence }),
    (tx, { id, body }) => cancelRefund(tx, { id, reason: body.reason }, clock.now()),
  );
  action(
    "refund",
    "/refunds/{id}/retry",
    "retryRefund",
    "One in doubt: you have looked into the wallet and nothing was paid",
    z.strictObject({ confirm: z.literal("not paid").openapi({ description: "what you have seen" }) }),
    (tx, { id }) => retryRefund(tx, id, clock.now()),
  );
  action(
    "order",
    "/orders/{id}/refund",
    "refundOrder",
    "Give money back: what is too much, else everything, which cancels the order",
    z.strictObject({ amount_msat: amount, reason: sentence }),
    (tx, { id, body }) => {
      const fact = `request:${random.uuid()}`;
      const of = { orderId: id, amountMsat: msatOf(body.amount_msat), reason: body.reason, fact };
      return refundOrder(tx, of, clock.now());
    },
  );
  action(
    "payment",
    "/payments/{id}/refund",
    "refundPayment",
    "Give back a payment that matches no order",
    z.strictObject({
      amount_msat: amount,
      reason: sentence,
      customer: z.string().max(100).optional().openapi({
        description: "npub or hex: who may say where it goes. Without it, it is given back by hand",
      }),
    }),
    (tx, { id, body }) => {
      const key = body.customer === undefined ? null : parsePublicKey(body.customer);
      if (key?.ok === false) throw wrongField("/customer", key.reason);
      return refundPayment(tx, {
        paymentId: id,
        amountMsat: msatOf(body.amount_msat),
        reason: body.reason,
        customer: key?.pubkey ?? null,
        fact: `request:${random.uuid()}`,
      }, clock.now());
    },
  );
  return api;

  function action<T>(
    reach: "refund" | "order" | "payment",
    path: string,
    id: string,
    summary: string,
    body: z.ZodType<T>,
    act: (tx: Tx, o: { id: string; by: string; body: T }) => Promise<Decided>,
  ): void {
    api.openapi(
      operation({
        method: "post",
        path: path as "/refunds/{id}/action",
        id,
        summary,
        tag,
        scope: "refunds:write",
        reach,
        request: { params: idParam, ...json(body as z.ZodType) },
        answer: refundSchema,
        status: 200,
      }),
      async (c) => {
        const about = {
          id: c.req.valid("param").id,
          by: c.get("actor"),
          body: c.req.valid("json") as T,
        };
        const decided = await database.transaction((tx) => act(tx, about));
        if (decided.ok) return c.json(shape(decided.refund), 200);
        const missing = decided.code === "not_found";
        throw new Problem(missing ? 404 : 409, missing ? "not_found" : "wrong_state", decided.reason);
      },
    );
  }

  async function one(id: string): Promise<RefundRow> {
    const refund = await findRefund(database.kysely, id);
    if (!refund) throw notFound("refund", id);
    return refund;
  }
}

function msatOf(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text);
}

function shape(row: RefundRow): z.infer<typeof refundSchema> {
  return {
    id: row.id,
    merchant: row.merchant,
    order_id: row.order_id,
    payment_id: row.payment_id,
    customer: row.customer,
    amount_msat: String(row.amount_msat),
    reason: row.reason,
    state: row.state,
    destination: row.destination,
    payment_hash: row.payment_hash,
    wallet: row.wallet,
    fee_msat: row.fee_msat === null ? null : String(row.fee_msat),
    approved_by: row.approved_by,
    approved_at: rfc3339OrNull(row.approved_at),
    ended_at: rfc3339OrNull(row.ended_at),
    note: row.note,
    created_at: rfc3339(row.created_at),
    updated_at: rfc3339(row.updated_at),
  };
}
