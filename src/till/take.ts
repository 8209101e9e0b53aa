import { createHash } from "node:crypto";
import type { Tx } from "../db/database.ts";
import { isBitcoinUnit } from "../money/currency.ts";
import { formatSat, type Msat } from "../money/msat.ts";
import { applyTo, begin } from "../orders/apply.ts";
import { draftOrder, unreadable } from "../orders/draft.ts";
import { countOpen, lockOrderByKey, type OrderRow, updateOrder } from "../orders/orders_store.ts";
import type { Terms } from "../orders/terms.ts";
import { customerOfTill, TILL_DIALECT, tillState } from "../orders/till.ts";
import type { FrozenRate, Traits } from "../orders/types.ts";
import { type Asked, priced } from "./price.ts";
import { type Caps, noteCurrency } from "./tills_store.ts";

/** An invoice that a till asks for. */
export interface InvoiceWish {
  till: string;
  merchant: string;
  /** What the till calls it: the same reference is the same invoice, for ever. */
  reference: string;
  /** In straightened words. */
  asked: Asked;
  /** For the books. */
  description: string | null;
  /** How long it is to be paid in; null: as long as a customer's order. */
  expiryMs: number | null;
}

/** What became of a wish. A refusal's reason is for the program and who runs it; `later`: try the same again in a while. */
export type Taken =
  | { ok: true; order: OrderRow; created: boolean }
  | {
    ok: false;
    code: "closed" | "no_rate" | "invalid" | "too_small" | "too_large" | "too_many_open" | "wrong_state";
    reason: string;
    later?: true;
  };

/** What holds for a wish at this moment. */
export interface WishTerms {
  terms: Terms;
  caps: Caps;
}

/**
 * The order behind an invoice of this till and reference. In the form of a UUID; the same also after a backup was restored that
 * knows nothing of it, so that what was paid meanwhile names an order that the till will ask for again.
 */
export function orderIdOf(
  { till, merchant, reference }: Pick<InvoiceWish, "till" | "merchant" | "reference">,
) {
  const hex = createHash("sha256").update(JSON.stringify([till, merchant, reference])).digest("hex");
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => hex.slice(from, to)).join("-");
}

/**
 * Takes a till's wish for an invoice: a new reference becomes an order, whose invoice is asked for; a known one with the same
 * price is that order as it stands, with another price the order changed, as long as nothing is paid. What has expired or failed
 * is tried again. When two processes take the same new reference at once, one fails on its key and must try again.
 */
export async function takeInvoice(
  tx: Tx,
  wish: InvoiceWish,
  on: WishTerms,
  now: number,
): Promise<Taken> {
  const { merchant, till, reference } = wish;
  const customer = customerOfTill(till);
  const known = await lockOrderByKey(tx, { merchant, customer, customerOrderId: reference });
  if (known && !mayBeAsked(known)) {
    if (known.content_hash === contentOf(wish.asked)) return { ok: true, order: known, created: false };
    const reason = `This invoice is ${WORDS[tillState(known)]}: its amount stands. Use another reference.`;
    return { ok: false, code: "wrong_state", reason };
  }
  const waits = known !== undefined && !hasEnded(known);
  if (waits && known.content_hash === contentOf(wish.asked)) {
    return { ok: true, order: known, created: false };
  }

  const price = await priceOf(tx, wish, on, now);
  if (!price.ok) return price;
  if (waits) return { ok: true, order: await amend(tx, known, wish, price, on, now), created: false };
  const { maxOpen } = on.caps;
  if (maxOpen !== null && await countOpen(tx, merchant, customer) >= maxOpen) {
    const reason = `This token has ${maxOpen} unpaid invoices, which is the most that it may have at once.`;
    return { ok: false, code: "too_many_open", reason };
  }
  if (known) return { ok: true, order: await reopen(tx, known, wish, price, on, now), created: false };
  return { ok: true, order: await create(tx, wish, price, on, now), created: true };
}

type Price = { ok: true; totalMsat: Msat; rate: FrozenRate | null };

