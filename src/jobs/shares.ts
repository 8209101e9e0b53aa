import type { Lane, Wanted } from "./claims_store.ts";

/** Merchants who may fill their part of a kind's slots before the last part is kept for those who have none. */
const PARTS = 4;
/** Lanes of a kind that are claimed from in one statement; the others' turn comes with the next one, at once. */
const LANES_AT_ONCE = 16;

/** The slots of one kind in one process. */
export interface Use {
  leaseMs: number;
  /** How many may run at once for one merchant; four times as many in all. */
  ofOne: number;
  /** How many run for each merchant. */
  taken: ReadonlyMap<string, number>;
}

/**
 * How many jobs of each due lane may begin: nobody's more than `ofOne`, whoever has fewest first, then who waits longest. The
 * last quarter of the slots goes only to merchants of whose jobs none runs: many whose wallets are silent can't keep out another.
 */
export function shares(due: readonly (Lane & { at: number })[], uses: ReadonlyMap<string, Use>): Wanted[] {
  const wanted: Wanted[] = [];
  for (const [kind, use] of uses) {
    const oldest = new Map<string, number>();
    for (const one of due) {
      if (one.kind === kind) oldest.set(one.merchant, Math.min(one.at, oldest.get(one.merchant) ?? Infinity));
    }
    if (oldest.size > 0) wanted.push(...sharesOf(kind, use, oldest));
  }
  return wanted;
}

function sharesOf(
  kind: string,
  { leaseMs, ofOne, taken }: Use,
  oldest: ReadonlyMap<string, number>,
): Wanted[] {
  let free = ofOne * PARTS - [...taken.values()].reduce((sum, n) => sum + n, 0);
  const lanes = [...oldest].map(([merchant, at]) => ({
    merchant,
    at,
    has: taken.get(merchant) ?? 0,
    limit: 0,
  }))
    .filter(({ has }) => has < ofOne).sort((a, b) => a.has - b.has || a.at - b.at).slice(0, LANES_AT_ONCE);
  for (const lane of lanes) {
    if (lane.has > 0 || free <= 0) continue;
    lane.limit = 1;
    free--;
  }
  for (let gave = true; gave;) {
    gave = false;
    for (const lane of lanes) {
      if (free <= ofOne || lane.has + lane.limit >= ofOne) continue;
      lane.limit++;
      free--;
      gave = true;
    }
  }
  return lanes.filter(({ limit }) => limit > 0).map(({ merchant, limit }) => ({
    kind,
    merchant,
    limit,
    leaseMs,
  }));
}
