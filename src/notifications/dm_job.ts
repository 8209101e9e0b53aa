import type { Tx } from "../db/database.ts";
import { type JobHandler, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { served } from "../jobs/served.ts";
import { type Outgoing, send, type Sender } from "../messages/send.ts";
import { textStatement } from "../messages/statements.ts";
import type { IdentityOf, NostrIdentity } from "../nostr/identity.ts";
import { npub } from "../nostr/keys.ts";
import { enqueueLookUp } from "../nostr/recipient_look_up.ts";
import { sources } from "../nostr/recipient_relays.ts";
import { findRecipientRelays } from "../nostr/recipient_relays_store.ts";
import { type Memory, wasTold } from "../orders/said_before_store.ts";
import { chatOf, findMessage } from "./chat_store.ts";
import { dated } from "./held_back.ts";
import { findNotice, type NoticeRow } from "./notices_store.ts";
import { NOTICE_MARK } from "./wording.ts";

/** Of what a customer wrote; the rest is in the list of messages. */
const FORWARDED_MOST = 2_000;
/** Hex digits of a customer's key that owners answer to. */
const SHORT_ID = 8;

/** How long the first message to an owner waits for where they want it. */
const LOOK_UP_MS = 6_000;

export interface DmParts extends Sender {
  identityOf: IdentityOf;
  /** Whether a backup was restored: a chat that an owner has got already isn't forwarded again. */
  memory?: Memory;
}

/** The job `owners.dm` {merchant, notice, owner}: one notice to one owner, by NIP-17 where the owner has a kind 10050, else NIP-04. */
export function dmJob(parts: DmParts): JobHandler {
  return {
    concurrency: 4,
    async run(job) {
      const merchant = String(job.payload.merchant);
      const owner = String(job.payload.owner);
      const identity = served(parts.identityOf(merchant));
      if (job.attempt === 1 && await asks(parts, identity, owner)) {
        throw new RetryLater("it is being looked up where the owner wants messages", LOOK_UP_MS);
      }
      await dated(async () => {
        await send(parts, (tx) => prepare(tx, parts, job, identity, owner), (tx) => job.complete(tx));
      });
    },
  };
}

/** Has an owner of whom nothing is known looked up; false when there is nobody to ask, or it is known. */
async function asks({ database, clock }: DmParts, identity: NostrIdentity, owner: string): Promise<boolean> {
  if (sources(identity, null).length === 0) return false;
  return await database.transaction(async (tx) => {
    if (await findRecipientRelays(tx, owner)) return false;
    await enqueueLookUp(tx, { merchant: identity.pubkey, pubkey: owner, seenOn: null }, clock.now());
    return true;
  });
}

async function prepare(
  tx: Tx,
  { memory }: DmParts,
  job: RunningJob,
  identity: NostrIdentity,
  owner: string,
): Promise<Outgoing | null> {
  const notice = await findNotice(tx, Number(job.payload.notice));
  if (!notice) return null;
  const body = `${NOTICE_MARK} ${await bodyOf(tx, notice)}`;
  const told = { merchant: identity.pubkey, customer: owner, statement: textStatement(body) };
  if (memory?.any && notice.kind === "chat" && await wasTold(tx, told)) return null;
  const known = await findRecipientRelays(tx, owner);
  return {
    identity,
    customer: owner,
    envelope: known !== undefined && known.dmRelays.length > 0 ? "nip17" : "nip04",
    messages: [{ body, type: "chat" }],
    orderId: null,
    answers: 0,
    relay: "",
    purpose: `notice:${notice.seq}:${owner}`,
    unlisted: true,
  };
}

/** What a customer wrote is added here and kept nowhere else. */
async function bodyOf(tx: Tx, notice: NoticeRow): Promise<string> {
  const chat = chatOf(notice.fact);
  const message = chat === null ? undefined : await findMessage(tx, notice.merchant, chat);
  if (!message) return notice.text;
  const { customer, body } = message;
  const id = customer.slice(0, SHORT_ID);
  const text = body.length > FORWARDED_MOST ? `${body.slice(0, FORWARDED_MOST)} …` : body;
  return `${shortened(npub(customer))} wrote:\n${text}\n\nTo answer, begin with @${id}`;
}

function shortened(key: string): string {
  return `${key.slice(0, 12)}…${key.slice(-6)}`;
}
