import type { Kysely } from "kysely";
import type { Tables } from "../db/tables.ts";
import { type DeliveryState, deliveryState, deliveryText } from "./delivery_words.ts";
import { type DeliveryRow, linesOf, type ReceivedMessage, receivedOf, sentOf } from "./order_story_store.ts";

/** One thing that happened to an order. */
export interface StoryEntry {
  /** ms */
  at: number;
  /** A word for machines: what the life cycle calls it, or `received`, `delivery`, `cut`. */
  event: string;
  /** A sentence for people. */
  text: string;
  /** For `delivery`: how far the message has come, and what each relay said. */
  delivery?: { state: DeliveryState; relays: DeliveryRow[] };
}

/** Of each kind of entry; an order has a few of each unless somebody plays with it. */
const MOST = 200;

/**
 * Everything that happened to an order, in order: what its life cycle noted, which relay brought the customer's messages, and what
 * became of ours at every relay. Deliveries are read as they stand now, under the time when the message was posted.
 */
export async function orderStory(
  db: Kysely<Tables>,
  order: { id: string; merchant: string; customer: string },
): Promise<StoryEntry[]> {
  const [lines, received, sent] = [
    await linesOf(db, order.id, MOST + 1),
    await receivedOf(db, order, MOST + 1),
    await sentOf(db, order.id, MOST + 1),
  ];
  // Of one moment: the customer's message, what follows from it, what we say to it.
  const ranked = [
    ...received.slice(0, MOST).reverse().map((one) => ({ rank: 0, entry: receivedEntry(one) })),
    ...lines.slice(-MOST).map((line) => ({ rank: 1, entry: line as StoryEntry })),
    ...sent.slice(0, MOST).reverse().map((one) => ({
      rank: 2,
      entry: {
        at: one.at,
        event: "delivery",
        text: deliveryText(one),
        delivery: { state: deliveryState(one), relays: one.relays },
      },
    })),
  ];
  ranked.sort((a, b) => a.entry.at - b.entry.at || a.rank - b.rank);
  const entries = ranked.map(({ entry }) => entry);
  const cut = [lines, received, sent].some((list) => list.length > MOST);
  if (!cut || entries.length === 0) return entries;
  const notice = `Of more than ${MOST} entries of a kind the oldest are left out.`;
  return [{ at: entries[0]!.at, event: "cut", text: notice }, ...entries];
}

function receivedEntry({ at, type, envelope, relay }: ReceivedMessage): StoryEntry {
  const what = type === "order" ? "The customer's order" : "A message of the customer about it";
  const how = envelope === "nip17" ? "in a gift wrap (NIP-17)" : "as an encrypted message (NIP-04)";
  const by = relay === null ? "" : `, first by ${relay === "" ? "our own relay" : relay}`;
  return { at, event: "received", text: `${what} came ${how}${by}.` };
}
