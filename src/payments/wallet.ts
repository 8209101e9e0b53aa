import type { Msat } from "../money/msat.ts";
import { withoutSecrets } from "../redaction.ts";

/** The prefix of BOLT11 invoices: mainnet, testnet, signet, regtest. */
export type Network = "bc" | "tb" | "tbs" | "bcrt";

/** What a kind of wallet can do; the rest of the program asks here and never by the wallet's name. */
export interface WalletCaps {
  /** The smallest amount it can ask for. */
  unit: "msat" | "sat";
  /** An invoice's expiry is ours to choose. */
  expiry: boolean;
  /** An invoice may commit to the hash of a description. */
  descriptionHash: boolean;
  /** Whether it tells of payments by itself: with a cursor (nothing is missed), only while we listen, or never. */
  subscribe: "resumable" | "live" | "none";
  /** An unpaid invoice can be withdrawn. */
  cancel: boolean;
  /** Money can be held and settled or given back later. */
  hold: boolean;
  /** It can pay, for refunds. */
  pay: boolean;
}

/** What a wallet says of itself. */
export interface WalletInfo {
  /** Null when it doesn't say. */
  network: Network | null;
  alias: string | null;
  /** Its own names of what it offers. */
  methods: string[];
  /** Something about it that people should hear, though it answers. */
  warning?: string;
  /** Whether this connection's secret can spend: more than receiving needs. Null or left out when it doesn't show. */
  canSpend?: boolean | null;
}

/** An invoice to be made. */
export interface InvoiceRequest {
  amountMsat: Msat;
  /** Short plain text; it is printed into the invoice and never tells who the customer is. */
  description: string;
  /** Where `caps.descriptionHash` says so, the invoice commits to this text's SHA-256 and doesn't show the description. */
  hashedText?: string;
  expirySeconds: number;
  /** Ours, unique for each attempt: `<order id>#<attempt>`. */
  externalId: string;
  /** Called when the wallet's answer comes after `signal` had ended the wait: the invoice exists all the same. */
  onLate?: (invoice: CreatedInvoice) => void;
}

/** What the wallet answered; nothing of it is believed before checkInvoice(). */
export interface CreatedInvoice {
  bolt11: string;
  /** Null when the wallet doesn't say. */
  paymentHash: string | null;
  /** The wallet's own name for it, where it can't be found by its hash alone; up to 2,000 characters. */
  ref?: string | null;
  /** Further ways to pay it that the wallet offers by itself. */
  links?: PaymentLink[];
  /** The wallet prints a text of its own on every invoice, whatever it is asked for. */
  description?: "theirs";
  /** It commits to this (64 hex digits) in place of our description: the hash of a text of the wallet's own, which it has checked. */
  descriptionHash?: string;
}

/** A way to pay that isn't Lightning: NIP-15's payment options of other types. */
export interface PaymentLink {
  type: "btc" | "url" | "lnurl";
  link: string;
}

/** The invoice that is asked about. */
export interface InvoiceRef {
  paymentHash: string;
  bolt11: string;
  /** ms since 1970, for wallets that only list what happened since. */
  createdAt: number;
  /** What the wallet called it when it was made. */
  ref?: string | null;
}

/** What the wallet says of an invoice. Only `settled` is a payment. */
export type InvoiceStatus =
  | { status: "open" | "expired" | "cancelled" }
  /** The money is on its way and waits for us. */
  | { status: "held" }
  /** It knows no such invoice. Right after its making that is no answer: some wallets need a moment. */
  | { status: "not_found" }
  | SettledStatus;

/** It is paid. */
export interface SettledStatus {
  status: "settled";
  /** What arrived; null when the wallet doesn't say more than "settled". */
  amountMsat: Msat | null;
  /** It is that amount, however little or much: it may have come otherwise than by Lightning, which knows no part payments. */
  exact?: true;
  /** ms since 1970. */
  settledAt: number;
}

/** An invoice whose money waits, once it came, until we take it or give it back. */
export interface HoldInvoices {
  /** `paymentHash` (64 hex digits) is ours: who knows its preimage takes the money. */
  create(request: InvoiceRequest & { paymentHash: string }, signal: AbortSignal): Promise<CreatedInvoice>;
  /** Takes the money. Doing it again changes nothing. */
  settle(preimage: string, signal: AbortSignal): Promise<void>;
  /** Gives the money back, or withdraws the invoice. Doing it again changes nothing. */
  cancel(paymentHash: string, signal: AbortSignal): Promise<void>;
}

/** What a provider's call to us says, once its signature was checked: a reason to ask, never more. */
export type HookRead =
  | {
    ok: true;
    hints: PaymentHint[]; /** Its own name for this delivery, to know it again. */
    delivery: string | null;
  }
  | { ok: false; reason: string };

/** Something may have been paid: a reason to ask, never more. An empty hint means that any invoice may have been. */
export interface PaymentHint {
  paymentHash?: string;
  /** The wallet's own name for the invoice. */
  ref?: string;
}

/** What is asked of a wallet's list of incoming payments, page by page. Times in ms since 1970. */
export interface IncomingQuery {
  since: number;
  until: number;
  /** How many of them other pages have brought. */
  offset: number;
}

