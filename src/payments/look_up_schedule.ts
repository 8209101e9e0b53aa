const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long an invoice is watched after the later of its own expiry and its order's. */
export const WATCHED_AFTER_EXPIRY_MS = 24 * HOUR;

/** How long an invoice is asked about whose wallet hasn't said anything since its end. */
export const WATCHED_UNANSWERED_MS = 30 * 24 * HOUR;

/** Times in ms since 1970. */
export interface Watched {
  createdAt: number;
  /** The BOLT11's expiry. */
  expiresAt: number;
  /** The order's; null when it has none. */
  orderExpiresAt: number | null;
}

/** When the order stops waiting for this invoice. */
export function dueAt(invoice: Watched): number {
  return invoice.orderExpiresAt ?? invoice.expiresAt;
}

/**
 * When to ask the wallet again without a hint (design §5, payments in time): every 5 s in the first minute, every 15 s until
 * expiry, once at expiry, every minute for an hour, then hourly until the later of both expiries + 24 h. Null: never again.
 * A wallet that was away for that long may have been paid before, so without its answer hourly look-ups go on for 30 days.
 */
export function nextLookUpAt(invoice: Watched, now: number, answered = true): number | null {
  const due = dueAt(invoice);
  if (now < due) {
    const pause = now < invoice.createdAt + MINUTE ? 5 * SECOND : 15 * SECOND;
    return Math.min(now + pause, due);
  }
  const end = Math.max(invoice.expiresAt, due) + (answered ? WATCHED_AFTER_EXPIRY_MS : WATCHED_UNANSWERED_MS);
  const next = now + (now < due + HOUR ? MINUTE : HOUR);
  return next <= end ? next : null;
}
