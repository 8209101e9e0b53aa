/** An exact fraction; `den` is positive. Prices times rates stay exact until the one rounding of a quote. */
export interface Exact {
  num: bigint;
  den: bigint;
}

export const EXACT_ZERO: Exact = { num: 0n, den: 1n };

/** The sum, in lowest terms. */
export function addExact(a: Exact, b: Exact): Exact {
  return reduce({ num: a.num * b.den + b.num * a.den, den: a.den * b.den });
}

/** The product with a whole number, as of a quantity. */
export function timesExact(a: Exact, factor: bigint): Exact {
  return reduce({ num: a.num * factor, den: a.den });
}

/** In lowest terms, so that sums of many lines don't grow. */
export function reduce({ num, den }: Exact): Exact {
  let [a, b] = [num < 0n ? -num : num, den];
  while (b !== 0n) [a, b] = [b, a % b];
  return a > 1n ? { num: num / a, den: den / a } : { num, den };
}
