import type { Random } from "../random.ts";

/**
 * Milliseconds to wait before try number `failures` + 1: doubles from `first` up to `most`, with half of it left to
 * chance, so that many clients of a relay that comes back don't arrive in step.
 */
export function backOff(failures: number, random: Random, first = 500, most = 60_000): number {
  const full = Math.min(most, first * 2 ** Math.min(Math.max(0, failures - 1), 30));
  return Math.round(full / 2 + random.fraction() * full / 2);
}
