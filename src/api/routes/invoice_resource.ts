import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { refundStates, type Tables } from "../../db/tables.ts";
import type { OrderRow } from "../../orders/orders_store.ts";
import { tillState, tillStates } from "../../orders/till.ts";
import type { Traits } from "../../orders/types.ts";
import { type InvoiceRow, invoicesOfOrders, linksOf } from "../../payments/invoices_store.ts";
import { type RefundRow, refundsOfOrders } from "../../payments/refunds_store.ts";
import { hexKey, msat, rfc3339, rfc3339OrNull, time } from "./describe.ts";

export const invoiceSchema = z.object({
  id: z.string(),
  reference: z.string().openapi({ description: "what the program that asked for it calls it" }),
  merchant: hexKey,
  order_id: z.string().openapi({ description: "the order that it is in the books: the same id" }),
  state: z.enum(tillStates).openapi({
    description: "creating → open → paid; underpaid: a part has come, and `bolt11` asks for the rest; " +
      "refund_due: all that came is to go back; paid stays paid when somebody pays twice",
  }),
  amount_msat: msat.openapi({ description: "what is to be paid: whole sats, fixed" }),
  amount: z.string().openapi({ description: "what was asked for" }),
  currency: z.string(),
  rate: z.object({ currency: z.string(), per_btc: z.string(), sources: z.array(z.string()), at: z.string() })
    .nullable(),
  received_msat: msat,
  refunding_msat: msat.openapi({ description: "of what was received: is to go back, or has gone" }),
  bolt11: z.string().nullable().openapi({ description: "to be paid now; null when nothing is" }),
  payment_hash: z.string().nullable().openapi({ description: "of `bolt11`, or of what was paid last" }),
  links: z.array(z.object({ type: z.enum(["btc", "url", "lnurl"]), link: z.string() }))
    .openapi({ description: "further ways to pay what is to be paid now" }),
  refunds: z.array(z.object({
    id: z.string(),
    reference: z.string().nullable().openapi({ description: "null: it is due by itself, or a person's" }),
    amount_msat: msat,
    state: z.enum(refundStates),
    destination: z.string().nullable(),
  })),
  reason: z.string().nullable().openapi({ description: "why it ended, for people" }),
  expires_at: time.nullable(),
  created_at: time,
  updated_at: time,
  paid_at: time.nullable(),
}).openapi("Invoice");

type InvoiceResource = z.infer<typeof invoiceSchema>;

/** Orders of tills as these see them. Two look-ups for all of them, not two each. */
export async function invoiceResources(db: Kysely<Tables>, orders: OrderRow[]): Promise<InvoiceResource[]> {
  const ids = orders.map((order) => order.id);
  const attempts = Map.groupBy(await invoicesOfOrders(db, ids), (one) => one.order_id);
  const refunds = Map.groupBy(await refundsOfOrders(db, ids), (one) => one.order_id!);
  return orders.map((order) => resource(order, attempts.get(order.id) ?? [], refunds.get(order.id) ?? []));
}

function resource(order: OrderRow, attempts: InvoiceRow[], refunds: RefundRow[]): InvoiceResource {
  // What waits with the wallet has been paid, as far as who pays can do anything about it.
  const open = order.payment === "held" ? undefined : attempts.find(({ state }) => state === "open");
  const shown = open ?? attempts.findLast(({ state }) => state === "paid");
  const { asked } = JSON.parse(order.traits) as Traits;
  return {
    id: order.id,
    reference: order.customer_order_id,
    merchant: order.merchant,
    order_id: order.id,
    state: tillState(order),
    amount_msat: String(order.total_msat),
    amount: asked?.amount ?? String(order.total_msat),
    currency: asked?.currency ?? "msat",
    rate: order.rate === null ? null : JSON.parse(order.rate) as InvoiceResource["rate"],
    received_msat: String(order.received_msat),
    refunding_msat: String(order.refunding_msat),
    bolt11: open?.bolt11 ?? null,
    payment_hash: shown?.payment_hash ?? null,
    links: open ? linksOf(open) : [],
    refunds: refunds.map(({ id, reference, amount_msat, state, destination }) => ({
      id,
      reference,
      amount_msat: String(amount_msat),
      state,
      destination,
    })),
    reason: order.reason,
    expires_at: rfc3339OrNull(open?.expires_at ?? order.expires_at),
    created_at: rfc3339(order.created_at),
    updated_at: rfc3339(order.updated_at),
    paid_at: rfc3339OrNull(order.paid_at),
  };
}
