import { z } from "zod";
import { amount, currency, id, line, longText, pubkey } from "./fields.ts";

/** A shipping zone. NIP-15 says `regions`; older clients read `countries`: both are accepted, and both are published. */
export const zoneInput = z.strictObject({
  id: id.optional(),
  name: line(200).optional(),
  cost: amount,
  regions: z.array(line(100)).max(300).optional(),
  countries: z.array(line(100)).max(300).optional(),
});

/** NIP-15: the content of kind 30017, as the merchant gives it. */
export const stallInput = z.strictObject({
  id: id.optional(),
  merchant: pubkey.optional(),
  name: line(200),
  description: longText(10_000).optional(),
  currency,
  shipping: z.array(zoneInput).max(100).optional(),
});

export type ZoneInput = z.output<typeof zoneInput>;
export type StallInput = z.output<typeof stallInput>;
