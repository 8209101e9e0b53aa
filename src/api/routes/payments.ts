import { z } from "@hono/zod-openapi";
import { listPayments, type PaymentRow } from "../../payments/payments_store.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { page } from "../../db/keyset.ts";
import { pageOf, pageQuery, placeOf } from "../page.ts";
import { hexKey, merchantQuery, msat, operation, rfc3339, time } from "./describe.ts";

const paymentSchema = z.object({
  id: z.string(),
  order_id: z.string().nullable(),
  merchant: hexKey,
  payment_hash: hexKey,
  amount_msat: msat,
  wallet: z.string(),
  settled_at: time,
  state: z.enum(["matched", "unmatched", "refunded"]),
}).openapi("Payment");

/** Money that the wallet says has arrived. */
export function paymentRoutes({ database }: ApiParts) {
  const api = newApi();
  for (const [path, state] of [["/payments", undefined], ["/payments/unmatched", "unmatched"]] as const) {
    api.openapi(
      operation({
        method: "get",
        path,
        id: state ? "listUnmatchedPayments" : "listPayments",
        summary: state ? "Payments that match no order" : "Payments, newest first",
        tag: "payments",
        request: { query: merchantQuery.extend({ ...pageQuery, order_id: z.string().optional() }) },
        answer: pageOf(paymentSchema, state ? "UnmatchedPayments" : "Payments"),
        status: 200,
      }),
      async (c) => {
        const { limit, cursor, merchant, order_id } = c.req.valid("query");
        const key = placeOf(cursor, ["int", "text"]);
        const rows = await listPayments(database.kysely, { merchant, orderId: order_id, state }, {
          limit: limit + 1,
          after: key && { createdAt: key[0], id: key[1] },
        });
        return c.json(page(rows, limit, (row) => [row.created_at, row.id], shape), 200);
      },
    );
  }
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
