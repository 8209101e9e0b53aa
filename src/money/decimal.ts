/** A decimal number without a float: `units` / 10^`scale`. */
export interface Decimal {
  units: bigint;
  scale: number;
}

/** Longer numbers are no price; it also bounds the work. */
const MAX_DIGITS = 40;
const MAX_EXPONENT = 30;

/**
 * Reads `12.50`, `-3`, `.5`, `5.` or `1e-7`: what people and JSON write. Null for anything else, for separators of
 * thousands and decimal commas (ambiguous), and for numbers beyond 40 digits.
 */
export function parseDecimal(text: string): Decimal | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (!match) return null;
  const [, sign, whole = "", part = "", exponent = "0"] = match;
  if (whole.length + part.length === 0 || whole.length + part.length > MAX_DIGITS) return null;
  const shift = Number(exponent);
  if (Math.abs(shift) > MAX_EXPONENT) return null;
  const digits = BigInt(whole + part) * (sign === "-" ? -1n : 1n);
  const scale = part.length - shift;
  return scale >= 0 ? { units: digits, scale } : { units: digits * 10n ** BigInt(-scale), scale: 0 };
}

/**
 * Reads a JSON value that may be a number or its text. A number is read by its shortest text, which is what its author
 * wrote; nothing is computed in floating point.
 */
export function decimalOf(value: unknown): Decimal | null {
  if (typeof value === "string") return parseDecimal(value);
  return typeof value === "number" && Number.isFinite(value) ? parseDecimal(String(value)) : null;
}

/** The shortest plain text: `12.5`, `-0.07`, `100`. */
export function formatDecimal(decimal: Decimal): string {
  const sign = decimal.units < 0n ? "-" : "";
  const digits = (decimal.units < 0n ? -decimal.units : decimal.units).toString().padStart(
    decimal.scale + 1,
    "0",
  );
  const whole = digits.slice(0, digits.length - decimal.scale);
  const part = digits.slice(digits.length - decimal.scale).replace(/0+$/, "");
  return sign + whole + (part ? "." + part : "");
}

/** The sum. */
export function addDecimal(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: rescale(a, scale) + rescale(b, scale), scale };
}

/** The product with a whole number, as of a quantity. */
export function timesDecimal(a: Decimal, factor: bigint): Decimal {
  return { units: a.units * factor, scale: a.scale };
}

/** Negative when a < b, 0 when they are the same number, positive when a > b. */
export function compareDecimal(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = rescale(a, scale) - rescale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function rescale(decimal: Decimal, scale: number): bigint {
  return decimal.units * 10n ** BigInt(scale - decimal.scale);
}
