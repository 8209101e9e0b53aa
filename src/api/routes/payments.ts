import { z } from "@hono/zod-openapi";
import { apply } from "../../orders/apply.ts";
import { lockOrder } from "../../orders/orders_store.ts";
import { paymentArrived } from "../../orders/payment_arrived.ts";
import { findPayment, listPayments, type PaymentRow } from "../../payments/payments_store.ts";
import { assignPayment } from "../../payments/unmatched.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { hexKey, idParam, json, msat, operation, rfc3339, time } from "./describe.ts";

const assignSchema = z.strictObject({
  order_id: z.string().min(1).max(256).openapi({ description: "ours, of the same merchant" }),
});

const paymentSchema = z.object({
  id: z.string(),
  order_id: z.string().nullable(),
  merchant: hexKey,
  payment_hash: z.string().regex(/^[0-9a-f]{64}(:\d+)?$/).openapi({
    description:
      "Of an on-chain payment its outpoint: the transaction's id, a colon and the output's number.",
  }),
  amount_msat: msat,
  wallet: z.string(),
  settled_at: time,
  state: z.enum(["matched", "unmatched", "refunded"]),
}).openapi("Payment");

/** Money that the wallet says has arrived. */
export function paymentRoutes({ database, clock }: ApiParts) {
  const api = newApi();
  for (const [path, state] of [["/payments", undefined], ["/payments/unmatched", "unmatched"]] as const) {
    addList(api, {
      path,
      id: state ? "listUnmatchedPayments" : "listPayments",
      summary: state ? "Payments that match no order" : "Payments, newest first",
      tag: "payments",
      scope: "payments:read",
      reach: "named",
      filter: { order_id: z.string().optional() },
      item: paymentSchema,
      name: state ? "UnmatchedPayments" : "Payments",
      key: ["int", "text"],
      read: ({ merchant, order_id: orderId }, slice) =>
        listPayments(database.kysely, { merchant, orderId, state }, slice),
      place: ({ created_at, id }) => [created_at, id],
      show: (rows) => rows.map(shape),
    });
  }
  api.openapi(
    operation({
      method: "post",
      path: "/payments/{id}/assign",
      id: "assignPayment",
      summary: "Give an unmatched payment to an order: it counts as if the order's own invoice had been paid",
      tag: "payments",
      scope: "payments:write",
      reach: "payment",
      request: { params: idParam, ...json(assignSchema) },
      answer: paymentSchema,
      status: 200,
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const { order_id: orderId } = c.req.valid("json");
      const orders = { orderOf: lockOrder, apply, paymentArrived };
      const row = await database.transaction(async (tx) => {
        const assigned = await assignPayment(tx, { paymentId: id, orderId, orders, now: clock.now() });
        if (assigned.ok) return (await findPayment(tx, id))!;
        const { code, reason } = assigned;
        throw code === "not_found"
          ? new Problem(404, "not_found", reason)
          : new Problem(409, "wrong_state", reason);
      });
      return c.json(shape(row), 200);
    },
  );
  return api;
}

function shape(row: PaymentRow): z.infer<typeof paymentSchema> {
  const { id, order_id, merchant, payment_hash, wallet, state } = row;
  return {
    id,
    order_id,
    merchant,
    payment_hash,
    wallet,
    state,
    amount_msat: String(row.amount_msat),
    settled_at: rfc3339(row.settled_at),
  };
}
