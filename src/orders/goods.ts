import { normaliseCurrency } from "../money/currency.ts";
import { list, named, shortened } from "./naming.ts";
import type { CatalogueSlice, OrderRequest, PricedProduct, PricedStall } from "./types.ts";

/** Lines of one order; design §5 and the readers of dialects hold the same bound. */
export const MAX_LINES = 100;
/** Units of one product in an order. */
export const MAX_QUANTITY = 10_000;

/** One product of an order, lines of the same product added up. */
export interface OrderedProduct {
  product: PricedProduct;
  quantity: number;
}

/** What an order asks for, or why it can't be had. */
export type Goods =
  | { ok: true; products: OrderedProduct[]; stalls: PricedStall[]; stall: PricedStall }
  | {
    ok: false;
    code:
      | "no_items"
      | "too_many_lines"
      | "quantity"
      | "unknown_product"
      | "not_for_sale"
      | "choose_variation"
      | "wrong_stall"
      | "mixed_stalls";
    reason: string;
  };

/**
 * Finds what an order asks for: duplicate lines merged, in the order of product ids; every product for sale; all of one
 * stall, or of stalls that share a currency (whether they share a zone too, `chooseZone` sees). `stall` is the one the
 * request names, else the first by id.
 */
export function findGoods(request: OrderRequest, catalogue: CatalogueSlice): Goods {
  const { items } = request;
  if (items.length === 0) return refuse("no_items", "The order has no items.");
  if (items.length > MAX_LINES) {
    return refuse("too_many_lines", `The order has more than ${MAX_LINES} lines.`);
  }
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of items) {
    const merged = (quantities.get(productId) ?? 0) + quantity;
    if (!Number.isSafeInteger(quantity) || quantity < 1 || merged > MAX_QUANTITY) {
      return refuse(
        "quantity",
        `The quantity of ${shortened(productId)} must be a whole number from 1 to ${MAX_QUANTITY}.`,
      );
    }
    quantities.set(productId, merged);
  }

  const known = new Map(catalogue.products.map((product) => [product.id, product]));
  const stallsById = new Map(catalogue.stalls.map((stall) => [stall.id, stall]));
  const ids = [...quantities.keys()].sort();
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0) return refuse("unknown_product", `We have no product ${list(missing)}.`);
  const products = ids.map((id) => ({ product: known.get(id)!, quantity: quantities.get(id)! }));

  const ended = products.filter(({ product }) =>
    product.deleted || !product.active || !stallsById.has(product.stallId)
  );
  if (ended.length > 0) return refuse("not_for_sale", `Not for sale any more: ${names(ended)}.`);
  const parents = products.filter(({ product }) => product.type === "variable");
  if (parents.length > 0) {
    return refuse("choose_variation", `Please choose one of the variations of ${names(parents)}.`);
  }
  return ofOneStall(request.stallId, products, stallsById);
}

function ofOneStall(
  wanted: string | null,
  products: OrderedProduct[],
  stallsById: Map<string, PricedStall>,
): Goods {
  const ids = [...new Set(products.map(({ product }) => product.stallId))].sort();
  const stalls = ids.map((id) => stallsById.get(id)!);
  if (wanted !== null && !ids.includes(wanted)) {
    return refuse("wrong_stall", `${names(products)} can't be ordered from the stall ${shortened(wanted)}.`);
  }
  if (new Set(stalls.map((stall) => normaliseCurrency(stall.currency))).size > 1) {
    const where = products.map(({ product }) => `${product.id} (stall ${product.stallId})`);
    return refuse("mixed_stalls", `Please order from one stall at a time: ${list(where)}.`);
  }
  return { ok: true, products, stalls, stall: stalls.find((stall) => stall.id === wanted) ?? stalls[0]! };
}

function names(products: OrderedProduct[]): string {
  return list(products.map(({ product }) => named(product)));
}

function refuse<Code>(code: Code, reason: string): { ok: false; code: Code; reason: string } {
  return { ok: false, code, reason };
}