/** Money that came, as the wallet's list has it. The list only says where to look: `lookup()` says what is paid. */
export interface IncomingPayment {
  /** 64 hex digits. */
  paymentHash: string;
  /** Null when the list leaves it out. */
  bolt11: string | null;
  /** The wallet's own name for its invoice, as it said when it made it: that stays when its BOLT11 is replaced by another. */
  ref?: string;
  description: string | null;
  /** When the invoice was made, ms since 1970; null when the list doesn't say. */
  createdAt: number | null;
}

export interface IncomingPage {
  settled: IncomingPayment[];
  /** Where the next page begins; null: this was the last one. */
  next: number | null;
}

/** An invoice of somebody's that is to be paid. */
export interface OutgoingPayment {
  bolt11: string;
  /** 64 hex digits. */
  paymentHash: string;
  amountMsat: Msat;
  /** The invoice names no amount itself. */
  amountless: boolean;
  /** What the way may cost at most, for wallets that can be told. */
  maxFeeMsat: Msat;
}

/** A wallet's word that it has paid. The preimage is the proof: its SHA-256 is the payment hash. */
export interface PaidOut {
  /** 64 hex digits. */
  preimage: string;
  /** Null when it doesn't say. */
  feeMsat: Msat | null;
}

/** The outgoing payment that is asked about; `createdAt` in ms since 1970. */
export type OutgoingRef = InvoiceRef;

/** What the wallet says of a payment that it was asked to make. */
export type OutgoingStatus =
  /** `preimage` null: it doesn't show it. */
  | { status: "settled"; preimage: string | null; feeMsat: Msat | null }
  | { status: "pending" }
  /** It was tried and is over: nothing of it is under way. */
  | { status: "failed" }
  /** It knows no such payment; some wallets know only what came in, so that this proves nothing. */
  | { status: "not_found" };

/** A Lightning wallet. Every call ends when `signal` does, by a WalletError of kind `no_answer`. */
export interface Wallet {
  /** Stored with each invoice, so that it is looked up where it was made; the same after a restart. */
  readonly id: string;
  readonly kind: string;
  /** Ask each time: some connections tell only with their first answer (a probe's) what they can, and until then it is the least. */
  readonly caps: WalletCaps;
  /** For people and logs; secrets are masked. */
  describe(): string;
  probe(signal: AbortSignal): Promise<WalletInfo>;
  createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice>;
  lookup(invoice: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus>;
  /**
   * What arrived, whoever asked for it: other programs may use the same wallet. Some wallets go by when an invoice was made
   * and others by when it was paid. Throws a WalletError of kind `not_implemented` when this connection has no such list.
   */
  listIncoming?(query: IncomingQuery, signal: AbortSignal): Promise<IncomingPage>;
  /**
   * Pays, asking the wallet once. A WalletError of kind `no_answer` or `bad_answer` means that the payment may be under way or
   * made; every other kind that it certainly isn't.
   */
  pay?(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut>;
  /** What became of a payment that it was asked to make. */
  lookupPayment?(payment: OutgoingRef, signal: AbortSignal): Promise<OutgoingStatus>;
  /** Withdraws an unpaid invoice: nobody can pay it any more. What is paid already stays paid. */
  cancel?(invoice: InvoiceRef, signal: AbortSignal): Promise<void>;
  /** Present where `caps.hold` says so. */
  readonly hold?: HoldInvoices | undefined;
  /** Reads what its provider sends to `/hooks/wallet/…`: the raw body, its signature checked where the provider has one. */
  readHook?(headers: Headers, raw: Uint8Array): HookRead;
  /** Calls `onHint` until the answer is called. */
  subscribe?(onHint: (hint: PaymentHint) => void): () => void;
  /** Ends connections and subscriptions. */
  close(): Promise<void>;
}

export type WalletErrorKind =
  /** It said no, and will again: a limit, an amount, a currency. */
  | "refused"
  /** The connection's secret isn't valid, or not for this. */
  | "unauthorized"
  | "not_implemented"
  /** Too many requests, or a fault of its own: later. */
  | "busy"
  /** Nothing was sent. */
  | "unreachable"
  /** It was sent and no answer came in time: it may have happened. */
  | "no_answer"
  /** It answered something that can't be understood or believed. */
  | "bad_answer";

/** Why a wallet didn't do what it was asked. The message is for the merchant; it holds no secret. */
export class WalletError extends Error {
  constructor(readonly kind: WalletErrorKind, message: string) {
    // It may be the wallet's own words, and some repeat what they were asked with.
    super(withoutSecrets(message));
    this.name = "WalletError";
  }

  /** Whether the same question may be answered another time. */
  get temporary(): boolean {
    return this.kind === "busy" || this.kind === "unreachable" || this.kind === "no_answer";
  }
}

/** The fault as a WalletError; what isn't one is the wallet's bad answer. */
export function walletError(error: unknown): WalletError {
  return error instanceof WalletError
    ? error
    : new WalletError("bad_answer", error instanceof Error ? error.message : String(error));
}
