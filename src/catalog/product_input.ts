import { z } from "zod";
import { MAX_ON_HAND } from "../stock/stock.ts";
import { amount, currency, id, imageUrl, line, longText, pubkey } from "./fields.ts";

/** NIP-15: the content of kind 30018, as the merchant gives it, with what its tags say and what is ours. */
export const productInput = z.strictObject({
  id: id.optional(),
  merchant: pubkey.optional(),
  stall_id: id,
  name: line(200),
  type: z.enum(["simple", "variable", "variation"]).optional(),
  /** For a variation: the id of its variable product. */
  parent_id: id.nullable().optional(),
  /** The same as the `a` tag has it: `30018:<merchant>:<id>`. */
  a: z.string().max(256).optional(),
  description: longText(10_000).optional(),
  images: z.array(imageUrl).max(20).optional(),
  /** The stall's unless given. */
  currency: currency.optional(),
  price: amount,
  /** What is on hand; null = unlimited. Left out of a replacement, it leaves the stock alone. */
  quantity: z.int().min(0).max(MAX_ON_HAND).nullable().optional(),
  specs: z.array(z.tuple([line(200), longText(1000)])).max(100).optional(),
  /** NIP-15: extra cost per unit for a zone of the stall, in the stall's currency. */
  shipping: z.array(z.strictObject({ id, cost: amount })).max(100).optional(),
  /** The `t` tags. */
  categories: z.array(line(100)).max(30).optional(),
  digital: z.boolean().optional(),
  /** What the buyer of a digital product gets after payment. Never published, never shown; left out of a replacement, it stays. */
  digital_content: longText(20_000).nullable().optional(),
  active: z.boolean().optional(),
});

/** Exactly one of both: a difference, or a new count (null = unlimited). */
export const stockInput = z.union([
  z.strictObject({ add: z.int().min(-MAX_ON_HAND).max(MAX_ON_HAND) }),
  z.strictObject({ set: z.int().min(0).max(MAX_ON_HAND).nullable() }),
], { error: 'must be exactly one of {"add": n} and {"set": n}, n a whole number or, for set, null' });

export type ProductInput = z.output<typeof productInput>;
export type StockInput = z.output<typeof stockInput>;
