import type { WalletEntry } from "../support/nwc_service.ts";

/** One order in a customer's own book. */
export interface CustomerBook {
  id: string;
  customer: string;
  envelope: "nip04" | "nip17";
  productId: string;
  quantity: number;
  /** How often the order was sent; more than once when no answer came in time. */
  sent: number;
  /** Distinct messages of the merchant with a payment request, and the distinct invoices in them. */
  requests: number;
  invoices: string[];
  /** Distinct refusals, by their reasons. */
  refusals: string[];
  /** Messages that say that the invoice takes longer. */
  apologies: number;
  /** The invoice that was paid; null when none was. */
  paid: string | null;
  /** Distinct messages that say "paid". */
  toldPaid: number;
  /** Messages that fit nothing of the above, or another order, or couldn't be read. */
  strange: string[];
  /** First order to first answer, ms; null while there is none. */
  answeredAfterMs: number | null;
  /** Payment to "paid", ms. */
  toldAfterMs: number | null;
}

/** An order as the shop's REST API shows it. */
export interface ShopOrder {
  id: string;
  customer_order_id: string;
  customer: string;
  payment: string;
  items: { product_id: string; quantity: number }[];
  received_msat: string;
}

export interface ShopProduct {
  id: string;
  quantity: number | null;
  held: number;
}

/** What was put on the shelf before the first order. */
export interface Shelf {
  id: string;
  quantity: number | null;
}

/** All books, from five parties. */
export interface Books {
  customers: CustomerBook[];
  wallet: WalletEntry[];
  shelf: Shelf[];
  shop: {
    orders: ShopOrder[];
    payments: { amount_msat: string; order_id: string | null; payment_hash: string }[];
    products: ShopProduct[];
    deadJobs: { kind: string; last_error: string | null }[];
    openJobs: number;
  };
  /** Quantities in the newest product events on the relay. */
  relay: Map<string, number | null>;
}
