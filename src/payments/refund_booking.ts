import type { Tx } from "../db/database.ts";
import type { RunningJob } from "../jobs/runner.ts";
import { formatSat, type Msat } from "../money/msat.ts";
import { isProof } from "./proof.ts";
import { ended } from "./refund_end.ts";
import { lockWithSource } from "./refund_locks.ts";
import { askAnew } from "./refund_offers.ts";
import { inDoubt } from "./refund_pay_out.ts";
import { alarm, amountText, note } from "./refund_telling.ts";
import { type RefundRow, updateRefund } from "./refunds_store.ts";
import type { OutgoingStatus, WalletError, WalletErrorKind } from "./wallet.ts";

/** A wallet's errors that say that nothing is under way. */
export const NOTHING_PAID: ReadonlySet<WalletErrorKind> = new Set([
  "refused",
  "unauthorized",
  "not_implemented",
  "busy",
  "unreachable",
]);

/** After a wallet that can't be reached, or has too much to do. */
const AGAIN_MS = 30_000;
/** The first look-up after a lost answer, and the longest pause between two. */
const LOOK_UP_FIRST_MS = 5_000;
const LOOK_UP_MOST_MS = 3_600_000;
/** A wallet may take a request that late; before, its word that a payment failed may be of an earlier one. */
const REQUEST_LIVES_MS = 120_000;
/** A doubt that lasts so long is the owners' to hear of; a payment that hangs on its way has longer. */
const ALARM_MS = 60_000;
const HANGING_MS = 600_000;
/** After this a person alone decides. */
const LOOKED_UP_MS = 7 * 86_400_000;

type At = { id: string; job: RunningJob };

/** The wallet has paid. Ends the job with it. */
export async function bookSent(tx: Tx, o: At & { feeMsat: Msat | null }, now: number): Promise<void> {
  const refund = await lockWithSource(tx, o.id);
  await o.job.complete(tx);
  if (!refund) return;
  if (!isUnderWay(refund)) return await paidTwice(tx, refund, now);
  const row = await updateRefund(tx, refund, {
    state: "sent",
    fee_msat: o.feeMsat === null ? null : Number(o.feeMsat),
    note: null,
    ended_at: now,
  }, now);
  const fee = o.feeMsat === null ? "" : ` The wallet's fee was ${formatSat(o.feeMsat)}.`;
  await ended(tx, row, `${amountText(row)} were sent to the customer's invoice.${fee}`, now);
}

/**
 * The wallet didn't pay, or didn't say. Answers when to go on (ms), null when the job is over. `certain`: nothing of it is
 * under way, so that it may be tried again.
 */
export async function bookFailure(
  tx: Tx,
  o: At & { error: WalletError; certain: boolean },
  now: number,
): Promise<number | null> {
  const refund = await lockWithSource(tx, o.id);
  if (!refund || refund.state !== "sending") {
    await o.job.complete(tx);
    return null;
  }
  const { error } = o;
  if (!o.certain) {
    await inDoubt(tx, refund, error.message, now);
    return LOOK_UP_FIRST_MS;
  }
  if (error.temporary) {
    await updateRefund(tx, refund, { state: "approved", asked_at: null, note: error.message }, now);
    return AGAIN_MS;
  }
  await o.job.complete(tx);
  const row = await updateRefund(tx, refund, {
    state: "due",
    approved_by: null,
    approved_at: null,
    asked_at: null,
    note: error.message,
  }, now);
  const text = `The wallet didn't pay the refund of ${amountText(row)}: ${error.message}`;
  await note(tx, row, { text }, now);
  await alarm(tx, row, {
    kind: "refund_due",
    fact: `failed:${now}`,
    detail: `${text}. Approve it again when that is mended.`,
  }, now);
  return null;
}

/** What the wallet says of a payment in doubt; `status` null: nothing. Answers when to ask again, null when the job is over. */
export async function bookLookUp(
  tx: Tx,
  o: At & { status: OutgoingStatus | null },
  now: number,
): Promise<number | null> {
  const refund = await lockWithSource(tx, o.id);
  if (!refund || !isUnderWay(refund)) {
    await o.job.complete(tx);
    return null;
  }
  const { status } = o;
  const askedAt = refund.asked_at ?? refund.updated_at;
  const proven = status?.status === "settled" &&
    (status.preimage === null || isProof(status.preimage, refund.payment_hash!));
  if (proven) {
    await bookSent(tx, { ...o, feeMsat: status.feeMsat }, now);
    return null;
  }
  if (status?.status === "failed" && now - askedAt >= REQUEST_LIVES_MS) {
    await askAnew(tx, refund, "The payment to your invoice failed on its way.", now);
    await o.job.complete(tx);
    return null;
  }
  const row = refund.state === "sending"
    ? await inDoubt(tx, refund, "the wallet's proof is false", now)
    : refund;
  await alarmOf(tx, row, { status, since: now - askedAt, askedAt }, now);
  if (now - askedAt > LOOKED_UP_MS) {
    await o.job.complete(tx);
    return null;
  }
  return Math.min(Math.max(Math.floor((now - askedAt) / 2), LOOK_UP_FIRST_MS), LOOK_UP_MOST_MS);
}

async function alarmOf(
  tx: Tx,
  refund: RefundRow,
  o: { status: OutgoingStatus | null; since: number; askedAt: number },
  now: number,
): Promise<void> {
  const moving = o.status?.status === "pending" || o.status?.status === "failed";
  if (o.since < (moving ? HANGING_MS : ALARM_MS)) return;
  await alarm(tx, refund, {
    kind: "refund_unknown",
    fact: `unknown:${o.askedAt}`,
    detail:
      `Whether ${amountText(refund)} were sent is unknown. Look into the wallet's history: if they were, ` +
      `ncc refund by-hand ${refund.id}; if they weren't, ncc refund retry ${refund.id}`,
  }, now);
}

/** A person has decided while the wallet was paying after all. */
async function paidTwice(tx: Tx, refund: RefundRow, now: number): Promise<void> {
  if (refund.state === "sent") return;
  await alarm(tx, refund, {
    kind: "refund_unknown",
    fact: "paid_all_the_same",
    detail: `The wallet has paid ${
      amountText(refund)
    } for refund ${refund.id}, which isn't in doubt any more.`,
  }, now);
}

function isUnderWay({ state }: RefundRow): boolean {
  return state === "sending" || state === "unknown";
}
