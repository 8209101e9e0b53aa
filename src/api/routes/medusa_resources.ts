import { z } from "@hono/zod-openapi";
import { conflictsOf } from "../../medusa/catalogue/catalogue_desk.ts";
import { SHARED_FIELDS } from "../../medusa/catalogue/merge.ts";
import type { KnownProduct } from "../../medusa/catalogue/products_store.ts";
import { sweepReport } from "../../medusa/catalogue/sweep_report.ts";
import type { ZoneRow } from "../../medusa/catalogue/zones_store.ts";
import { hexKey, rfc3339, time } from "./describe.ts";

export const medusaSchema = z.object({
  merchant: hexKey,
  up: z.boolean().nullable().openapi({
    description: "whether it can be sold through it; null: nobody knows yet",
  }),
  states: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  stall_id: z.string().nullable().openapi({ description: "the stall that it keeps" }),
  currency: z.string().nullable(),
  products: z.int().openapi({ description: "in Nostr's catalogue, after the last sweep" }),
  conflicts: z.int(),
  problem: z.string().nullable().openapi({ description: "why its catalogue can't be taken, in plain words" }),
  sweep_started_at: time.nullable(),
  sweep_ended_at: time.nullable(),
  sweep: sweepReport.nullable().openapi({ description: "what the last full sweep did" }),
}).openapi("Medusa");

const said = z.union([z.string(), z.boolean(), z.array(z.string()), z.array(z.array(z.string()))]);
export const knownSchema = z.object({
  id: z.string().openapi({ description: "ours, and of the product in the catalogue" }),
  merchant: hexKey,
  title: z.string(),
  medusa_product: z.string(),
  medusa_variant: z.string().nullable().openapi({ description: "null: a variable product" }),
  state: z.enum(["listed", "conflict", "trouble", "left_out", "waiting"]).openapi({
    description: "waiting: it is read from Medusa soon",
  }),
  trouble: z.string().nullable().openapi({ description: "why it can't be sold on Nostr" }),
  conflicts: z.array(z.object({ field: z.enum(SHARED_FIELDS), ours: said, theirs: said })).openapi({
    description: "what both sides changed: it stays ours until you take a side",
  }),
  left_out: z.boolean(),
  created_at: time,
  updated_at: time,
}).openapi("MedusaProduct");

export const zoneSchema = z.object({
  id: z.string(),
  merchant: hexKey,
  name: z.string(),
  region: z.string(),
  shipping_option: z.string(),
  countries: z.array(z.string()),
  cost: z.string().openapi({ description: "with taxes: what the customer pays" }),
  amount: z.string().openapi({ description: "before taxes: what Medusa is told" }),
  trouble: z.string().nullable(),
  left_out: z.boolean(),
}).openapi("MedusaZone");

/** A product of Medusa's as the API shows it. */
export function knownResource(row: KnownProduct): z.input<typeof knownSchema> {
  return {
    id: row.product_id,
    merchant: row.merchant,
    title: row.title,
    medusa_product: row.medusa_product,
    medusa_variant: row.medusa_variant,
    state: stateOf(row),
    trouble: row.trouble,
    conflicts: conflictsOf(row) as z.input<typeof knownSchema>["conflicts"],
    left_out: row.left_out === 1,
    created_at: rfc3339(row.created_at),
    updated_at: rfc3339(row.updated_at),
  };
}

function stateOf(row: KnownProduct): z.input<typeof knownSchema>["state"] {
  if (row.left_out === 1) return "left_out";
  if (row.trouble !== null) return "trouble";
  if (row.conflicts !== null) return "conflict";
  return row.base === null ? "waiting" : "listed";
}

/** A zone of Medusa's as the API shows it. */
export function zoneResource(row: ZoneRow): z.input<typeof zoneSchema> {
  return {
    id: row.zone_id,
    merchant: row.merchant,
    name: row.name,
    region: row.region,
    shipping_option: row.shipping_option,
    countries: JSON.parse(row.countries),
    cost: row.cost,
    amount: row.amount,
    trouble: row.trouble,
    left_out: row.left_out === 1,
  };
}
