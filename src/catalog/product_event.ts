import { type EventDraft, exactNumber } from "./event_draft.ts";
import { extraCostsOf, type ProductRow } from "./resources.ts";

/**
 * NIP-15: kind 30018. `d` equals the content's `id`, the price is a number, `quantity` what is on hand (null = unlimited). A product
 * that is inactive or deleted has quantity 0: clients that never read deletions stop offering it. A variation points to its
 * variable product with `a`; categories are `t` tags.
 */
export function productEvent(row: ProductRow, onHand: number | null): EventDraft {
  const content = {
    id: row.id,
    stall_id: row.stall_id,
    name: row.name,
    type: row.type,
    description: row.description,
    images: JSON.parse(row.images),
    currency: row.currency,
    price: exactNumber(row.price),
    quantity: row.active === 1 && row.deleted_at === null ? onHand : 0,
    specs: JSON.parse(row.specs),
    shipping: extraCostsOf(row).map(({ id, cost }) => ({ id, cost: exactNumber(cost) })),
  };
  const categories: string[] = JSON.parse(row.categories);
  return {
    kind: 30018,
    content: JSON.stringify(content),
    tags: [
      ["d", row.id],
      ...(row.parent_id === null ? [] : [["a", `30018:${row.merchant}:${row.parent_id}`]]),
      ...categories.map((category) => ["t", category]),
    ],
  };
}
