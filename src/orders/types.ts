import type { FulfilmentState, PaymentState } from "../db/tables.ts";

export type { CatalogueSlice, PricedProduct, PricedStall } from "../catalog/catalogue_slice.ts";

/** What a customer asks for, read tolerantly from any dialect. Amounts that the customer names are not here: they are never used. */
export interface OrderRequest {
  /** The customer's own id, kept verbatim and echoed byte for byte. */
  customerOrderId: string;
  items: RequestedItem[];
  /** Zone id as sent; null when none was. */
  shippingId: string | null;
  /** Stall id as sent (some dialects name it); null when none was. */
  stallId: string | null;
  name: string | null;
  address: string | null;
  message: string | null;
  /** `nostr`, `phone`, `email` and what else was sent. Never an address that answers go to. */
  contact: Record<string, string>;
  traits: Traits;
}

export interface RequestedItem {
  /** The product's `d`, coordinates (`30018:<merchant>:<d>`) and naddr already resolved. */
  productId: string;
  /** A whole number from 1 to 10,000. */
  quantity: number;
}

/** What the answer must look like, kept with the order as JSON. */
export interface Traits {
  /** Key names of the request: LNbits' shape names no stall, `stall_id` and `stallId` are the Plebeian ones. */
  stallKey: "none" | "stall_id" | "stallId";
  /** The request had no usable id: the answer has none either. */
  withoutId?: boolean;
  /** The request's id was a JSON number: the answer's is one too. */
  numericId?: boolean;
  /** Of an invoice that a till has asked for: its price, as it was named. */
  asked?: { amount: string; currency: string };
}

/** The state of an order as the life cycle sees it. */
export interface OrderState {
  payment: PaymentState;
  fulfilment: FulfilmentState;
  totalMsat: bigint;
  receivedMsat: bigint;
  /** Counts amendments, from 1. */
  revision: number;
  /** How much of it is sent by message as soon as it is paid: digital goods whose content is there. */
  digital: "none" | "part" | "whole";
  refunds: RefundSums;
  /** The goods are another system's too, which has to confirm them before anything is asked for. */
  confirmedElsewhere: boolean;
}

/** Σ of an order's refunds, msat, by how far they are (design §5: the ledger). Cancelled ones don't count. */
export interface RefundSums {
  /** Due or approved: nothing has left yet. */
  openMsat: bigint;
  /** The wallet was asked and hasn't said what became of it. */
  outMsat: bigint;
  /** Sent, or given back by hand. */
  backMsat: bigint;
}

/** What can happen to an order (design §5). */
export type OrderEvent =
  /** The same order again: a relay's duplicate under a new id, or the customer asked once more. */
  | { type: "requested" }
  /** The same id with another content. `totalMsat` is the new quote's; null when the new content can't be priced (`reason` says why). */
  | { type: "amended"; totalMsat: bigint | null; reason?: string }
  /**
   * An order that was refused or has failed is asked for again, corrected or not: it is taken when there is no `reason`
   * against it, its goods already held. `totalMsat` is the new quote's; null when it can't be priced. `evenExpired`: who asks
   * knows that its time was up, and wants another invoice for the same.
   */
  | { type: "retried"; totalMsat: bigint | null; reason?: string; evenExpired?: true }
  /** There is no exchange rate to price it by: the order waits for one. */
  | { type: "rateAwaited"; currency: string }
  | { type: "quoted"; totalMsat: bigint }
  /** The goods are held here, and the other system that sells them is asked to hold them, too. */
  | { type: "stockAwaited" }
  | { type: "stockReserved" }
  | { type: "stockRefused"; reason: string }
  | { type: "invoiced" }
  /**
   * The wallet hasn't answered for a while (25 s): the customer is told, and the order goes on waiting for its invoice.
   * `reason`: what else it waits for, a sentence for the customer.
   */
  | { type: "invoiceDelayed"; reason?: string }
  /** No invoice can be had; nothing more is tried. */
  | { type: "invoiceFailed"; reason: string }
  | { type: "paymentHeld" }
  /**
   * The wallet says that money arrived. `stock` tells whether the goods can be (or are already) taken for it, `lateMs` how long
   * after the order's time was up it was paid (0: in time).
   */
  | { type: "paymentSeen"; amountMsat: bigint; stock: "held" | "available" | "short"; lateMs: number }
  | { type: "expired" }
  /** `unknown`: we have no such order yet; it counts as cancelled should it come. */
  | { type: "customerCancelled"; unknown?: true }
  | { type: "merchantCancelled"; reason: string }
  /** The merchant takes what has been paid as enough; `stock` as in `paymentSeen`. */
  | { type: "accepted"; stock: "held" | "available" | "short" }
  | { type: "shipped"; carrier: string | null; tracking: string | null }
  | { type: "delivered" }
  /** A refund of the order has ended; what of its money has gone back stands in its state. */
  | { type: "refunded" }
  | { type: "noted"; text: string };

