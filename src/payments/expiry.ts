const MINUTE = 60_000;
/** How long a hold waits for a wallet that doesn't answer (design §5). */
const SILENT_WALLET_MS = 30 * MINUTE;
/** The same when its money was on hold there: until then it has been taken or has gone back. */
const SILENT_WITH_MONEY_MS = 24 * 60 * MINUTE;
/** After a start, payments of the time before are looked for first. */
const AFTER_START_MS = 2 * MINUTE;

/** All times in ms since 1970. */
export interface ExpiryQuestion {
  /** When the order's time is up. */
  dueAt: number;
  /** When the wallet was last asked, if it answered that nothing is paid. */
  answeredAt: number | null;
  /** The order's money was on hold with the wallet. */
  onHold: boolean;
  /** When the invoice was made. */
  madeAt: number;
  /** When this process started. */
  startedAt: number;
  /** Since when the wall clock has run evenly. */
  trustedSince: number;
  now: number;
}

/**
 * Whether an unpaid order's time is up: only after a look-up that was asked after its end, or when the wallet has been
 * silent for 30 minutes (for a day, if it had the money); invoices of before a restart wait two minutes.
 */
export function mayExpire(q: ExpiryQuestion): boolean {
  if (q.now < q.dueAt) return false;
  if (q.madeAt < q.startedAt && q.now < q.startedAt + AFTER_START_MS) return false;
  if (q.answeredAt !== null) return q.answeredAt >= q.dueAt;
  const silence = q.onHold ? SILENT_WITH_MONEY_MS : SILENT_WALLET_MS;
  return q.now >= Math.max(q.dueAt, q.trustedSince) + silence;
}
