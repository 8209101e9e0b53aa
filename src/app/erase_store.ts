import { type RawBuilder, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import { mirror } from "../orders/mirror.ts";

/** One merchant's customer. */
export interface Person {
  merchant: string;
  customer: string;
}

/** Stands in the timeline for what people wrote there. */
const TAKEN_OUT = "(taken out with the customer's data)";
/** Lines of the timeline that may quote what somebody wrote: an id, a reason, a note. */
const QUOTING = ["noted", "amended", "retried", "stockRefused", "merchantCancelled", "invoiceFailed"];
/** Rows of one transaction. */
const PORTION = 100;

/**
 * Takes the customer's data out of orders that are complete: words, address, messages, both sides' events. What is left is
 * what the books need (lines, totals, dates, keys) and `content_hash`, by which a late repeat is known. Answers how many
 * messages were deleted.
 */
export async function eraseOrders(tx: Tx, orderIds: string[], now: number): Promise<number> {
  if (orderIds.length === 0) return 0;
  let deleted = 0;
  const people = await tx.selectFrom("orders").select(["merchant", "customer"]).distinct()
    .where("id", "in", orderIds).execute();
  for (const { merchant, customer } of people) {
    const rows = await tx.selectFrom("messages").select(["seq", "event_id"])
      .where("merchant", "=", merchant).where("customer", "=", customer).where("order_id", "in", orderIds)
      .execute();
    deleted += rows.length;
    for (let i = 0; i < rows.length; i += PORTION) {
      await eraseMessages(tx, merchant, rows.slice(i, i + PORTION));
    }
  }
  const posted = await tx.selectFrom("outbox_events").select("event_id").where("order_id", "in", orderIds)
    .execute();
  await erasePosts(tx, posted.map((row) => row.event_id));
  await tx.updateTable("orders").set({
    name: null,
    address: null,
    contact: "{}",
    message: null,
    tracking: null,
    reason: null,
    relay: "",
    // Its pages are found no more.
    pay_token: null,
    forgotten_at: now,
  }).where("id", "in", orderIds).execute();
  const mirrored = await tx.selectFrom("orders").select(["id", "merchant", "mirror"])
    .where("id", "in", orderIds).where("mirror", "is not", null).execute();
  // The other system has name and address, too.
  for (const order of mirrored) await mirror(tx, order, now);
  await tx.updateTable("refunds").set({
    destination: null,
    resolved: null,
    destination_event: null,
    note: null,
  })
    .where("order_id", "in", orderIds).where("state", "in", ["sent", "by_hand", "cancelled"]).execute();
  await tx.updateTable("order_timeline").set({ text: TAKEN_OUT })
    .where("order_id", "in", orderIds).where("event", "in", QUOTING).execute();
  // What never could be sent may quote a reason.
  await tx.deleteFrom("jobs").where("state", "=", "dead").where("kind", "=", "reply.send")
    .where(sql<string>`substr(key, 1, 36)`, "in", orderIds).execute();
  const path = "/api/v1/orders/";
  await blankAnswers(
    tx,
    sql<boolean>`substr(path, 1, ${path.length}) = ${path}
    and substr(path, ${path.length + 1}, 36) in (${sql.join(orderIds)})`,
  );
  return deleted;
}

/** Takes messages out: their text, the events that brought them or carried them, and the built-in relay's copies. */
export async function eraseMessages(
  tx: Tx,
  merchant: string,
  messages: { seq: number; event_id: string }[],
): Promise<void> {
  if (messages.length === 0) return;
  const ids = messages.map((message) => message.event_id);
  await tx.deleteFrom("messages").where("seq", "in", messages.map((message) => message.seq)).execute();
  await eraseArrivals(tx, merchant, ids);
  const posted = await tx.selectFrom("outbox_events").select("event_id")
    .where((eb) => eb.or([eb("event_id", "in", ids), eb("message_id", "in", ids)])).execute();
  await erasePosts(tx, posted.map((row) => row.event_id));
}

/**
 * Empties inbox rows. The row itself stays, with nothing but ids: the same event may come from another relay, and must
 * neither be decided again nor bring the data back.
 */
export async function eraseArrivals(tx: Tx, merchant: string, eventIds: string[]): Promise<void> {
  if (eventIds.length === 0) return;
  await tx.updateTable("inbox").set({ event: "", reason: null, junk_bytes: null })
    .where("merchant", "=", merchant).where("event_id", "in", eventIds).where("state", "!=", "new").execute();
  await eraseStored(tx, eventIds);
}

/** Deletes events of ours that were sent, with their receipts. */
export async function erasePosts(tx: Tx, eventIds: string[]): Promise<void> {
  for (let i = 0; i < eventIds.length; i += PORTION) {
    const some = eventIds.slice(i, i + PORTION);
    await tx.deleteFrom("outbox").where("event_id", "in", some).execute();
    await tx.deleteFrom("outbox_events").where("event_id", "in", some).execute();
    // Relays bring our own copies of gift wraps back.
    await tx.updateTable("inbox").set({ event: "" }).where("event_id", "in", some)
      .where("merchant", "in", (eb) => eb.selectFrom("merchants").select("pubkey")).where(
        "state",
        "!=",
        "new",
      )
      .execute();
    await eraseStored(tx, some);
  }
}

/** Whatever is known of a person beside orders and messages. */
export async function erasePerson(tx: Tx, { merchant, customer }: Person, now: number): Promise<void> {
  await tx.deleteFrom("sender_rates").where("merchant", "=", merchant).where("sender", "=", customer)
    .execute();
  // A time of ours that still lies ahead is needed: the next message must be later.
  await tx.deleteFrom("key_clocks").where("pubkey", "=", merchant).where("scope", "=", `customer:${customer}`)
    .where("last_seconds", "<", Math.floor(now / 1000)).execute();
  await tx.deleteFrom("said_before").where("merchant", "=", merchant).where("customer", "=", customer)
    .execute();
  await tx.updateTable("refunds").set({
    destination: null,
    resolved: null,
    destination_event: null,
    note: null,
  })
    .where("customer", "=", customer).where("merchant", "=", merchant)
    .where("state", "in", ["sent", "by_hand", "cancelled"]).execute();
  const elsewhere = await tx.selectFrom("messages").select("seq")
    .where("merchant", "in", (eb) => eb.selectFrom("merchants").select("pubkey"))
    .where("customer", "=", customer).limit(1).executeTakeFirst();
  if (!elsewhere) await tx.deleteFrom("recipient_relays").where("pubkey", "=", customer).execute();
}

/** Answers of the API that are kept for repeats and show what was written to somebody; a repeat gets 409 from now on. */
export async function blankAnswers(tx: Tx, which: RawBuilder<boolean>): Promise<void> {
  await tx.updateTable("idempotency").set({ state: "secret", body: null }).where("state", "=", "done")
    .where(which).execute();
}

/** The built-in relay's copies, unless another merchant's inbox still needs them. */
async function eraseStored(tx: Tx, eventIds: string[]): Promise<void> {
  const needed = await tx.selectFrom("inbox").select("event_id")
    .where("merchant", "in", (eb) => eb.selectFrom("merchants").select("pubkey"))
    .where("event_id", "in", eventIds).where("event", "!=", "").execute();
  const kept = new Set(needed.map((row) => row.event_id));
  const free = eventIds.filter((id) => !kept.has(id));
  if (free.length > 0) await tx.deleteFrom("nostr_events").where("id", "in", free).execute();
}
