import { phrase } from "../dialects/dialects.ts";
import type { Tx } from "../db/database.ts";
import { type JobHandler, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { served } from "../jobs/served.ts";
import type { Log } from "../log.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import { digitalContents } from "../orders/digital.ts";
import { addTimeline, earlierReplyDue } from "../orders/orders_store.ts";
import type { QueuedReply, ReplyJobPayload } from "../orders/replies.ts";
import { type Memory, saidAbout, type SaidBefore } from "../orders/said_before_store.ts";
import { loadSubject, type OrderSubject } from "../orders/subject.ts";
import type { Reply, Traits } from "../orders/types.ts";
import { compose } from "./compose.ts";
import type { MessageRow } from "./messages_store.ts";
import { type Outgoing, send, type Sender } from "./send.ts";
import { wasSaid } from "./statements.ts";

/** How long an answer waits, at first and at most, for an earlier one that is under way. */
const BEHIND_MS = 50;
const BEHIND_MOST_MS = 3_200;

/** What the job needs. */
export interface ReplyJobParts extends Sender {
  log: Log;
  identityOf: IdentityOf;
  /** Whether a backup was restored: what customers were told since isn't told again. */
  memory?: Memory;
}

const TOLD_BEFORE = "The customer was told this before the backup was restored: it isn't sent again.";

/**
 * The job `reply.send`: phrases answers as the order stands when they are sent, in the customer's dialect and envelope.
 * Their purpose carries the number of the timeline line that caused them, so that one fact is told once; the answers of
 * one order leave in the order of these numbers, behind what was to be told of its refund before.
 */
export function replyJob(parts: ReplyJobParts): JobHandler {
  return {
    concurrency: 32,
    async run(job) {
      await send(parts, (tx) => prepare(parts, tx, job), (tx) => job.complete(tx));
    },
  };
}

async function prepare(parts: ReplyJobParts, tx: Tx, job: RunningJob): Promise<Outgoing | null> {
  const { order_id, seq, replies } = job.payload as ReplyJobPayload;
  const now = parts.clock.now();
  const subject = await loadSubject(tx, order_id, now);
  if (!subject) return null;
  const { order } = subject;
  const earlier = await earlierReplyDue(tx, order.id, { seq, jobId: job.id });
  if (earlier !== undefined) {
    const wait = Math.min(BEHIND_MOST_MS, BEHIND_MS * 2 ** Math.min(job.attempt - 1, 10));
    throw new RetryLater(
      "an earlier answer of this order hasn't left yet",
      Math.max(earlier - now, 0) + wait,
    );
  }
  const identity = served(parts.identityOf(order.merchant));

  const said = parts.memory?.any ? await saidOf(tx, order) : [];
  const messages: Outgoing["messages"] = [];
  for (const reply of replies) {
    const digitalContent = reply.reply === "digital" ? await contents(parts, tx, subject) : [];
    const wording = compose(reply.reply, { ...subject, digitalContent, note: reply.note ?? null, now });
    for (const one of wording.flatMap((words) => phrased(words, reply, subject))) {
      if (!wasSaid(one.body, reply.reply, said, order.asked_at_seconds)) messages.push(one);
      else await addTimeline(tx, order.id, now, [{ event: "told_before", text: TOLD_BEFORE }]);
    }
  }
  if (messages.length === 0) return null;
  return {
    identity,
    customer: order.customer,
    envelope: order.envelope,
    messages,
    orderId: order.id,
    answers: order.asked_at_seconds,
    relay: order.relay,
    purpose: `reply:${order.id}:${seq}`,
  };
}

function saidOf(tx: Tx, order: OrderSubject["order"]): Promise<SaidBefore[]> {
  const { merchant, customer, customer_order_id: orderRef } = order;
  return saidAbout(tx, { merchant, customer, orderRef });
}

async function contents({ log }: ReplyJobParts, tx: Tx, { order, items }: OrderSubject): Promise<string[]> {
  const found = await digitalContents(tx, order.merchant, items);
  if (found.length === 0) log.error("order.digital_content_gone", { order: order.id });
  return found;
}

function phrased(said: Reply, { reply }: QueuedReply, { order }: OrderSubject): Outgoing["messages"] {
  const bodies = phrase(said, {
    dialect: order.dialect,
    customerOrderId: order.customer_order_id,
    traits: JSON.parse(order.traits) as Traits,
    envelope: order.envelope,
  });
  const type: MessageRow["type"] = reply === "digital"
    ? "digital"
    : said.kind === "status"
    ? "status"
    : "payment_request";
  return bodies.map((body) => ({ body, type }));
}
