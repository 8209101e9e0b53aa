import type { Tx } from "../db/database.ts";
import { decodeBolt11 } from "../payments/bolt11.ts";
import { type Attempt, attempt } from "./attempt.ts";
import type { Origin } from "./draft.ts";
import { saidAbout } from "./said_before_store.ts";
import { price, type Terms } from "./terms.ts";
import type { OrderRequest, Quote } from "./types.ts";

/** How an order was answered before the restore, by our own word on the relays. */
interface AnsweredBefore {
  /** Payment requests, each invoice once. */
  invoices: string[];
  /** The reason of the last refusal. */
  refused: string | null;
}

/** Rates and prices may have moved since; further than this something else is wrong. */
const MOST_APART = 2n;

/** `silently`: it isn't taken, and the customer mustn't be told so. */
export type AttemptAgain = Attempt & { silently?: boolean };

/**
 * Like `attempt`, for an order that the customer had an answer to before a backup was restored; undefined when there was
 * none. The same answer holds: what was refused stays refused, and for a payment request that is out there the order is
 * taken at its amount, whatever speaks against it now; without its goods if they are held for others (they are assigned
 * at payment then).
 */
export async function attemptAgain(
  tx: Tx,
  orderId: string,
  asked: { origin: Origin; request: OrderRequest; terms: Terms },
  now: number,
): Promise<AttemptAgain | undefined> {
  const { origin, request } = asked;
  if (!asked.terms.memory?.any) return undefined;
  const before = await answersTo(tx, origin, request.customerOrderId);
  if (before === null) return undefined;
  const terms: Terms = { ...asked.terms, closed: null, maxOpenOrders: Infinity };
  if (before.invoices.length === 0) {
    const { merchant, askedAtSeconds } = origin;
    const { priced } = await price(tx, merchant, request, { terms, askedAtSeconds, now });
    return { ok: false, reason: before.refused!, quote: priced.ok ? priced.quote : null };
  }
  const tried = await attempt(tx, orderId, { origin: { ...origin, stale: false }, request, terms }, now);
  if (tried.quote === null) return { ...tried, silently: true };
  return {
    ok: true,
    quote: atAmountOf(before.invoices, tried.quote),
    reservation: tried.ok ? tried.reservation : "unheld",
  };
}

async function answersTo(tx: Tx, origin: Origin, orderRef: string): Promise<AnsweredBefore | null> {
  const { merchant, customer } = origin;
  const said = await saidAbout(tx, { merchant, customer, orderRef });
  const invoices = new Set(said.flatMap(({ bolt11 }) => bolt11 === null ? [] : [bolt11]));
  const refused = said.findLast(({ kind }) => kind === "refusal")?.note ?? null;
  return invoices.size === 0 && refused === null ? null : { invoices: [...invoices], refused };
}

/** The customer pays what was asked for. Where several amounts were asked, the order was amended and each finds its own. */
function atAmountOf(invoices: string[], quote: Quote): Quote {
  const amounts = new Set(invoices.map((one) => {
    const read = decodeBolt11(one);
    return read.ok ? read.invoice.amountMsat : null;
  }));
  const [amount] = amounts;
  if (amounts.size !== 1 || amount === null || amount === undefined) return quote;
  const { totalMsat } = quote;
  const near = amount <= totalMsat * MOST_APART && amount * MOST_APART >= totalMsat;
  return near ? { ...quote, totalMsat: amount } : quote;
}
