import type { JobHandlers } from "../../src/jobs/handler.ts";
import type { Log } from "../../src/log.ts";
import type { InboxWorkerParts } from "../../src/messages/inbox_worker.ts";
import type { Sender } from "../../src/messages/send.ts";
import type { IdentityOf } from "../../src/nostr/identity.ts";
import { dmJob } from "../../src/notifications/dm_job.ts";
import { haltedMerchants } from "../../src/notifications/halt_store.ts";
import { wantedKinds } from "../../src/notifications/kinds.ts";
import { ownerReplyJob } from "../../src/notifications/owner_reply_job.ts";
import { judgeOwnMessage } from "../../src/notifications/second_instance.ts";
import { tellJobs } from "../../src/notifications/tell_jobs.ts";

/** Who is told in a shop of a test. */
export interface NewsOptions {
  /** Keys of the owners. Default: nobody. */
  owners?: string[];
  /** The words of NCC_NOTIFY. */
  notify?: string[];
}

export const NEWS_KINDS = ["owners.tell", "owners.dm", "owners.reply", "owners.summary"];

/** What tells a test shop's owners: handlers of jobs, and what the inbox worker asks and tells. */
export function newsOf(
  base: Sender & { log: Log; identityOf: IdentityOf },
  { owners: keys = [], notify = ["all"] }: NewsOptions,
): {
  handlers: JobHandlers;
  inbox: Pick<InboxWorkerParts, "owners" | "haltedMerchants" | "onOwnMessage">;
} {
  const owners = new Set(keys);
  return {
    handlers: {
      ...tellJobs({ ...base, owners, kinds: wantedKinds(notify) }),
      "owners.dm": dmJob(base),
      "owners.reply": ownerReplyJob({ ...base, owners }),
    },
    inbox: {
      owners,
      haltedMerchants: () => haltedMerchants(base.database.kysely),
      onOwnMessage: async (tx, own, now) => void await judgeOwnMessage(tx, own, now, base.log),
    },
  };
}
