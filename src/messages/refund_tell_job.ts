import type { Tx } from "../db/database.ts";
import { type JobHandler, RetryLater } from "../jobs/runner.ts";
import { served } from "../jobs/served.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import { chatTo } from "./chat.ts";
import { send, type Sender } from "./send.ts";

const HALTED_MS = 15_000;

/** Who is told of a refund, and by whom. */
export interface RefundAddressee {
  merchant: string;
  customer: string | null;
  /** Why the merchant answers nobody now; null when it does. */
  halted: string | null;
}

/** What the job needs. */
export interface RefundTellParts extends Sender {
  identityOf: IdentityOf;
  /** Whose a refund is (customer null: nobody's that can be told), and whether its merchant says nothing for now. */
  refundOf(tx: Tx, refundId: string): Promise<RefundAddressee | undefined>;
}

/** The job `refund.tell` {refund_id, text, purpose}: tells a customer something of a refund in plain words, once. */
export function refundTellJob(parts: RefundTellParts): JobHandler {
  return {
    async run(job) {
      const { refund_id, text, purpose } = job.payload as {
        refund_id: string;
        text: string;
        purpose: string;
      };
      await send(parts, async (tx) => {
        const refund = await parts.refundOf(tx, refund_id);
        if (!refund || refund.customer === null) return null;
        if (refund.halted !== null) throw new RetryLater("the merchant is halted", HALTED_MS, false);
        const identity = served(parts.identityOf(refund.merchant));
        return await chatTo(tx, { identity, customer: refund.customer, body: text, purpose });
      }, (tx) => job.complete(tx));
    },
  };
}
