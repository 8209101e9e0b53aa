import { z } from "zod";
import type { MedusaReport } from "../report.ts";

/** What the last full sweep did, in products of ours unless it says otherwise; durations in seconds. */
export const sweepReport = z.object({
  /** Medusa's products. */
  seen: z.number(),
  made: z.number(),
  changed: z.number(),
  removed: z.number(),
  unchanged: z.number(),
  restocked: z.number(),
  troubles: z.number(),
  left_out: z.number(),
  /** Products that are gone and stay for now: so many at once are taken out only when the next sweep says so, too. */
  doubted: z.number(),
  seconds: z.number(),
  /** Of those, how long it waited for Medusa. */
  waited: z.number(),
});
export type SweepReport = z.output<typeof sweepReport>;

/** The catalogue's part of a Medusa's report. */
export type CatalogueReport = MedusaReport & { sweep?: SweepReport };

/** What the last full sweep did; null where there was none, or none that this program knows. */
export function lastSweep(report: MedusaReport): SweepReport | null {
  return sweepReport.safeParse(report.sweep).data ?? null;
}

/** Fewer than this may go at once, whatever part of the catalogue they are. */
const FEW = 20;

/** Whether so many products that are gone, of all there were, are more likely a slip in Medusa's set-up than meant. */
export function isDoubtful(gone: number, all: number, doubtedBefore: boolean): boolean {
  return !doubtedBefore && gone > FEW && gone * 2 > all;
}
