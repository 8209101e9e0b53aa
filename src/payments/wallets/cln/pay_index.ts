import type { Clock } from "../../../clock.ts";
import { Deadline } from "../../../nostr/deadline.ts";
import { WalletError } from "../../wallet.ts";
import type { Tell } from "../following.ts";
import { type ClnApi, ClnError, CODE } from "./cln_api.ts";
import { type ClnInvoice, readInvoice } from "./cln_invoice.ts";

/** How long one question waits for a payment (s), and how much longer for its answer (ms). */
const WAIT_SECONDS = 50;
const GRACE_MS = 30_000;
const PAUSE_MS = 500;
/** Payments from just before the first look are told as well. */
const TOLD_FROM_BEFORE = 20;

/** A paid invoice: Core Lightning counts them by when they were paid. */
export interface PaidInvoice extends ClnInvoice {
  pay_index: number;
}

/** `waitanyinvoice`: the first invoice that was paid after the `after`th, waiting for it so many seconds; null when there is none. */
export async function nextPaid(
  api: ClnApi,
  after: number,
  seconds: number,
  signal: AbortSignal,
): Promise<PaidInvoice | null> {
  try {
    const asked = { lastpay_index: after, timeout: seconds };
    const invoice = readInvoice(await api.call("waitanyinvoice", asked, signal));
    const { pay_index } = invoice;
    if (pay_index !== undefined && pay_index > after) return { ...invoice, pay_index };
  } catch (error) {
    if (error instanceof ClnError && error.code === CODE.waitTimedOut) return null;
    throw error;
  }
  throw new WalletError("bad_answer", "Core Lightning answers with a payment from before");
}

/**
 * The index of the last paid invoice for which `before` is true, 0 when there is none: of those that were paid until some time,
 * or of all. It asks about twice as often as the number of payments has binary digits. `from`: one for which it is true. When
 * `isTime` says so it ends with the last one that it has found until then.
 */
export async function lastPaidIndex(
  api: ClnApi,
  before: (invoice: PaidInvoice) => boolean,
  signal: AbortSignal,
  { from = 0, isTime = () => false }: { from?: number; isTime?: () => boolean } = {},
): Promise<number> {
  const look = async (after: number) => {
    const next = await nextPaid(api, after, 0, signal);
    return next !== null && before(next) ? next.pay_index : null;
  };
  let low = from;
  let high: number | null = null;
  for (let step = 1; high === null; step *= 2) {
    if (isTime()) return low;
    const found = await look(low + step - 1);
    if (found === null) high = low + step - 1;
    else low = found;
  }
  while (low < high && !isTime()) {
    const middle = Math.floor((low + high) / 2);
    const found = await look(middle);
    if (found === null) high = middle;
    else low = found;
  }
  return low;
}

/** Tells each payment after the `cursor`th, as it comes. */
export async function followPayments(
  api: ClnApi,
  clock: Clock,
  cursor: string | null,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  let after = Number(cursor ?? 0);
  if (cursor === null) {
    after = Math.max(0, await lastPaidIndex(api, () => true, signal) - TOLD_FROM_BEFORE);
    await tell({}, String(after));
  }
  while (!signal.aborted) {
    using deadline = new Deadline(clock, WAIT_SECONDS * 1000 + GRACE_MS, signal);
    const paid = await nextPaid(api, after, WAIT_SECONDS, deadline.signal);
    if (paid === null) {
      // Should it not wait at all, it isn't asked without a pause.
      await clock.sleep(PAUSE_MS, signal);
      continue;
    }
    after = paid.pay_index;
    await tell({ paymentHash: paid.payment_hash, ref: paid.label }, String(after));
  }
}
