import type { ColumnType, Generated } from "kysely";
import type { Flag, FlagOff, Int, IntOrNull, IntZero, Text, TextOrNull, Word } from "./columns.ts";

/** What an order's payment can be (design: the first axis of its life). */
export const paymentStates = [
  "quoting",
  "awaiting",
  "held",
  "paid",
  "overpaid",
  "expired",
  "cancelled",
  "rejected",
  "failed",
  "refund_due",
  "refunded",
] as const;
export type PaymentState = typeof paymentStates[number];

/** The second axis: what has become of the goods. */
export const fulfilmentStates = ["none", "unfulfilled", "shipped", "delivered"] as const;
export type FulfilmentState = typeof fulfilmentStates[number];

/** What another system that sells the same goods does with an order. */
export type Mirror = "confirm" | "follow";

export interface OrdersTable {
  id: Text;
  merchant: Text;
  /** The key that ordered; `till:` and the till for an invoice that another program has asked for. */
  customer: Text;
  /** The customer's own id, or what that program calls the invoice. */
  customer_order_id: Text;
  /** `till` for such an invoice. */
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
  /** What the customer is told of a price that changed shortly before the order. */
  price_note: TextOrNull;
  /** NIP-01 seconds of the newest message of the customer that we answer: an answer must be later. */
  asked_at_seconds: Int;
  expires_at: IntOrNull;
  paid_at: IntOrNull;
  /** JSON `{ carrier, tracking }` */
  tracking: TextOrNull;
  created_at: Int;
  updated_at: Int;
  /** Σ of its refunds that are due, under way or sent; the database keeps it within what was received. */
  refunding_msat: IntZero;
  /** Invoiced without a hold on the stock: the goods are assigned at payment. */
  unheld: FlagOff;
  /** It holds more than a new customer's share of a product, for a shorter time. */
  brief: FlagOff;
  /** Whether the customer was told that the invoice takes longer. */
  delay_told: FlagOff;
  /** When the customer's data was taken out. */
  forgotten_at: IntOrNull;
  /** What its payment page and LNURL are found by; null: it has none. */
  pay_token: TextOrNull;
  /** Of an order that is `held`: the invoice whose money was accepted. */
  held_invoice: TextOrNull;
  /** How another system that sells the same goods takes part: it confirms them first, or it follows; null: it doesn't. */
  mirror: ColumnType<Mirror | null, Mirror | null | undefined, Mirror | null>;
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
  /** The wallet's own name for it, where it has one. */
  wallet_ref: TextOrNull;
  /** 1: its money waits with the wallet until we take it or give it back. */
  hold: Generated<number>;
  /** Further ways to pay it. JSON: PaymentLink[] */
  links: TextOrNull;
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
  /** Of a payment without an order: Σ of its refunds, kept by the database within the amount. */
  refunding_msat: IntZero;
}

/** Up to when (ms) a wallet's list of incoming payments has been compared with the books. */
export interface SweepsTable {
  merchant: Text;
  wallet: Text;
  swept_to: Int;
  updated_at: Int;
}

/** Wallets that a merchant receives with when the first one can't. */
export interface WalletsTable {
  merchant: Text;
  name: Text;
  /** The lower one is asked first. */
  priority: Int;
  created_at: Int;
  updated_at: Int;
}

/** How far a wallet's stream of payments was read, in its own terms. */
export interface WalletCursorsTable {
  wallet: Text;
  cursor: Text;
  updated_at: Int;
}

/** A merchant's on-chain wallet, whose public keys the settings have. */
export interface ChainAccountsTable {
  id: Text;
  merchant: Text;
  /** As in BOLT11: the chain that its servers follow. */
  network: Text;
  /** The first index that was ours to give out: what lies before it was used before us. */
  first_index: Int;
  next_index: Int;
  /** When the chain was last searched for addresses that others have used. */
  looked_at: Int;
}

/** An address that was given out, one of an order, or may have been before a restore. It is looked up for ever. */
export interface ChainAddressesTable {
  address: Text;
  /** The Electrum protocol's name of its script. */
  script_hash: Text;
  network: Text;
  account: Text;
  address_index: Int;
  merchant: Text;
  /** Null: to an order that the restored books don't have. */
  order_id: TextOrNull;
  /** 1: something was paid to it that a block has. */
  used: FlagOff;
  /** When the customer was told that a payment was seen. */
  told_at: IntOrNull;
  next_lookup_at: Int;
  created_at: Int;
}

/** An output that pays to one of these addresses. */
export interface ChainOutputsTable {
  txid: Text;
  vout: Int;
  address: Text;
  amount_sat: Int;
  /** Of its block; null: it is in none. */
  height: IntOrNull;
  state: Word<"seen" | "booked" | "replaced" | "lost">;
  first_seen_at: Int;
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

/** What a merchant's key told a customer after the backup that was restored, read back from the relays. */
export interface SaidBeforeTable {
  merchant: Text;
  /** The kind 4's id, or the rumor's. */
  event_id: Text;
  customer: Text;
  /** The customer's own order id; null for what is about no order. */
  order_ref: TextOrNull;
  kind: Word<"invoice" | "refusal" | "status" | "other">;
  /** What was said, so far that a repeat of it is known again. */
  statement: Text;
  bolt11: TextOrNull;
  /** The reason that a refusal gave. */
  note: TextOrNull;
  /** Seconds; the rumor's for a gift wrap. */
  at_seconds: Int;
}

/** Catalogue events of a merchant's key that are newer than what a restored database published. */
export interface PublishedBeforeTable {
  merchant: Text;
  kind: Int;
  d: Text;
  event_id: Text;
  at_seconds: Int;
  content: Text;
}
