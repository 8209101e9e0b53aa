import type { Selectable } from "kysely";
import type { ProductsTable, StallsTable } from "../db/tables.ts";
import { available, type Level } from "../stock/lines.ts";

export type StallRow = Selectable<StallsTable>;
export type ProductRow = Selectable<ProductsTable>;

/** A zone as a stall's row keeps it; `cost` is a decimal string. */
export interface Zone {
  id: string;
  name: string;
  cost: string;
  regions: string[];
}

/** Extra cost per unit for a zone, as a product's row keeps it; `cost` is a decimal string. */
export interface ExtraCost {
  id: string;
  cost: string;
}

/** What both kinds of resource have beside their content. */
interface Published {
  merchant: string;
  event_id: string | null;
  /** RFC 3339, as all times here. */
  published_at: string | null;
  created_at: string;
  updated_at: string;
}

/** A stall as the API shows it: NIP-15's content of kind 30017 and what is ours. */
export interface StallResource extends Published {
  id: string;
  name: string;
  description: string;
  currency: string;
  shipping: { id: string; name: string; cost: number; regions: string[]; countries: string[] }[];
}

/** A product as the API shows it: NIP-15's content of kind 30018 and what is ours. */
export interface ProductResource extends Published {
  id: string;
  stall_id: string;
  name: string;
  type: "simple" | "variable" | "variation";
  parent_id: string | null;
  description: string;
  images: string[];
  currency: string;
  price: number;
  /** On hand; null = unlimited. */
  quantity: number | null;
  specs: [string, string][];
  shipping: { id: string; cost: number }[];
  categories: string[];
  digital: boolean;
  active: boolean;
  held: number;
  /** On hand less held; null = unlimited. */
  available: number | null;
}

/** The zones of a stall. */
export function zonesOf(row: { shipping: string }): Zone[] {
  return JSON.parse(row.shipping);
}

/** The extra costs of a product. */
export function extraCostsOf(row: { shipping: string }): ExtraCost[] {
  return JSON.parse(row.shipping);
}

/** Shows a stall. Amounts have at most 15 digits, so a float keeps them exactly. */
export function stallResource(row: StallRow): StallResource {
  return {
    id: row.id,
    merchant: row.merchant,
    name: row.name,
    description: row.description,
    currency: row.currency,
    shipping: zonesOf(row).map((zone) => ({ ...zone, cost: Number(zone.cost), countries: zone.regions })),
    ...published(row),
  };
}

/** Shows a product. */
export function productResource(row: ProductRow, level: Level): ProductResource {
  return {
    id: row.id,
    merchant: row.merchant,
    stall_id: row.stall_id,
    name: row.name,
    type: row.type,
    parent_id: row.parent_id,
    description: row.description,
    images: JSON.parse(row.images),
    currency: row.currency,
    price: Number(row.price),
    quantity: level.onHand,
    specs: JSON.parse(row.specs),
    shipping: extraCostsOf(row).map(({ id, cost }) => ({ id, cost: Number(cost) })),
    categories: JSON.parse(row.categories),
    digital: row.digital === 1,
    active: row.active === 1,
    held: level.held,
    available: available(level),
    ...published(row),
  };
}

function published(row: StallRow | ProductRow): Omit<Published, "merchant"> {
  return {
    event_id: row.event_id,
    published_at: row.published_at === null ? null : new Date(row.published_at).toISOString(),
    created_at: new Date(row.created_at).toISOString(),
    updated_at: new Date(row.updated_at).toISOString(),
  };
}
