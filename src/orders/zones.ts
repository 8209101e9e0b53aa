import { compareDecimal, parseDecimal } from "../money/decimal.ts";
import type { OrderedProduct } from "./goods.ts";
import { list, named, shortened } from "./naming.ts";
import type { PricedStall } from "./types.ts";

/** A shipping zone of a stall. */
export type Zone = PricedStall["zones"][number];

/** The zone of an order, or why it has none. */
export type ChosenZone =
  /** `zone` is what the order keeps; `charged` what it pays for: null for digital goods, which need no shipping. */
  | { ok: true; zone: Zone | null; charged: Zone | null }
  | { ok: false; code: "no_zones" | "zone_missing" | "zone_unknown" | "mixed_stalls"; reason: string };

/**
 * The shipping zone of an order. NIP-15: the customer must choose exactly one of the stall's; where there is only one,
 * it need not be named. Digital goods need none, and whatever was named for them is free. Goods of several stalls ship
 * together only in a zone that all of them have with the same id and the same cost.
 */
export function chooseZone(
  asked: string | null,
  products: OrderedProduct[],
  stalls: PricedStall[],
): ChosenZone {
  const shared = sharedZones(stalls);
  if (products.every(({ product }) => product.digital)) {
    return { ok: true, zone: shared.find(({ id }) => id === asked) ?? null, charged: null };
  }
  if (stalls.length > 1 && shared.length === 0) {
    const where = products.map(({ product }) => `${product.id} (stall ${product.stallId})`);
    return {
      ok: false,
      code: "mixed_stalls",
      reason: `Please order from one stall at a time: ${list(where)}.`,
    };
  }
  if (shared.length === 0) {
    return {
      ok: false,
      code: "no_zones",
      reason: `The stall ${named(stalls[0]!)} doesn't ship anywhere yet.`,
    };
  }
  const zone = asked === null
    ? (shared.length === 1 ? shared[0]! : null)
    : shared.find(({ id }) => id === asked);
  if (zone) return { ok: true, zone, charged: zone };
  const choice = list(
    shared.map((each) => each.name === "" || each.name === each.id ? each.id : named(each)),
  );
  return asked === null
    ? { ok: false, code: "zone_missing", reason: `Please choose where it goes. We ship to: ${choice}.` }
    : {
      ok: false,
      code: "zone_unknown",
      reason: `We don't know the shipping zone ${shortened(asked)}. We ship to: ${choice}.`,
    };
}

function sharedZones(stalls: PricedStall[]): Zone[] {
  const [first, ...others] = stalls;
  if (!first) return [];
  return first.zones.filter((zone) =>
    others.every((stall) =>
      stall.zones.some((other) => other.id === zone.id && sameCost(zone.cost, other.cost))
    )
  );
}

function sameCost(a: string, b: string): boolean {
  const [x, y] = [parseDecimal(a), parseDecimal(b)];
  return x !== null && y !== null && compareDecimal(x, y) === 0;
}
