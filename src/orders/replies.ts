import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { personOf } from "./till.ts";
import type { ReplyKind } from "./types.ts";

/** The job that answers customers; `messages/` does it. */
export const REPLY_JOB = "reply.send";
/** An answer must survive a signer or a merchant that is away for days. */
const MAX_ATTEMPTS = 2_000;

/** One answer. What it says is found when it is sent; `note` is said instead of the usual words. */
export interface QueuedReply {
  reply: ReplyKind;
  note?: string;
}

/** The payload of `reply.send`: the answers to one fact, in the order in which the customer shall read them. */
export interface ReplyJobPayload extends Record<string, unknown> {
  order_id: string;
  /** The line of the timeline that they tell of: unique, so that a fact is told once. */
  seq: number;
  replies: QueuedReply[];
}

/**
 * Has the order's customer told of a fact, after everything that was queued for the order before. Nobody is told of an order
 * without a customer.
 */
export async function enqueueReplies(
  tx: Tx,
  order: { id: string; merchant: string; customer: string | null },
  seq: number,
  replies: QueuedReply[],
  now: number,
): Promise<void> {
  if (replies.length === 0 || personOf(order) === null) return;
  const payload: ReplyJobPayload = { order_id: order.id, seq, replies };
  await enqueue(
    tx,
    {
      kind: REPLY_JOB,
      merchant: order.merchant,
      payload,
      key: `${order.id}:${seq}`,
      maxAttempts: MAX_ATTEMPTS,
    },
    now,
  );
}
