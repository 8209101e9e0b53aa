import type { Tx } from "../db/database.ts";

/** So many messages of one sender per time. */
export interface SenderRate {
  count: number;
  perMs: number;
}

/** A message costs this much of the bucket, which is kept in thousandths so that it can refill evenly. */
const MESSAGE = 1_000;

/**
 * Takes one message out of the sender's token bucket and answers when (ms) it may be read: now, or when the bucket has
 * caught up with everything taken before. A turn once taken is kept, so that each message waits once however long the
 * queue is: it is late, it is never dropped (design §4: limits never mean silence).
 */
export async function takeTurn(
  tx: Tx,
  merchant: string,
  sender: string,
  rate: SenderRate,
  now: number,
): Promise<number> {
  const full = rate.count * MESSAGE;
  const row = await tx.selectFrom("sender_rates").select(["tokens", "updated_at"])
    .where("merchant", "=", merchant).where("sender", "=", sender)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
  const left = { tokens: full, updated_at: now };
  if (row) {
    const refilled = Math.floor(Math.max(0, now - row.updated_at) * full / rate.perMs);
    if (row.tokens + refilled < full) {
      left.tokens = row.tokens + refilled;
      // What isn't a whole thousandth yet goes on counting.
      left.updated_at = row.updated_at + Math.ceil(refilled * rate.perMs / full);
    }
  }
  left.tokens -= MESSAGE;
  await tx.insertInto("sender_rates").values({ merchant, sender, ...left })
    .onConflict((oc) => oc.columns(["merchant", "sender"]).doUpdateSet(left)).execute();
  return left.tokens >= 0 ? now : now + Math.ceil(-left.tokens * rate.perMs / full);
}

/** Forgets senders who were last read before `before` (ms): their buckets are full again, or nearly. */
export async function forgetRates(tx: Tx, before: number): Promise<void> {
  await tx.deleteFrom("sender_rates").where("updated_at", "<", before).execute();
}

/** Forgets at most `limit` senders whose buckets are full again, which is what a sender has who isn't known; answers how many. */
export async function forgetFullRates(tx: Tx, rate: SenderRate, now: number, limit: number): Promise<number> {
  const full = tx.selectFrom("sender_rates").select(["merchant", "sender"])
    .where("tokens", ">=", 0).where("updated_at", "<", now - rate.perMs).limit(limit);
  const done = await tx.deleteFrom("sender_rates")
    .where((eb) => eb(eb.refTuple("merchant", "sender"), "in", full.$asTuple("merchant", "sender")))
    .where("updated_at", "<", now - rate.perMs).executeTakeFirst();
  return Number(done.numDeletedRows);
}
