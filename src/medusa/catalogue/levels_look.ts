import type { Ask } from "./ask.ts";
import { type StoreProduct, variantLevels } from "./shapes.ts";

/** Variants of one answer. */
const AT_ONCE = 100;

/** The variants that Medusa counts, and has none of: those that are sold out, and those that nobody has counted yet. */
export function emptyVariants(products: readonly StoreProduct[]): string[] {
  return products.flatMap(({ variants }) =>
    variants.filter((one) => one.manage_inventory && !one.allow_backorder && one.inventory_quantity === 0)
      .map(({ id }) => id)
  );
}

/** Those of these variants that no stock location has a level of. Throws a MedusaError. */
export async function withoutLevel(
  ask: Ask,
  variants: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const without: string[] = [];
  for (let i = 0; i < variants.length; i += AT_ONCE) {
    const answer = await ask({
      method: "GET",
      path: "/admin/product-variants",
      query: {
        "id[]": variants.slice(i, i + AT_ONCE),
        limit: AT_ONCE,
        fields: "id,inventory_items.inventory.location_levels.location_id",
      },
      schema: variantLevels,
      signal,
    });
    for (const { id, inventory_items: items } of answer.variants) {
      if (items.every(({ inventory }) => (inventory?.location_levels ?? []).length === 0)) without.push(id);
    }
  }
  return without;
}
