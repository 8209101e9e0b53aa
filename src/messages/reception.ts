import type { Tx } from "../db/database.ts";
import { type Arrival, arrive, type ReceiveFn } from "../nostr/arrivals.ts";
import { WRAP_KINDS } from "../nostr/gift_wrap.ts";
import { promote, regularsAmong } from "./regulars_store.ts";
import type { Strangers } from "./strangers.ts";

/**
 * T1 with a look at who writes: a regular's events are read first and never shed; a stranger's are left where they are when
 * no room is left for them. Of a gift wrap the author says nothing (NIP-59): it is a regular's when the connection that
 * brought it had authenticated as one.
 */
export function reception(strangers: Strangers): ReceiveFn {
  return async (tx, arrivals, now) => {
    const ranked = await rank(tx, arrivals);
    // The built-in relay has asked before it took the event, and answers for it now.
    const taken = ranked.filter((one) => one.relay === "" || one.regularAt.size > 0 || !strangers.full);
    strangers.left(ranked.length - taken.length);
    for (const { event, regularAt } of taken) if (regularAt.size === 0) strangers.took(event.content.length);
    return await arrive(tx, taken, now);
  };
}

async function rank(tx: Tx, arrivals: Arrival[]): Promise<(Arrival & { regularAt: Set<string> })[]> {
  const ranked = arrivals.map((arrival) => ({ ...arrival, regularAt: new Set<string>() }));
  for (const merchant of new Set(arrivals.flatMap((arrival) => arrival.merchants))) {
    const theirs = ranked.filter((arrival) => arrival.merchants.includes(merchant));
    // Sorted, so that processes which share the database lock the rows in one order.
    const keys = [...new Set(theirs.flatMap(keysOf))].sort();
    const regulars = await regularsAmong(tx, merchant, keys);
    // Nothing of theirs may overtake what they wrote as strangers.
    await promote(tx, merchant, keys.filter((key) => regulars.has(key)));
    for (const one of theirs) if (keysOf(one).some((key) => regulars.has(key))) one.regularAt.add(merchant);
  }
  return ranked;
}

/** The keys that stand behind an event, as far as anybody knows before it is opened. */
function keysOf({ event, authenticated = [] }: Arrival): readonly string[] {
  return WRAP_KINDS.includes(event.kind) ? authenticated : [event.pubkey, ...authenticated];
}
