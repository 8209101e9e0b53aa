import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";
import type { JobHandler, RunningJob } from "../jobs/runner.ts";
import { served } from "../jobs/served.ts";
import { chatTo } from "../messages/chat.ts";
import { type Outgoing, send, type Sender } from "../messages/send.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import { parsePublicKey } from "../nostr/keys.ts";
import { findMessage, forwardedBy, writersLike } from "./chat_store.ts";
import { dated } from "./held_back.ts";

export interface OwnerReplyParts extends Sender {
  identityOf: IdentityOf;
  owners: ReadonlySet<string>;
}

/**
 * The job `owners.reply` {merchant, message, replies_to}: what an owner wrote to the shop goes on to a customer if it begins
 * with `@` and the customer's key (its first digits are enough), or answers a message that was forwarded. Anything else
 * stays where it is.
 */
export function ownerReplyJob(parts: OwnerReplyParts): JobHandler {
  return {
    concurrency: 2,
    async run(job) {
      await dated(async () => {
        await send(parts, (tx) => prepare(parts, tx, job), (tx) => job.complete(tx));
      });
    },
  };
}

async function prepare(parts: OwnerReplyParts, tx: Tx, job: RunningJob): Promise<Outgoing | null> {
  const { merchant, message: seq, replies_to } = job.payload as {
    merchant: string;
    message: number;
    replies_to: string[];
  };
  const identity = served(parts.identityOf(merchant));
  const message = await findMessage(tx, merchant, seq);
  if (!message) return null;
  const addressed = readAddressed(message.body);
  if (addressed === null) {
    const customer = await forwardedBy(tx, merchant, replies_to);
    return customer === undefined ? null : await chatTo(tx, {
      identity,
      customer,
      body: message.body,
      purpose: `owner_reply:${seq}`,
    });
  }
  const found = await meant(parts, tx, merchant, addressed.to);
  if (found.ok) {
    return await chatTo(tx, {
      identity,
      customer: found.customer,
      body: addressed.text,
      purpose: `owner_reply:${seq}`,
    });
  }
  const detail = `Your message wasn't passed on: ${found.reason}`;
  await alert(tx, { merchant, kind: "chat", fact: `owner_reply:${seq}`, detail }, parts.clock.now());
  return null;
}

/** `@<key or its first digits> text`; null when the message isn't addressed. */
export function readAddressed(body: string): { to: string; text: string } | null {
  const match = /^\s*@(npub1[02-9ac-hj-np-z]+|[0-9a-f]{6,64})\b[\s:,]*([\s\S]*)$/i.exec(body);
  const text = match?.[2]?.trim() ?? "";
  return match && text !== "" ? { to: match[1]!.toLowerCase(), text } : null;
}

async function meant(
  { owners }: OwnerReplyParts,
  tx: Tx,
  merchant: string,
  to: string,
): Promise<{ ok: true; customer: string } | { ok: false; reason: string }> {
  const whole = to.startsWith("npub1") ? parsePublicKey(to) : null;
  if (whole !== null && !whole.ok) return { ok: false, reason: whole.reason };
  const writers = await writersLike(tx, merchant, whole?.pubkey ?? to);
  const [customer, another] = writers.filter((one) => !owners.has(one));
  if (customer === undefined) return { ok: false, reason: "nobody with this key has written to the shop." };
  if (another !== undefined) {
    return { ok: false, reason: "several customers' keys begin so. Give the whole npub after the @." };
  }
  return { ok: true, customer };
}
