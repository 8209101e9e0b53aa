import { addDecimal, compareDecimal, type Decimal, formatDecimal, parseDecimal } from "../decimal.ts";

/** What one source says that a bitcoin costs. */
export interface Offer {
  source: string;
  price: Decimal;
}

/** What the sources agree on, or why they don't. */
export type Agreement =
  | { ok: true; perBtc: string; sources: string[] }
  | { ok: false; reason: string };

/** Fewer than this say nothing: nobody would notice that one is wrong. */
const LEAST = 2;
/** Further from the median, in hundredths of it, a price isn't believed. */
const FURTHEST = 2n;

/**
 * The price that at least two sources stand for: the median of those that lie within 2 % of the median of all (design §5,
 * reference A4). Exact; with an even number it is the middle between two.
 */
export function agree(offers: readonly Offer[]): Agreement {
  if (offers.length < LEAST) {
    const [only] = offers;
    return { ok: false, reason: only ? `only ${only.source} has a price` : "no source has a price" };
  }
  const sorted = offers.toSorted((a, b) => compareDecimal(a.price, b.price));
  const middle = median(sorted);
  const believed = sorted.filter(({ price }) => isNear(price, middle));
  if (believed.length < LEAST) {
    const said = sorted.map(({ source, price }) => `${source} ${formatDecimal(price)}`).join(", ");
    return { ok: false, reason: `the sources differ by too much: ${said}` };
  }
  const names = new Set(believed.map(({ source }) => source));
  return {
    ok: true,
    perBtc: formatDecimal(median(believed)),
    sources: offers.map(({ source }) => source).filter((source) => names.has(source)),
  };
}

/** Digits before the point that any currency's price of a bitcoin may have, and behind it that are read. */
const PLAIN = /^(0|[1-9]\d{0,14})(?:\.(\d{1,40}))?$/;
const READ_DECIMALS = 4;

/**
 * Reads a source's price: plain digits, positive. Null for everything else, be it NaN, negative, with an exponent or longer
 * than prices are. Of the decimals four are read; some sources write down the tail of a float.
 */
export function readPrice(value: unknown): Decimal | null {
  const match = typeof value === "string" ? PLAIN.exec(value) : null;
  if (!match) return null;
  const price = parseDecimal(`${match[1]}.${(match[2] ?? "").slice(0, READ_DECIMALS)}`);
  return price !== null && price.units > 0n ? price : null;
}

/** Of prices in order. */
function median(sorted: readonly Offer[]): Decimal {
  const above = sorted[Math.floor(sorted.length / 2)]!.price;
  if (sorted.length % 2 === 1) return above;
  const sum = addDecimal(sorted[sorted.length / 2 - 1]!.price, above);
  return { units: sum.units * 5n, scale: sum.scale + 1 };
}

/** Whether a price is at most 2 % off. */
function isNear(price: Decimal, middle: Decimal): boolean {
  const scale = Math.max(price.scale, middle.scale);
  const [one, other] = [price, middle].map(({ units, scale: own }) => units * 10n ** BigInt(scale - own));
  const apart = one! > other! ? one! - other! : other! - one!;
  return apart * 100n <= other! * FURTHEST;
}
