import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import type { MessageRow } from "./messages_store.ts";

/** A program like this one tells its owners by texts that begin so; passed on, they would run in circles. */
const NOTICE = /^\s*\[ncc\]/;
/** Events named by one message. */
const MOST_NAMED = 5;

/**
 * What follows from a person's text: the owners are told of a customer's, and an owner's own is looked at for an answer to pass
 * on (job `owners.reply`). An owner's text is never told to owners, nor is what another program like this one says.
 */
export async function heard(
  tx: Tx,
  message: MessageRow,
  o: { owners: ReadonlySet<string>; tags: string[][]; now: number },
): Promise<void> {
  const { merchant, customer, seq, body } = message;
  if (NOTICE.test(body)) return;
  if (!o.owners.has(customer)) {
    return await alert(tx, { merchant, kind: "chat", fact: `chat:${seq}` }, o.now);
  }
  const replies_to = o.tags.filter(([name, id]) => (name === "e" || name === "q") && id !== undefined)
    .map(([, id]) => id!).filter((id) => /^[0-9a-f]{64}$/.test(id)).slice(0, MOST_NAMED);
  const payload = { merchant, message: seq, replies_to };
  await enqueue(tx, { kind: "owners.reply", merchant, key: `${merchant}:${seq}`, payload }, o.now);
}