/** What the shell has to do in the transaction that stores the new state, in this order. */
export type Effect =
  /** End the order's holds without a sale. */
  | { do: "releaseStock" }
  /** Take the goods: end the holds as sold, or take what is available. */
  | { do: "commitStock" }
  /** Tell the customer if it takes long until the other system has confirmed the goods. */
  | { do: "awaitStock" }
  /** Price it as soon as there is an exchange rate. */
  | { do: "awaitRate" }
  /** Ask the wallet for an invoice of the order's total (or what is still owed). */
  | { do: "createInvoice" }
  /** An invoice that is open or being made is no longer offered; it stays watched. One that is paid stays paid. */
  | { do: "voidInvoice" }
  /** Send the open payment request again. */
  | { do: "resendInvoice" }
  | { do: "reply"; reply: ReplyKind; note?: string }
  /** Send the content of the digital goods. */
  | { do: "deliverDigital" }
  /** Open a refund of this amount; null: of all that was received and isn't going back already. */
  | { do: "refund"; amountMsat: bigint | null }
  /** End the refunds that nothing has been paid for. */
  | { do: "cancelRefunds" }
  /** Tell the merchant. `cancel_requested`: the customer would like to cancel a paid order. */
  | { do: "notify"; what: "paid" | "refund_due" | "cancelled" | "cancel_requested" };

/**
 * What the answer says; the dialect finds the words and the shape. `underpaid` is the payment request for the rest of a
 * part payment; `digital` hands the digital goods over; `state`, `paid`, `digital`, `shipped`, `delivered`, `refund_due`
 * and `refunded` are only said of orders that money has reached.
 */
export type ReplyKind =
  | "payment_request"
  | "refusal"
  | "cancelled"
  | "paid"
  | "digital"
  | "shipped"
  | "delivered"
  | "state"
  | "underpaid"
  | "refund_due"
  | "refunded"
  | "apology";

export type Outcome = {
  state: OrderState;
  /** The reason to keep with the order, when the event sets one. */
  reason?: string;
  effects: Effect[];
  /** What the order's timeline says of it. */
  timeline: string;
  /**
   * What the event asks for can't be had in this state: the timeline says why, the caller may refuse (HTTP 409). The
   * effects, if any, tell the customer so and are to be carried out.
   */
  ignored?: true;
};

/** A priced order, frozen. */
export interface Quote {
  stallId: string;
  /** The zone that applies; null for a digital-only order without zones. */
  shippingId: string | null;
  lines: QuotedLine[];
  /** Rounded up once, to whole sats. */
  totalMsat: bigint;
  /** The stall's currency's rate if it was needed, else the one of the products' currency; null when none was needed. */
  rate: FrozenRate | null;
  /** Every rate that was needed, by currency: products may be priced in other currencies than their stall. */
  rates: FrozenRate[];
  digital: boolean;
  /** A physical order without an address: it is accepted, and the customer is asked. */
  addressMissing: boolean;
  /** A sentence with the breakdown, for the payment request's message. */
  summary: string;
  /** What the customer is told of a price that has changed lately; null when none has. */
  priceNote: string | null;
}

export interface QuotedLine {
  productId: string;
  name: string;
  quantity: number;
  price: string;
  currency: string;
  digital: boolean;
}

/** The exchange rate as it was when the order was priced. */
export interface FrozenRate {
  currency: string;
  per_btc: string;
  sources: string[];
  /** RFC 3339. */
  at: string;
}

/** NIP-15's status word, derived from both axes (`status.ts`). */
export type StatusWord = "pending" | "processing" | "completed" | "cancelled" | "refunded" | "failed";

/** An answer to a customer, before a dialect phrases it. */
export type Reply =
  | { kind: "payment_request"; options: PaymentOption[]; message: string; paymentId: string }
  /**
   * No payable option: the reason is the message. `cancelled` when the order ended by cancellation; `orderStands` when
   * only a change was refused or the invoice is late: no dialect then says that the order failed.
   */
  | { kind: "refusal"; reason: string; cancelled: boolean; orderStands?: boolean }
  | {
    kind: "status";
    status: StatusWord;
    paid: boolean;
    shipped: boolean;
    message: string;
    delivered: boolean;
  };

/** NIP-15: one way to pay; whoever takes one of them has paid. */
export interface PaymentOption {
  type: "ln" | "btc" | "url" | "lnurl";
  /** The BOLT11 invoice for `ln`; for `btc` a BIP21 link, for `url` a page, for `lnurl` a bech32 or lnurlp link. */
  link: string;
  amountSat: bigint;
  /** Seconds it is good for, from now. */
  expirySeconds: number;
}
