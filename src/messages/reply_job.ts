import { phrase } from "../dialects/dialects.ts";
import { type JobHandler, RetryLater } from "../jobs/runner.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import { digitalContents, loadSubject } from "../orders/subject.ts";
import type { ReplyKind, Traits } from "../orders/types.ts";
import { compose } from "./compose.ts";
import type { MessageRow } from "./messages_store.ts";
import { send, type Sender } from "./send.ts";

const UNSERVED_MS = 60_000;

/**
 * The job `reply.send`: phrases an answer as the order stands when it is sent, in the customer's dialect and envelope.
 * Its purpose carries the number of the timeline line that caused it, so that one fact is told once.
 */
export function replyJob(parts: Sender & { identityOf: IdentityOf }): JobHandler {
  return {
    concurrency: 32,
    async run(job) {
      const { order_id, reply: kind, number, note } = job.payload as {
        order_id: string;
        reply: ReplyKind;
        number: string;
        note?: string;
      };
      const { database, clock } = parts;
      const subject = await loadSubject(database.kysely, order_id);
      if (!subject) return;
      const { order } = subject;
      const identity = parts.identityOf(order.merchant);
      if (!identity) throw new RetryLater("the merchant isn't served now", UNSERVED_MS);

      const reply = compose(kind, {
        ...subject,
        digitalContent: kind === "delivered" ? await digitalContents(database.kysely, subject) : [],
        note: note ?? null,
        now: clock.now(),
      });
      if (reply === null) return;
      const bodies = phrase(reply, {
        dialect: order.dialect,
        customerOrderId: order.customer_order_id,
        traits: JSON.parse(order.traits) as Traits,
        envelope: order.envelope,
      });
      await send(parts, {
        identity,
        customer: order.customer,
        envelope: order.envelope,
        bodies,
        type: messageType(kind, reply.kind),
        orderId: order.id,
        answers: order.asked_at_seconds,
        relay: order.relay,
        purpose: `reply:${order.id}:${number}`,
      }, (tx) => job.complete(tx));
    },
  };
}

function messageType(kind: ReplyKind, phrased: "payment_request" | "refusal" | "status"): MessageRow["type"] {
  if (kind === "delivered") return "digital";
  return phrased === "status" ? "status" : "payment_request";
}
