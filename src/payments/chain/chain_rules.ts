import type { ChainOutput } from "./chain_server.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How long an order waits for a payment that is seen and in no block. */
export const WAITS_FOR_BLOCK_MS = 24 * HOUR;

/**
 * `seen`: it waits for its confirmations. `booked`: it is in the books. `replaced`: it was seen and isn't there any more. `lost`: it
 * is in the books, and the chain went another way.
 */
export type OutputState = "seen" | "booked" | "replaced" | "lost";

/** An output as the books have it. */
export interface KnownOutput {
  txid: string;
  vout: number;
  amountSat: bigint;
  height: number | null;
  state: OutputState;
}

/** An output that is money from now on. */
export interface Booked {
  output: KnownOutput;
  /** It is the money that was booked for this one, which is lost; null: it is further money. */
  insteadOf: KnownOutput | null;
}

/** What follows from what a server says; an output without a change isn't named. */
export interface Judged {
  /** It stands in the books as this from now on. */
  changes: KnownOutput[];
  /** Those among them that are money from now on. */
  book: Booked[];
  /** What is in the books and not in the chain, whether that is new or not. */
  lost: KnownOutput[];
  /** Something is there that waits for its confirmations. */
  pending: boolean;
}

/** How many blocks say so: the one that it is in counts. */
export function confirmationsOf(height: number | null, tip: number): number {
  return height === null || height < 1 ? 0 : Math.max(0, tip - height + 1);
}

/**
 * Compares what a server says of an address with what the books have. Only what is confirmed is money; what isn't may be replaced
 * by another payment of the same coins (BIP 125), which no server can exclude. What is booked is booked once; that it is lost
 * with its block is said only when the server knows at least that block's height. Whoever raised its fee before paid once all
 * the same: another output of the same amount takes the place of a lost one.
 */
export function judge(
  known: readonly KnownOutput[],
  said: readonly ChainOutput[],
  o: { tip: number; confirmations: number },
): Judged {
  const there = new Map(said.map((output) => [outpointOf(output), output]));
  const before = new Map(known.map((output) => [outpointOf(output), output]));
  const isBehind = ({ state, height }: KnownOutput) =>
    state === "booked" && height !== null && o.tip < height;
  // What a server that is behind has instead of a booked output isn't known yet.
  const unsure = known.some((was) => isBehind(was) && (there.get(outpointOf(was))?.height ?? null) === null);
  const after = new Map(before);
  const fresh: KnownOutput[] = [];
  for (const [outpoint, { txid, vout, amountSat, height, doubted }] of there) {
    const was = before.get(outpoint);
    const booked = was?.state === "booked" || was?.state === "lost";
    // A block that is gone takes a booked payment out of the chain, mostly for minutes; a server that is behind says nothing.
    if (booked && height === null && isBehind(was)) continue;
    const enough = !doubted && !unsure && confirmationsOf(height, o.tip) >= Math.max(1, o.confirmations);
    const gone = booked && height === null;
    const state: OutputState = gone ? "lost" : booked || enough ? "booked" : "seen";
    const now = { txid, vout, amountSat: was?.amountSat ?? amountSat, height, state };
    after.set(outpoint, now);
    if (!booked && enough) fresh.push(now);
  }
  for (const [outpoint, was] of before) {
    if (there.has(outpoint)) continue;
    if (was.state === "seen") after.set(outpoint, { ...was, height: null, state: "replaced" });
    if (was.state === "booked" && was.height !== null && !isBehind(was)) {
      after.set(outpoint, { ...was, height: null, state: "lost" });
    }
  }
  const book = fresh.map((output): Booked => {
    const lost = [...after.values()].find((one) =>
      one.state === "lost" && one.amountSat === output.amountSat
    );
    if (!lost) return { output, insteadOf: null };
    const outpoint = outpointOf(lost);
    // It may come all the same, and is then a payment like any other.
    after.set(outpoint, { ...lost, state: there.has(outpoint) ? "seen" : "replaced" });
    return { output, insteadOf: lost };
  });
  const all = [...after.values()];
  return {
    changes: all.filter((now) => {
      const was = before.get(outpointOf(now));
      return was?.state !== now.state || was.height !== now.height;
    }),
    book,
    lost: all.filter(({ state }) => state === "lost"),
    pending: all.some(({ state }) => state === "seen"),
  };
}

/** By which a block is older than the next one, on average. */
const BLOCK_MS = 10 * MINUTE;

/**
 * When what is in a block was paid: when it was seen, as long as that block came within the day that an order waits for one; or
 * that day before its block, so that nobody keeps a price by a payment that no miner takes. What was in a block before anybody
 * looked is dated by the blocks since.
 */
export function paidAt(o: { seenAt: number; height: number; tip: number; now: number }): number {
  const minedAt = o.now - Math.max(0, o.tip - o.height) * BLOCK_MS;
  return Math.min(minedAt, Math.max(o.seenAt, minedAt - WAITS_FOR_BLOCK_MS));
}

/** What the books call an output: unique in its chain, for ever. */
export function outpointOf({ txid, vout }: { txid: string; vout: number }): string {
  return `${txid}:${vout}`;
}

/** Times in ms since 1970. */
export interface LookUpPlan {
  createdAt: number;
  /** When its order stops waiting for money; null: it doesn't wait. */
  orderExpiresAt: number | null;
  /** Something there waits for its confirmations. */
  pending: boolean;
  now: number;
  /** A number from 0 to 1 by chance: not all addresses of one evening shall be due at once. */
  chance: number;
}

/**
 * When to ask for an address again without news of it (design §5): often while its order waits, every ten minutes for a day, then
 * nightly, for ever: whoever has an address can pay to it at any time.
 */
export function nextLookUpAt({ createdAt, orderExpiresAt, pending, now, chance }: LookUpPlan): number {
  if (pending) return now + MINUTE;
  if (orderExpiresAt !== null && now < orderExpiresAt) return now + MINUTE / 2;
  if (now < Math.max(createdAt, orderExpiresAt ?? 0) + 24 * HOUR) return now + 10 * MINUTE;
  return now + 23 * HOUR + Math.round(chance * 2 * HOUR);
}
