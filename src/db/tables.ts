import type { ColumnType, Generated } from "kysely";

/**
 * The columns of every table, as both databases have them.
 *
 * Conventions: 64 bit integers are read as `number` (both drivers refuse what doesn't fit 2^53) and may be written as
 * `bigint`; `…_msat` is millisatoshi; times are milliseconds since 1970, but a Nostr event's own `created_at` and the
 * columns named `…_seconds` are seconds; JSON is text; booleans are 0 or 1.
 */
export interface Tables {
  nostr_events: NostrEventsTable;
  nostr_tags: NostrTagsTable;
  inbox: InboxTable;
  merchants: MerchantsTable;
  secrets: SecretsTable;
  stalls: StallsTable;
  products: ProductsTable;
  stock: StockTable;
  stock_movements: StockMovementsTable;
  holds: HoldsTable;
  orders: OrdersTable;
  order_items: OrderItemsTable;
  order_timeline: OrderTimelineTable;
  invoices: InvoicesTable;
  payments: PaymentsTable;
  messages: MessagesTable;
  outbox_events: OutboxEventsTable;
  outbox: OutboxTable;
  relay_cursors: RelayCursorsTable;
  key_clocks: KeyClocksTable;
  jobs: JobsTable;
  leases: LeasesTable;
  bans: BansTable;
  sender_rates: SenderRatesTable;
  rates: RatesTable;
  replays: ReplaysTable;
  idempotency: IdempotencyTable;
  audit: AuditTable;
}

/** A whole number; `bigint` is accepted when writing. */
export type Int = ColumnType<number, number | bigint, number | bigint>;
export type IntOrNull = ColumnType<number | null, number | bigint | null | undefined, number | bigint | null>;
export type Flag = ColumnType<0 | 1, 0 | 1, 0 | 1>;
type Text = ColumnType<string, string, string>;
type TextOrNull = ColumnType<string | null, string | null | undefined, string | null>;
/** A string out of a closed set. */
type Word<T extends string> = ColumnType<T, T, T>;

/** The NStore. On PostgreSQL `tags`, `tags_index` and `search_ext` are jsonb and the last four columns exist; see `event_store.ts`. */
export interface NostrEventsTable {
  id: Text;
  kind: Int;
  pubkey: Text;
  content: Text;
  created_at: Int;
  tags: Text;
  sig: Text;
  d: TextOrNull;
  expires_at: IntOrNull;
}

/** SQLite only: the tag index. */
export interface NostrTagsTable {
  event_id: Text;
  name: Text;
  value: Text;
  kind: Int;
  created_at: Int;
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
}

export interface MerchantsTable {
  pubkey: Text;
  name: Text;
  /** Content of kind 0, JSON. */
  profile: Text;
  state: Word<"active" | "paused">;
  pause_message: TextOrNull;
  /** `settings`: the key comes from the environment or key file; `secrets`: it lies sealed in the table of that name. */
  key_source: Word<"settings" | "secrets">;
  created_at: Int;
  updated_at: Int;
}

export interface SecretsTable {
  merchant: Text;
  name: Text;
  sealed: Text;
  created_at: Int;
}

export interface StallsTable {
  merchant: Text;
  id: Text;
  name: Text;
  description: Text;
  currency: Text;
  /** JSON: `{ id, name, cost, regions }[]`, cost a decimal string. */
  shipping: Text;
  event_id: TextOrNull;
  published_at: IntOrNull;
  /** sha-256 of what was last published (kind, content, tags): unchanged content isn't published again. */
  published_hash: TextOrNull;
  deleted_at: IntOrNull;
  created_at: Int;
  updated_at: Int;
}

export interface ProductsTable {
  merchant: Text;
  id: Text;
  stall_id: Text;
  type: Word<"simple" | "variable" | "variation">;
  /** For a variation: the variable product that it belongs to. */
  parent_id: TextOrNull;
  name: Text;
  description: Text;
  /** JSON: string[] */
  images: Text;
  currency: Text;
  /** A decimal string: no float for money. */
  price: Text;
  /** JSON: [string, string][] */
  specs: Text;
  /** JSON: `{ id, cost }[]`, the extra cost per unit for a zone, cost a decimal string. */
  shipping: Text;
  /** JSON: string[], the `t` tags. */
  categories: Text;
  digital: Flag;
  /** What a buyer of a digital product gets after payment; never published. */
  digital_content: TextOrNull;
  active: Flag;
  event_id: TextOrNull;
  published_at: IntOrNull;
  published_hash: TextOrNull;
  deleted_at: IntOrNull;
  created_at: Int;
  updated_at: Int;
}

/** `on_hand` is NIP-15's quantity (null = unlimited); `held` is what open orders have reserved of it. */
export interface StockTable {
  merchant: Text;
  product_id: Text;
  on_hand: IntOrNull;
  held: Int;
}

export interface StockMovementsTable {
  seq: Generated<number>;
  merchant: Text;
  product_id: Text;
  order_id: TextOrNull;
  hold_id: TextOrNull;
  delta_on_hand: Int;
  delta_held: Int;
  reason: Word<"hold" | "release" | "commit" | "sold_without_hold" | "adjust" | "import">;
  at: Int;
}

export interface HoldsTable {
  id: Text;
  merchant: Text;
  order_id: Text;
  product_id: Text;
  quantity: Int;
  state: Word<"held" | "committed" | "released">;
  created_at: Int;
  ended_at: IntOrNull;
}

