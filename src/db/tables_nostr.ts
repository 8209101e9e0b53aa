import type { Generated } from "kysely";
import type { FlagOff, Int, IntOrNull, IntZero, Text, TextOrNull, Word } from "./columns.ts";

/**
 * The NStore: the columns that both databases have, of which `tags` is jsonb on PostgreSQL. Written by `EventStore` alone;
 * its other columns and tables are its own (`nostr/event_tables.ts`).
 */
export interface NostrEventsTable {
  id: Text;
  kind: Int;
  pubkey: Text;
  content: Text;
  created_at: Int;
  tags: Text;
  sig: Text;
  /** The last part of an addressable event's address. */
  d: TextOrNull;
  expires_at: IntOrNull;
}

/** SQLite only: the tag index. `event` is the event's rowid. */
export interface NostrTagsTable {
  name: Text;
  value: Text;
  kind: Int;
  created_at: Int;
  event: Int;
  pubkey: Text;
}

/** Every event that reached us for a merchant, raw; one row for each served merchant it names. */
export interface InboxTable {
  /** Order of arrival. */
  seq: Generated<number>;
  merchant: Text;
  event_id: Text;
  kind: Int;
  /** The outer event's author: the customer for kind 4, a throw-away key for a gift wrap. */
  author: Text;
  event: Text;
  /** The relay that brought it first; empty for the built-in one. */
  relay: Text;
  received_at: Int;
  /** `new` waits for the worker; `done` decided; `dropped` not authentic or not for us; `dead` could not be opened after all tries. */
  state: Word<"new" | "done" | "dropped" | "dead">;
  attempts: Int;
  next_at: Int;
  /** The verified sender and the rumor's id (NIP-59), once opened. */
  sender: TextOrNull;
  rumor_id: TextOrNull;
  reason: TextOrNull;
  /** Who is read first: 0 regulars, 1 strangers' messages, 2 strangers' gift wraps. */
  lane: Generated<number>;
  /** Nobody was told that it is kept, and a relay has it: when too much waits it may be left to the next catch-up. */
  sheddable: FlagOff;
  /** Its size, once it turned out to be no order: forgotten after a week unless its sender becomes a customer. */
  junk_bytes: IntOrNull;
}

/** Our own signed events that have to reach relays. The event store may forget a replaced or deleted one; this doesn't. */
export interface OutboxEventsTable {
  event_id: Text;
  merchant: Text;
  /** Why it exists, unique: the same purpose is never signed and sent twice. */
  purpose: Text;
  order_id: TextOrNull;
  event: Text;
  created_at: Int;
  /** What its recipient knows a wrapped message by: the rumor's id (NIP-17). */
  message_id: TextOrNull;
  /** To whom a message goes; null for what is published, and for our copies of messages. */
  recipient: TextOrNull;
  /** The recipient reads the built-in relay: there it was delivered by being stored. */
  reads_ours: FlagOff;
  /** When the owners were told (ms) that no relay that the recipient reads has it. */
  undelivered_at: IntOrNull;
}

export interface OutboxTable {
  event_id: Text;
  relay: Text;
  merchant: Text;
  state: Word<"pending" | "delivered" | "failed">;
  attempts: Int;
  next_at: Int;
  /** The relay's answer to the last try. */
  answer: TextOrNull;
  updated_at: Int;
  /** The recipient is known to read this relay: only its receipt counts as delivered. */
  reads: FlagOff;
  /** How often it was sent again because the relay had accepted it and didn't have it. */
  resends: IntZero;
}

/** Where somebody reads, as they published it (kinds 10050 and 10002), already checked to be public addresses. */
export interface RecipientRelaysTable {
  pubkey: Text;
  /** JSON: string[] */
  dm_relays: Text;
  /** JSON: string[] */
  read_relays: Text;
  looked_up_at: Int;
}

/** Receive time (ms) up to which a relay's events for a merchant are known to be in the inbox. */
export interface RelayCursorsTable {
  merchant: Text;
  relay: Text;
  cursor: Int;
  updated_at: Int;
}

/** A catch-up that isn't finished: everything of the kinds before `kind`, and of `kind` down to the second `until`, is in the inbox. */
export interface CatchUpsTable {
  merchant: Text;
  relay: Text;
  started_at: Int;
  kind: Int;
  /** Null: nothing of the kind yet. */
  until: IntOrNull;
  updated_at: Int;
}

/** The newest `created_at` (seconds) we used: scope `catalog`, `address:<kind>:<d>` or `customer:<pubkey>`. */
export interface KeyClocksTable {
  pubkey: Text;
  scope: Text;
  last_seconds: Int;
}

export interface BansTable {
  merchant: Text;
  pubkey: Text;
  reason: TextOrNull;
  created_at: Int;
}

/** Token bucket of a sender: `tokens` in thousandths. */
export interface SenderRatesTable {
  merchant: Text;
  sender: Text;
  tokens: Int;
  updated_at: Int;
}
