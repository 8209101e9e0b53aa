import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { formatSat } from "../money/msat.ts";
import { addTimeline } from "../orders/orders_store.ts";
import { enqueueReplies } from "../orders/replies.ts";
import type { RefundRow } from "./refunds_store.ts";

/** The job that tells a customer something of a refund in plain words; `messages/` does it. */
export const REFUND_TELL_JOB = "refund.tell";
/** As long as an answer of an order. */
const MAX_ATTEMPTS = 2_000;

/** The payload of `refund.tell`. Whose the refund is stands in the ledger. */
export interface RefundTellPayload extends Record<string, unknown> {
  refund_id: string;
  text: string;
  /** Unique: one fact is told once. */
  purpose: string;
}

/** `100 sat` of a refund. */
export function amountText(refund: RefundRow): string {
  return formatSat(BigInt(refund.amount_msat));
}

/**
 * Writes what became of a refund into its order's timeline and, if there is something to `say`, tells the customer in the
 * order's own words. A refund without an order is told by a plain message.
 */
export async function note(
  tx: Tx,
  refund: RefundRow,
  o: { text: string; say?: string; purpose?: string },
  now: number,
): Promise<void> {
  if (refund.order_id === null) {
    if (o.say !== undefined) await tell(tx, refund, o.say, o.purpose ?? `${refund.state}:${now}`, now);
    return;
  }
  const seq = await addTimeline(tx, refund.order_id, now, [{ event: "refund", text: o.text }]);
  if (o.say === undefined) return;
  const { order_id: id, merchant, customer } = refund;
  await enqueueReplies(tx, { id, merchant, customer }, seq, [{ reply: "state", note: o.say }], now);
}

/** Tells the customer something in plain words, once for each purpose. Nobody is told where no customer is known. */
export async function tell(
  tx: Tx,
  refund: RefundRow,
  text: string,
  purpose: string,
  now: number,
): Promise<void> {
  if (refund.customer === null) return;
  const payload: RefundTellPayload = {
    refund_id: refund.id,
    text,
    purpose: `refund:${refund.id}:${purpose}`,
  };
  await enqueue(
    tx,
    {
      kind: REFUND_TELL_JOB,
      merchant: refund.merchant,
      payload,
      key: payload.purpose,
      maxAttempts: MAX_ATTEMPTS,
    },
    now,
  );
}

/** Tells the owners. */
export async function alarm(
  tx: Tx,
  refund: RefundRow,
  o: { kind: "refund_due" | "refund_sent" | "refund_unknown"; fact: string; detail: string },
  now: number,
): Promise<void> {
  await alert(tx, {
    merchant: refund.merchant,
    kind: o.kind,
    fact: `refund:${refund.id}:${o.fact}`,
    ...(refund.order_id !== null && { orderId: refund.order_id }),
    detail: o.detail,
  }, now);
}

/** How a customer is asked where the money shall go. */
export function askFor(refund: RefundRow): string {
  return `Answer with a Lightning address or an invoice over ${amountText(refund)}.`;
}
