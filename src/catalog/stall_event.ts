import { type EventDraft, exactNumber } from "./event_draft.ts";
import { type StallRow, zonesOf } from "./resources.ts";

/**
 * NIP-15: kind 30017. `d` equals the content's `id`; costs are numbers; zones have `regions` (the NIP) and `countries`
 * (what the LNbits client shows).
 */
export function stallEvent(row: StallRow): EventDraft {
  const content = {
    id: row.id,
    name: row.name,
    description: row.description,
    currency: row.currency,
    shipping: zonesOf(row).map((zone) => ({
      id: zone.id,
      name: zone.name,
      cost: exactNumber(zone.cost),
      regions: zone.regions,
      countries: zone.regions,
    })),
  };
  return { kind: 30017, content: JSON.stringify(content), tags: [["d", row.id]] };
}
