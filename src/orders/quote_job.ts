import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { type AttemptAgain, attemptAgain } from "./answered_before.ts";
import { applyTo } from "./apply.ts";
import { attempt } from "./attempt.ts";
import { quoted } from "./draft.ts";
import { reservationNote } from "./held_share.ts";
import { itemsOf, lockOrder, type OrderRow, replaceItems, updateOrder } from "./orders_store.ts";
import { goodsReserved, mirrored, payBy, reserved, type Terms } from "./terms.ts";
import type { OrderEvent } from "./types.ts";
import { QUOTE_JOB, requestOf, waitsForRate } from "./waiting.ts";

/** The customer hears of the delay after this, as with an invoice (design §5). */
const TELL_AFTER_MS = 25_000;
/** Nobody waits longer than this for a price. */
const GIVE_UP_AFTER_MS = 2 * 3_600_000;
/** New rates hurry the job; this is for what they can't: another process' rates, and the end of the wait. */
const LOOK_MS = 60_000;

/** For the customer: what went wrong here isn't theirs to read. */
const FAILED = "Your order can't be priced at the moment. Please try again later.";
const PROMISE = "Your order waits for it, and you'll hear from us as soon as there is one.";

export interface QuoteJobOptions {
  database: Database;
  clock: Clock;
  /** The terms that a merchant's orders are taken on, as of now. */
  termsOf(merchant: string): Terms;
}

/**
 * The handler of `order.quote` {order_id}: takes an order that waited for an exchange rate as if it came now, at the prices
 * that hold for when it was sent; tells the customer of a longer wait once, and gives up after two hours.
 */
export function quoteJob(options: QuoteJobOptions): JobHandlers {
  return {
    [QUOTE_JOB]: {
      // Who ordered first is served first.
      concurrency: 1,
      async run(job) {
        const pause = await options.database.transaction((tx) => tryPricing(tx, job, options));
        if (pause !== null) throw new RetryLater("there is no exchange rate yet", pause, false);
      },
      onDead: (tx, payload) => dead(tx, String(payload.order_id), options.clock.now()),
    },
  };
}

/** The job has used up its tries, or couldn't be run: the order must not wait for ever. */
async function dead(tx: Tx, orderId: string, now: number): Promise<void> {
  const order = await lockOrder(tx, orderId);
  if (order && waitsForRate(order)) await fail(tx, order, FAILED, now);
}

/** The order ends; should the customer ask for it again, that is another story. */
async function fail(tx: Tx, order: OrderRow, reason: string, now: number): Promise<void> {
  await updateOrder(tx, order.id, { delay_told: 0 });
  await applyTo(tx, { ...order, delay_told: 0 }, { type: "invoiceFailed", reason }, now);
}

/** Ends the job with the order's next step, or answers after what pause (ms) to look again. */
async function tryPricing(
  tx: Tx,
  job: RunningJob,
  { clock, termsOf }: QuoteJobOptions,
): Promise<number | null> {
  const now = clock.now();
  const order = await lockOrder(tx, String(job.payload.order_id));
  if (order && waitsForRate(order)) {
    const tried = await tryAgain(tx, order, termsOf(order.merchant), now);
    if (!tried.ok && tried.waits) {
      const waited = now - order.created_at;
      if (waited < GIVE_UP_AFTER_MS) return await goOnWaiting(tx, order, tried.reason, now);
      await fail(tx, order, tried.reason, now);
    } else await end(tx, order, tried, { terms: termsOf(order.merchant), now });
  }
  await job.complete(tx);
  return null;
}

async function tryAgain(tx: Tx, order: OrderRow, terms: Terms, now: number): Promise<AttemptAgain> {
  const origin = {
    merchant: order.merchant,
    customer: order.customer,
    dialect: order.dialect,
    envelope: order.envelope,
    relay: order.relay,
    askedAtSeconds: order.asked_at_seconds,
    stale: false,
  };
  const request = requestOf(order, await itemsOf(tx, [order.id]));
  // It is one of the customer's open orders itself.
  const asked = { origin, request, terms: { ...terms, maxOpenOrders: terms.maxOpenOrders + 1 } };
  return await attemptAgain(tx, order.id, asked, now) ?? await attempt(tx, order.id, asked, now);
}

async function goOnWaiting(tx: Tx, order: OrderRow, reason: string, now: number): Promise<number> {
  const left = order.created_at + TELL_AFTER_MS - now;
  if (left > 0) return left;
  if (order.delay_told === 0) {
    await updateOrder(tx, order.id, { delay_told: 1 });
    const event: OrderEvent = { type: "invoiceDelayed", reason: `${withoutAdvice(reason)} ${PROMISE}` };
    await applyTo(tx, { ...order, delay_told: 1 }, event, now);
  }
  return LOOK_MS;
}

/** Whoever waits needn't try again. */
function withoutAdvice(reason: string): string {
  return reason.replace(" Please try again in a few minutes.", "");
}

/** Takes the order, or refuses it: with a price it is like any other. */
async function end(
  tx: Tx,
  waiting: OrderRow,
  tried: AttemptAgain,
  { terms, now }: { terms: Terms; now: number },
): Promise<void> {
  const { quote } = tried;
  const mirror = tried.ok ? mirrored(terms, tried.quote.stallId, tried.reservation) : null;
  const change = {
    ...(quote && quoted(quote)),
    ...(tried.ok && {
      ...reserved(tried.reservation),
      mirror,
      expires_at: payBy(terms, tried.reservation, now),
    }),
  };
  if (quote) {
    await replaceItems(tx, waiting.id, quote.lines);
    await updateOrder(tx, waiting.id, change);
  }
  const events: OrderEvent[] = quote ? [{ type: "quoted", totalMsat: quote.totalMsat }] : [];
  if (tried.ok) events.push(goodsReserved(mirror), ...reservationNote(tried.reservation));
  else events.push({ type: "stockRefused", reason: tried.reason });
  let order: OrderRow = { ...waiting, ...change };
  for (const event of events) order = (await applyTo(tx, order, event, now)).order;
}
