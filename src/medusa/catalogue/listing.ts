import { createHash } from "node:crypto";
import type { ProductInput } from "../../catalog/product_input.ts";
import type { ProductRow } from "../../catalog/resources.ts";
import type { Wanted, WantedInput } from "./mapping.ts";
import type { Shared } from "./merge.ts";

/** The same for what Medusa says the same of; its stock is looked at apart. */
export function contentHash({ available: _available, ...content }: Wanted): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** What Medusa says of the fields that the merchant may change here, too. */
export function theirsOf({ name, description, images, specs, categories }: WantedInput): Shared {
  return { name, description, images, specs, categories, active: true, digital: false };
}

/** The same as our catalogue has it. */
export function oursOf(row: ProductRow): Shared {
  return {
    name: row.name,
    description: row.description,
    images: JSON.parse(row.images),
    specs: JSON.parse(row.specs),
    categories: JSON.parse(row.categories),
    active: row.active === 1,
    digital: row.digital === 1,
  };
}

/** A product as it is to be: what Medusa decides, and what was merged; its stock stays as it is. */
export function inputOf(input: WantedInput, shared: Shared): ProductInput {
  return { ...input, ...shared as Partial<ProductInput> };
}

/** The same for a product that only its merchant has changed since. */
export function inputOfRow(row: ProductRow, shared: Shared): ProductInput {
  return {
    id: row.id,
    stall_id: row.stall_id,
    type: row.type,
    parent_id: row.parent_id,
    currency: row.currency,
    price: row.price,
    shipping: JSON.parse(row.shipping),
    name: row.name,
    ...shared as Partial<ProductInput>,
  };
}
