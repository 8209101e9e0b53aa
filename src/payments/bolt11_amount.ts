import type { Msat } from "../money/msat.ts";

/** BOLT11's multipliers, in msat for one unit; the pico multiplier is a tenth of a msat and has rules of its own. */
const UNITS: [letter: string, msat: bigint][] = [
  ["", 100_000_000_000n],
  ["m", 100_000_000n],
  ["u", 100_000n],
  ["n", 100n],
];

/** All bitcoin there will ever be: more is a mistake. */
const MAX_MSAT = 21_000_000n * 100_000_000_000n;

/** The shortest text of a positive amount (BOLT11, human-readable part). */
export function amountText(msat: Msat): string {
  if (msat <= 0n || msat > MAX_MSAT) {
    throw new Error(`an invoice's amount must be positive and exist, got ${msat} msat`);
  }
  for (const [letter, unit] of UNITS) if (msat % unit === 0n) return `${msat / unit}${letter}`;
  return `${msat * 10n}p`;
}

/** Reads such a text; null when it breaks BOLT11's rules (leading zero, unknown letter, part of a msat). */
export function readAmount(text: string): Msat | null {
  const match = /^([1-9]\d{0,19})([munp]?)$/.exec(text);
  if (!match) return null;
  const number = BigInt(match[1]!);
  const unit = UNITS.find(([letter]) => letter === match[2]);
  if (!unit && number % 10n !== 0n) return null;
  const msat = unit ? number * unit[1] : number / 10n;
  return msat <= MAX_MSAT ? msat : null;
}
