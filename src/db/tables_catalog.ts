import type { Generated } from "kysely";
import type { Flag, FlagOff, Int, IntOrNull, Text, TextOrNull, Word, WordOrNull } from "./columns.ts";

export interface MerchantsTable {
  pubkey: Text;
  name: Text;
  /** Content of kind 0, JSON. */
  profile: Text;
  state: Word<"active" | "paused">;
  pause_message: TextOrNull;
  /**
   * `settings`: the key comes from the environment or key file; `secrets`: it lies sealed in the table of that name; `none`: it
   * was given up and signs nothing.
   */
  key_source: Word<"settings" | "secrets" | "none">;
  /** Why nothing is answered for now although messages are taken in (another instance speaks with this key); null when it is. */
  halted: TextOrNull;
  /** The key that this merchant's shop has moved to; null while it is here. */
  moved_to: TextOrNull;
  moved_at: IntOrNull;
  created_at: Int;
  updated_at: Int;
}

export interface SecretsTable {
  merchant: Text;
  name: Text;
  sealed: Text;
  created_at: Int;
}

export interface StallsTable {
  merchant: Text;
  id: Text;
  name: Text;
  description: Text;
  currency: Text;
  /** JSON: `{ id, name, cost, regions }[]`, cost a decimal string. */
  shipping: Text;
  event_id: TextOrNull;
  published_at: IntOrNull;
  /** sha-256 of what was last published (kind, content, tags): unchanged content isn't published again. */
  published_hash: TextOrNull;
  deleted_at: IntOrNull;
  /** Another system that decides most of it; null: it is ours alone. */
  kept_by: WordOrNull<"medusa">;
  created_at: Int;
  updated_at: Int;
}

/** Prices that held until lately: an order may have been written while they did. */
export interface EarlierPricesTable {
  merchant: Text;
  kind: Word<"stall" | "product">;
  id: Text;
  until: Int;
  /** JSON: a stall's `{ currency, shipping }`, a product's `{ price, currency, shipping }`, as their rows have them. */
  terms: Text;
}

export interface ProductsTable {
  merchant: Text;
  id: Text;
  stall_id: Text;
  type: Word<"simple" | "variable" | "variation">;
  /** For a variation: the variable product that it belongs to. */
  parent_id: TextOrNull;
  name: Text;
  description: Text;
  /** JSON: string[] */
  images: Text;
  currency: Text;
  /** A decimal string: no float for money. */
  price: Text;
  /** JSON: [string, string][] */
  specs: Text;
  /** JSON: `{ id, cost }[]`, the extra cost per unit for a zone, cost a decimal string. */
  shipping: Text;
  /** JSON: string[], the `t` tags. */
  categories: Text;
  digital: Flag;
  /** What a buyer of a digital product gets after payment; never published. */
  digital_content: TextOrNull;
  active: Flag;
  event_id: TextOrNull;
  published_at: IntOrNull;
  published_hash: TextOrNull;
  deleted_at: IntOrNull;
  /** Another system that decides most of it; null: it is ours alone. */
  kept_by: WordOrNull<"medusa">;
  created_at: Int;
  updated_at: Int;
}

/**
 * `on_hand` is NIP-15's quantity (null = unlimited); `held` is what open orders have reserved of it, and `newcomers_held`
 * the part of that in holds of newcomers.
 */
export interface StockTable {
  merchant: Text;
  product_id: Text;
  on_hand: IntOrNull;
  held: Int;
  newcomers_held: Generated<number>;
}

export interface StockMovementsTable {
  seq: Generated<number>;
  merchant: Text;
  product_id: Text;
  order_id: TextOrNull;
  hold_id: TextOrNull;
  delta_on_hand: Int;
  delta_held: Int;
  reason: Word<"hold" | "release" | "commit" | "sold_without_hold" | "adjust" | "import">;
  at: Int;
}

export interface HoldsTable {
  id: Text;
  merchant: Text;
  order_id: Text;
  product_id: Text;
  quantity: Int;
  state: Word<"held" | "committed" | "released">;
  created_at: Int;
  ended_at: IntOrNull;
  /** The order is of a key that had never paid here: together they may hold only a share of a product. */
  newcomer: FlagOff;
}
