import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import type { Msat } from "../money/msat.ts";
import { amountText, note } from "./refund_telling.ts";
import { approvedByItself, type RefundRow, updateRefund } from "./refunds_store.ts";

/** The job that pays refunds out, and looks after those whose payment is in doubt. */
export const REFUND_PAY_JOB = "refund.pay";
/** Who approved it when nobody did. */
const ITSELF = "limit";
const DAY_MS = 86_400_000;
/** A job that has to look after a doubt is never given up. */
const MAX_ATTEMPTS = 100_000;

/** What is paid back without a person: up to this amount each, and so much in 24 hours of one merchant. */
export interface AutoApproval {
  limitMsat: Msat;
  budgetMsat: Msat;
}

/** Approves a locked refund that has its destination: both are fixed from now on, and it is paid. */
export async function approved(tx: Tx, refund: RefundRow, by: string, now: number): Promise<RefundRow> {
  const row = await updateRefund(tx, refund, { state: "approved", approved_by: by, approved_at: now }, now);
  await payOut(tx, refund, now);
  const how = by === ITSELF ? "by itself: it is within the limit" : "by the merchant";
  await note(tx, row, { text: `The refund of ${amountText(refund)} was approved ${how}.` }, now);
  return row;
}

/** The same without a person, where the limit and what is left of the day's budget allow it. */
export async function approveByItself(
  tx: Tx,
  refund: RefundRow,
  auto: AutoApproval,
  now: number,
): Promise<boolean> {
  const amount = BigInt(refund.amount_msat);
  if (amount > auto.limitMsat || amount > auto.budgetMsat) return false;
  const spent = await approvedByItself(tx, { merchant: refund.merchant, by: ITSELF, since: now - DAY_MS });
  if (spent + amount > auto.budgetMsat) return false;
  await approved(tx, refund, ITSELF, now);
  return true;
}

/** Has a refund paid, or looked after, from now on. */
export async function payOut(tx: Tx, { id, merchant }: RefundRow, now: number): Promise<void> {
  await enqueue(
    tx,
    { kind: REFUND_PAY_JOB, merchant, payload: { refund_id: id }, key: id, maxAttempts: MAX_ATTEMPTS },
    now,
  );
}