async function priceOf(
  tx: Tx,
  { merchant, asked }: InvoiceWish,
  { terms, caps }: WishTerms,
  now: number,
): Promise<Price | Extract<Taken, { ok: false }>> {
  if (terms.closed !== null) return { ok: false, code: "closed", reason: terms.closed };
  const price = priced(asked, terms);
  if (!isBitcoinUnit(asked.currency) && (price.ok || price.later)) {
    await noteCurrency(tx, { merchant, currency: asked.currency }, now);
  }
  if (!price.ok || caps.maxMsat === null || price.totalMsat <= caps.maxMsat) return price;
  const [is, most] = [formatSat(price.totalMsat), formatSat(caps.maxMsat)];
  return {
    ok: false,
    code: "too_large",
    reason: `It comes to ${is}; this token may ask for ${most} at most.`,
  };
}

/** Nothing is paid, and whoever asked may have another price or another try. Who cancelled it doesn't want it. */
function mayBeAsked({ payment, received_msat }: OrderRow): boolean {
  return received_msat === 0 && ["quoting", "awaiting", "expired", "failed", "rejected"].includes(payment);
}

function hasEnded({ payment }: OrderRow): boolean {
  return payment !== "quoting" && payment !== "awaiting";
}

/** Why a known invoice isn't asked for anew. */
const WORDS: Record<ReturnType<typeof tillState>, string> = {
  creating: "being made",
  open: "about to be paid",
  underpaid: "paid in part",
  paid: "paid",
  expired: "expired",
  cancelled: "cancelled",
  failed: "failed",
  refund_due: "to be refunded",
  refunded: "refunded",
};

async function create(
  tx: Tx,
  wish: InvoiceWish,
  price: Price,
  on: WishTerms,
  now: number,
): Promise<OrderRow> {
  const { till, merchant, reference, asked } = wish;
  const origin = {
    merchant,
    customer: customerOfTill(till),
    dialect: TILL_DIALECT,
    envelope: "nip17" as const,
    relay: "",
    askedAtSeconds: Math.floor(now / 1000),
    stale: false,
  };
  const draft = draftOrder(origin, unreadable(reference, { stallKey: "none" }), orderIdOf(wish), now);
  return await begin(tx, { ...draft, ...wished(wish, price), expires_at: payBy(wish, on, now) }, {
    lines: [],
    intro: `A till asks for ${asked.amount} ${asked.currency}.`,
    events: [{ type: "quoted", totalMsat: price.totalMsat }, { type: "stockReserved" }],
  }, now);
}

/** Another price: the old invoice is offered no more, and stays watched. */
async function amend(
  tx: Tx,
  known: OrderRow,
  wish: InvoiceWish,
  price: Price,
  on: WishTerms,
  now: number,
): Promise<OrderRow> {
  const repriced = price.totalMsat !== BigInt(known.total_msat);
  // The open invoice of an unchanged total lives no longer than it did.
  const change = { ...wished(wish, price), ...(repriced && { expires_at: payBy(wish, on, now) }) };
  await updateOrder(tx, known.id, change);
  const { order } = await applyTo(
    tx,
    { ...known, ...change },
    { type: "amended", totalMsat: price.totalMsat },
    now,
  );
  return order;
}

/** The time of the last try was up, or it failed: there is another invoice for the same order. */
async function reopen(
  tx: Tx,
  known: OrderRow,
  wish: InvoiceWish,
  price: Price,
  on: WishTerms,
  now: number,
): Promise<OrderRow> {
  const anew = { reason: null, delay_told: 0 as const, forgotten_at: null };
  const change = { ...wished(wish, price), ...anew, expires_at: payBy(wish, on, now) };
  await updateOrder(tx, known.id, change);
  const event = { type: "retried", totalMsat: price.totalMsat, evenExpired: true } as const;
  return (await applyTo(tx, { ...known, ...change }, event, now)).order;
}

function wished({ asked, description }: InvoiceWish, { rate }: Price) {
  const traits: Traits = { stallKey: "none", asked };
  return {
    traits: JSON.stringify(traits),
    content_hash: contentOf(asked),
    message: description,
    rate: rate === null ? null : JSON.stringify(rate),
  };
}

function payBy({ expiryMs }: InvoiceWish, { terms }: WishTerms, now: number): number {
  return now + (expiryMs ?? terms.invoiceExpiryMs);
}

/** A price is all that there is to change. */
function contentOf({ amount, currency }: Asked): string {
  return `${amount} ${currency}`;
}
