import type { Exact } from "./exact.ts";

/** Thousandths of a satoshi, the domain's unit of money. */
export type Msat = bigint;

export const MSAT_PER_SAT = 1000n;
export const MSAT_PER_BTC = 100_000_000_000n;

/** Satoshi as msat. */
export function satToMsat(sat: bigint): Msat {
  return sat * MSAT_PER_SAT;
}

/** The smallest whole number of satoshi that covers an amount in msat, which may be a fraction. The one rounding of a quote. */
export function ceilToSat(msat: Msat | Exact): bigint {
  const { num, den } = typeof msat === "bigint" ? { num: msat, den: 1n } : msat;
  return ceilDivide(num, den * MSAT_PER_SAT);
}

/** For people: `21,840 sat`; parts of a satoshi are shown exactly, as `0.5 sat`. */
export function formatSat(msat: Msat): string {
  const sign = msat < 0n ? "-" : "";
  const size = msat < 0n ? -msat : msat;
  const whole = (size / MSAT_PER_SAT).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const part = (size % MSAT_PER_SAT).toString().padStart(3, "0").replace(/0+$/, "");
  return `${sign}${whole}${part ? "." + part : ""} sat`;
}

function ceilDivide(a: bigint, b: bigint): bigint {
  const down = a / b;
  return a % b !== 0n && (a < 0n) === (b < 0n) ? down + 1n : down;
}
