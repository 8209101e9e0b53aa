import type { Tx } from "../db/database.ts";

/** So many messages of one sender per time. */
export interface SenderRate {
  count: number;
  perMs: number;
}

/** A message costs this much of the bucket, which is kept in thousandths so that it can refill evenly. */
const MESSAGE = 1_000;

/**
 * Takes one message out of the sender's token bucket. Answers 0 when it may be read now, else the milliseconds until it
 * may: the message waits, it is never dropped (design §4: limits never mean silence).
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
  const elapsed = row ? Math.max(0, now - row.updated_at) : 0;
  const tokens = row ? Math.min(full, row.tokens + Math.floor(elapsed * full / rate.perMs)) : full;
  if (tokens < MESSAGE) return Math.ceil((MESSAGE - tokens) * rate.perMs / full);
  const left = { tokens: tokens - MESSAGE, updated_at: now };
  await tx.insertInto("sender_rates").values({ merchant, sender, ...left })
    .onConflict((oc) => oc.columns(["merchant", "sender"]).doUpdateSet(left)).execute();
  return 0;
}
