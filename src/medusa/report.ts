import { z } from "zod";

/**
 * What is known of a merchant's Medusa besides how it answers: JSON in `medusa_bridges.report`. The full sweep of the catalogue
 * writes most of it; who else finds something adds its own. All may be missing, and what isn't known here is left alone.
 */
export const medusaReport = z.looseObject({
  /** In Nostr's catalogue, after the last sweep. */
  products: z.int().optional(),
  /** What the stall's prices are in (ISO 4217, upper case). */
  currency: z.string().nullish(),
  /** Why no sales channel can be sold from, a sentence that names the choices. */
  no_channel: z.string().nullish(),
  /** Why no currency can be sold in, a sentence. */
  no_currency: z.string().nullish(),
  /** What else keeps its catalogue from being read, a sentence: no region, no shipping option. */
  problem: z.string().nullish(),
  /** Why Medusa sells more than it has, a sentence. */
  oversells: z.string().nullish(),
  /** When (ms) that was last seen; a sweep a day later takes it back. */
  oversold_at: z.int().optional(),
  /** Products that aren't sold here, for they have no price in the currency. */
  without_price: z.int().optional(),
  /** Products that aren't sold here, for nobody has said how many there are. */
  without_stock_level: z.int().optional(),
  /** Products that both sides have changed. */
  conflicts: z.int().optional(),
});

export type MedusaReport = z.output<typeof medusaReport>;

/** A report as its column has it; an empty one where there is none, or none that can be read. */
export function readReport(text: string | null): MedusaReport {
  if (text === null) return {};
  try {
    const read = medusaReport.safeParse(JSON.parse(text));
    return read.success ? read.data : {};
  } catch (error) {
    // Another version of this program wrote it; the next sweep writes it anew.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