export type PaymentState =
  | "quoting"
  | "awaiting"
  | "held"
  | "paid"
  | "overpaid"
  | "expired"
  | "cancelled"
  | "rejected"
  | "failed"
  | "refund_due"
  | "refunded";
export type FulfilmentState = "none" | "unfulfilled" | "shipped" | "delivered";

export interface OrdersTable {
  id: Text;
  merchant: Text;
  customer: Text;
  customer_order_id: Text;
  dialect: Text;
  /** How the customer's message travelled, so that the answer travels the same way. */
  envelope: Word<"nip04" | "nip17">;
  /** Relay that brought the last message of this order; empty for the built-in one. */
  relay: Text;
  payment: Word<PaymentState>;
  fulfilment: Word<FulfilmentState>;
  reason: TextOrNull;
  stall_id: TextOrNull;
  shipping_id: TextOrNull;
  name: TextOrNull;
  address: TextOrNull;
  /** JSON object as the customer sent it, bounded. */
  contact: Text;
  message: TextOrNull;
  /** Hash of what was ordered, to tell a repeat from an amendment. */
  content_hash: Text;
  /** JSON of `OrderRequest.traits`: what the dialect must echo. */
  traits: Text;
  /** Counts amendments, from 1. */
  revision: Int;
  total_msat: Int;
  received_msat: Int;
  /** JSON `{ currency, per_btc, sources, at }`, frozen in the quote; null when no fiat was involved. */
  rate: TextOrNull;
  /** NIP-01 seconds of the newest message of the customer that we answer: an answer must be later. */
  asked_at_seconds: Int;
  expires_at: IntOrNull;
  paid_at: IntOrNull;
  /** JSON `{ carrier, tracking }` */
  tracking: TextOrNull;
  created_at: Int;
  updated_at: Int;
}

export interface OrderItemsTable {
  order_id: Text;
  line: Int;
  product_id: Text;
  name: Text;
  quantity: Int;
  price: Text;
  currency: Text;
  digital: Flag;
}

export interface OrderTimelineTable {
  seq: Generated<number>;
  order_id: Text;
  at: Int;
  /** A word for machines. */
  event: Text;
  /** A sentence for people. No secret, no address, no message body. */
  text: Text;
}

export type InvoiceState = "creating" | "open" | "paid" | "expired" | "void" | "failed";

/** One attempt to be paid for an order. At most one of an order is `open`. */
export interface InvoicesTable {
  id: Text;
  merchant: Text;
  order_id: Text;
  attempt: Int;
  type: Word<"ln">;
  wallet: Text;
  state: Word<InvoiceState>;
  amount_msat: Int;
  bolt11: TextOrNull;
  payment_hash: TextOrNull;
  expires_at: IntOrNull;
  /** When the wallet is asked next; null = not any more. */
  next_lookup_at: IntOrNull;
  created_at: Int;
  updated_at: Int;
}

/** Money that the wallet says has arrived. */
export interface PaymentsTable {
  id: Text;
  merchant: Text;
  wallet: Text;
  payment_hash: Text;
  order_id: TextOrNull;
  invoice_id: TextOrNull;
  amount_msat: Int;
  state: Word<"matched" | "unmatched" | "refunded">;
  settled_at: Int;
  created_at: Int;
}

export interface MessagesTable {
  seq: Generated<number>;
  merchant: Text;
  customer: Text;
  direction: Word<"in" | "out">;
  /** `chat` is for people; the others are checkout messages. */
  type: Word<"chat" | "order" | "payment_request" | "status" | "claim" | "digital">;
  envelope: Word<"nip04" | "nip17">;
  order_id: TextOrNull;
  body: Text;
  event_id: Text;
  at: Int;
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
}

/** Receive time (ms) up to which a relay's events for a merchant are known to be in the inbox. */
export interface RelayCursorsTable {
  merchant: Text;
  relay: Text;
  cursor: Int;
  updated_at: Int;
}

/** The newest `created_at` (seconds) we used: scope `catalog`, `address:<kind>:<d>` or `customer:<pubkey>`. */
export interface KeyClocksTable {
  pubkey: Text;
  scope: Text;
  last_seconds: Int;
}

export interface JobsTable {
  id: Generated<number>;
  kind: Text;
  /** Unique among jobs of this kind that aren't finished. */
  key: TextOrNull;
  /** JSON; ids only, never customers' data. */
  payload: Text;
  state: Word<"ready" | "running" | "dead">;
  run_at: Int;
  attempts: Int;
  max_attempts: Int;
  lease_until: IntOrNull;
  lease_by: TextOrNull;
  last_error: TextOrNull;
  created_at: Int;
}

export interface LeasesTable {
  name: Text;
  holder: Text;
  until: Int;
  epoch: Int;
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

export interface RatesTable {
  currency: Text;
  /** Price of 1 BTC, a decimal string. */
  per_btc: Text;
  /** JSON: string[] */
  sources: Text;
  at: Int;
}

/** Things that may be used once: NIP-98 events, webhook ids. */
export interface ReplaysTable {
  scope: Text;
  id: Text;
  expires_at: Int;
}

export interface IdempotencyTable {
  actor: Text;
  method: Text;
  path: Text;
  key: Text;
  body_hash: Text;
  state: Word<"running" | "done" | "secret">;
  status: IntOrNull;
  body: TextOrNull;
  created_at: Int;
}

export interface AuditTable {
  seq: Generated<number>;
  at: Int;
  actor: Text;
  method: Text;
  path: Text;
  status: Int;
  request_id: Text;
}
