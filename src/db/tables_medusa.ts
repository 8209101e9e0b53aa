import type { FlagOff, Int, IntOrNull, IntZero, Text, TextOrNull, Word } from "./columns.ts";

/** What is known of a merchant's Medusa. */
export interface MedusaBridgesTable {
  merchant: Text;
  /** The stall that its products are in. */
  stall_id: TextOrNull;
  /** What regions, taxes and shipping options looked like when zones were last made of them. */
  region_hash: TextOrNull;
  /** JSON: how products are read (channel, publishable key, currency, tax groups), as the last sweep found it. */
  view: TextOrNull;
  /** Counts full sweeps. */
  sweep: IntZero;
  sweep_started_at: IntOrNull;
  /** When the last one came to its end. */
  sweep_ended_at: IntOrNull;
  /** JSON: what the last one found. */
  report: TextOrNull;
  updated_at: Int;
}

/** A product of ours that a product or variant of Medusa's becomes. */
export interface MedusaProductsTable {
  merchant: Text;
  product_id: Text;
  medusa_product: Text;
  /** Null for a variable product: its variations have them. */
  medusa_variant: TextOrNull;
  /** For people, also of what isn't in our catalogue. */
  title: Text;
  /** sha-256 of what Medusa said: what is unchanged isn't looked at again. */
  seen_hash: Text;
  /** JSON: the product as it was last taken from Medusa, to tell the merchant's changes from Medusa's; null: it isn't in the catalogue. */
  base: TextOrNull;
  /** JSON: `{ field, ours, theirs }[]`, what both sides changed. */
  conflicts: TextOrNull;
  /** 1: the merchant doesn't want it on Nostr. */
  left_out: FlagOff;
  /** Why it can't be sold on Nostr, a sentence. */
  trouble: TextOrNull;
  /** The full sweep that saw it last. */
  sweep: Int;
  /** When (ms) Medusa was last asked for what is taken from it: what was asked before is older. */
  read_at: Int;
  created_at: Int;
  updated_at: Int;
}

/** A shipping zone of ours that a shipping option of Medusa's becomes, for countries with the same taxes. */
export interface MedusaZonesTable {
  merchant: Text;
  zone_id: Text;
  stall_id: Text;
  region: Text;
  shipping_option: Text;
  name: Text;
  /** JSON: string[], ISO 3166-1 alpha-2 in lower case. */
  countries: Text;
  /** JSON: string[], their names. */
  places: Text;
  /** What Medusa is told that shipping costs, a decimal string. */
  amount: Text;
  /** What the customer pays for it, taxes included. */
  cost: Text;
  left_out: FlagOff;
  /** Why nothing can be sent there, a sentence. */
  trouble: TextOrNull;
  sweep: Int;
  updated_at: Int;
}

/** How far an order is in Medusa. */
export type MedusaOrderState =
  /** Nothing of it is there, as far as we know; `call` tells of what was asked. */
  | "wanted"
  /** It is there and holds goods. */
  | "placed"
  /** And Medusa has all that it sold: with several processes it may have sold more. */
  | "held"
  /** Medusa hasn't got the goods. */
  | "refused"
  /** We cancel it, or have. */
  | "cancelling"
  | "cancelled";

/** An order of ours in Medusa. */
export interface MedusaOrdersTable {
  order_id: Text;
  merchant: Text;
  /** The address by which Medusa's search finds it, whatever we forgot. It belongs to nobody. */
  email: Text;
  /** Counts the orders that were placed for it: a cancelled one doesn't come back. From 1. */
  attempt: Int;
  /** sha-256 of lines, zone and country that it was placed with. */
  content_hash: Text;
  /** sha-256 of name, address and contact as Medusa has them; null: they aren't there yet. */
  details_hash: TextOrNull;
  state: Word<MedusaOrderState>;
  medusa_order: TextOrNull;
  /** The call whose answer we don't know, and when (ms) it was sent. */
  call: TextOrNull;
  called_at: IntOrNull;
  /** When (ms) a call of ours last changed Medusa's stock. */
  stock_at: IntOrNull;
  /** What it comes to in Medusa, a decimal string. */
  total: TextOrNull;
  /** What is different on both sides and isn't mended by itself, a sentence. */
  problem: TextOrNull;
  /** 1: both sides are at the same end, and nothing more is to come. */
  settled: FlagOff;
  looked_at: IntOrNull;
  created_at: Int;
  updated_at: Int;
}
