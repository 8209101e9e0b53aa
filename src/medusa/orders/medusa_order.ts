import { z } from "zod";
import { addDecimal, formatDecimal, parseDecimal } from "../../money/decimal.ts";

/** An order as Medusa's admin API has it, so far as it concerns us. */
export interface MedusaOrder {
  id: string;
  /** `draft`, `pending`, `completed`, `canceled`, …; what isn't one of these is a state of Medusa's own making. */
  status: string;
  email: string | null;
  /** ISO 3166-1, lower case; Medusa never lets it change. */
  country: string | null;
  /** Taxes and shipping included, a decimal string in the order's currency. */
  total: string;
  items: {
    id: string;
    variant: string | null;
    quantity: number;
    fulfilled: number;
    shipped: number;
    delivered: number;
  }[];
  collections: { id: string; status: string; amount: string; payments: MedusaPayment[] }[];
  fulfilments: {
    id: string;
    shippedAt: string | null;
    deliveredAt: string | null;
    canceledAt: string | null;
    carrier: string | null;
    tracking: string[];
  }[];
}

export interface MedusaPayment {
  id: string;
  captured: string;
  refunded: string;
}

/** What has to be asked for: these parts aren't in an answer by themselves. */
export const ORDER_FIELDS = [
  "id",
  "status",
  "is_draft_order",
  "email",
  "shipping_address.country_code",
  "total",
  "*items",
  "*items.detail",
  "*payment_collections",
  "*payment_collections.payments",
  "*payment_collections.payments.captures",
  "*payment_collections.payments.refunds",
  "*fulfillments",
  "*fulfillments.labels",
].join(",");

/** An amount: a number whose text is what was meant, or a string. */
const amount = z.union([z.number(), z.string()]).transform(String);
const count = z.number().nullish().transform((value) => value ?? 0);
const list = <T extends z.ZodType>(of: T) => z.array(of).nullish().transform((some) => some ?? []);
const time = z.string().nullish().transform((value) => value ?? null);

/** The exact sum of amounts; what isn't a number counts as none. */
export function sumOf(amounts: readonly string[]): string {
  const zero = { units: 0n, scale: 0 };
  return formatDecimal(amounts.map((one) => parseDecimal(one) ?? zero).reduce(addDecimal, zero));
}

const payment = z.object({
  id: z.string(),
  captures: list(z.object({ amount })),
  refunds: list(z.object({ amount })),
}).transform(({ id, captures, refunds }): MedusaPayment => ({
  id,
  captured: sumOf(captures.map((one) => one.amount)),
  refunded: sumOf(refunds.map((one) => one.amount)),
}));

const item = z.object({
  id: z.string(),
  variant_id: z.string().nullish(),
  quantity: z.number(),
  detail: z.object({
    fulfilled_quantity: count,
    shipped_quantity: count,
    delivered_quantity: count,
  }).nullish(),
}).transform((row) => ({
  id: row.id,
  variant: row.variant_id ?? null,
  quantity: row.quantity,
  fulfilled: row.detail?.fulfilled_quantity ?? 0,
  shipped: row.detail?.shipped_quantity ?? 0,
  delivered: row.detail?.delivered_quantity ?? 0,
}));

const fulfilment = z.object({
  id: z.string(),
  shipped_at: time,
  delivered_at: time,
  canceled_at: time,
  metadata: z.record(z.string(), z.unknown()).nullish(),
  labels: list(z.object({ tracking_number: z.string().nullish() })),
}).transform((row) => ({
  id: row.id,
  shippedAt: row.shipped_at,
  deliveredAt: row.delivered_at,
  canceledAt: row.canceled_at,
  carrier: typeof row.metadata?.carrier === "string" ? row.metadata.carrier : null,
  tracking: row.labels.flatMap(({ tracking_number: number }) => number ? [number] : []),
}));

/** Reads one; what is left out counts as none. */
export const medusaOrder = z.object({
  id: z.string(),
  status: z.string(),
  is_draft_order: z.boolean().nullish(),
  email: z.string().nullish(),
  shipping_address: z.object({ country_code: z.string().nullish() }).nullish(),
  total: amount,
  items: list(item),
  payment_collections: list(
    z.object({ id: z.string(), status: z.string(), amount, payments: list(payment) }),
  ),
  fulfillments: list(fulfilment),
}).transform((row): MedusaOrder => ({
  id: row.id,
  status: row.is_draft_order === true ? "draft" : row.status,
  email: row.email ?? null,
  country: row.shipping_address?.country_code ?? null,
  total: row.total,
  items: row.items,
  collections: row.payment_collections,
  fulfilments: row.fulfillments,
}));
