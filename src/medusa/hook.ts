import { z } from "zod";

/** More products than any change that is told in one call has. */
const MOST_PRODUCTS = 500;

const id = z.string().regex(/^\w{1,100}$/, "must be an id of Medusa");

/** What our plugin in Medusa says: that something happened, and to what; never what it is now. */
export const hookSchema = z.strictObject({
  /** Medusa's name of the event. */
  event: z.string().max(100).regex(/^[a-z]+([._-][a-z]+)+$/, "must be the name of an event of Medusa"),
  /** What the event names: a product, a stock level, a payment, … */
  id,
  /** The products that it is about, as far as the plugin could tell; none: it could, and there are none. */
  product_ids: z.array(id).max(MOST_PRODUCTS).optional(),
  /** The order that it is about. */
  order_id: id.optional(),
});

export type HookCall = z.infer<typeof hookSchema>;

/** What is to be read again. */
export interface HookHints {
  /** Ids of Medusa's; empty: nothing of the catalogue. */
  changed: readonly string[] | "everything";
  /** Medusa's id. */
  order: string | null;
}

/** What events are about, by the start of their names: others tell nothing that matters here. */
const MEANS = {
  goods: ["product.", "product-variant.", "inventory-level.", "reservation-item.", "price.", "price-list."],
  /** What decides of prices, shipping and what is shown. */
  surroundings: ["shipping-option.", "region.", "tax-rate.", "tax-region.", "sales-channel."],
  order: ["order.", "shipment.", "delivery.", "payment."],
};

/** What a call hints at; null: nothing that matters here. Goods that it doesn't name may be any. */
export function hintsOf({ event, product_ids, order_id }: HookCall): HookHints | null {
  const isOf = (kind: keyof typeof MEANS) => MEANS[kind].some((start) => event.startsWith(start));
  const order = order_id ?? null;
  if (isOf("surroundings")) return { changed: "everything", order };
  if (isOf("goods")) return { changed: product_ids ?? "everything", order };
  // What an order takes or gives back is stock, too.
  return isOf("order") ? { changed: product_ids ?? [], order } : null;
}
