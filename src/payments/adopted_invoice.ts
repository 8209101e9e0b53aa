import type { Tx } from "../db/database.ts";
import { RetryLater, type RunningJob } from "../jobs/runner.ts";
import { type OrderRow, updateOrder } from "../orders/orders_store.ts";
import { saidAbout } from "../orders/said_before_store.ts";
import { Deadline } from "../nostr/deadline.ts";
import { type Bolt11, decodeBolt11 } from "./bolt11.ts";
import { endHold } from "./held_jobs.ts";
import { issued } from "./invoice_attempt.ts";
import type { InvoiceJobOptions } from "./invoice_jobs.ts";
import {
  findInvoiceByHash,
  insertAttempt,
  type InvoiceRow,
  keepVoid,
  openAttempt,
  openInvoiceOf,
  setInvoiceState,
  voidInvoices,
} from "./invoices_store.ts";
import { scheduled } from "./late_invoice.ts";
import { isUnpaid, owedMsat } from "./orders_port.ts";
import { withOwnLinks } from "./payment_pages.ts";
import { type InvoiceStatus, type Wallet, walletError } from "./wallet.ts";

const ANSWER_MS = 10_000;
const ASK_AGAIN_MS = 15_000;

/** An invoice that the customer has, and that isn't in the books. */
interface Candidate {
  bolt11: string;
  decoded: Bolt11;
}

/**
 * After a restore: the order's customer may hold a payment request that the restored books don't know. If it asks for what is
 * owed and the wallet knows it, it becomes the order's open invoice, and no other is made; true then, and the job is ended.
 * Whatever else the customer holds is watched, so that a payment of it is the order's, also when that has ended. Of a hold
 * invoice the preimage went with its id: it is cancelled, and what waits for it goes back.
 *
 * Throws `RetryLater` when the wallet can't be asked: an invoice made blindly would be a second one.
 */
export async function adoptInvoice(o: InvoiceJobOptions, job: RunningJob, orderId: string): Promise<boolean> {
  if (!o.memory?.any) return false;
  // What the customer changes while the wallet is asked may make another of their invoices fit.
  for (let seen: number | null = null;;) {
    const found = await o.database.transaction(async (tx) => {
      const order = await o.orders.orderOf(tx, orderId);
      return order ? { order, held: await heldBy(tx, order) } : null;
    });
    if (!found || found.held.length === 0 || found.order.revision === seen) return false;
    if (await adoptOne(o, job, found)) return true;
    seen = found.order.revision;
  }
}

async function adoptOne(
  o: InvoiceJobOptions,
  job: RunningJob,
  { order, held }: { order: OrderRow; held: Candidate[] },
): Promise<boolean> {
  const wallets = o.walletsOf(order.merchant);
  let adopted = false;
  // The newest first: it is the one that the customer was shown last.
  for (const one of held.toReversed()) {
    const found = await whoKnows(o, wallets, one, job.signal);
    if (!found) continue;
    const opened = await o.database.transaction((tx) =>
      take(o, tx, { ...found, job, orderId: order.id, one, adopted })
    );
    if (opened === null) continue;
    adopted ||= opened.open;
    o.onIssued?.({ merchant: order.merchant, id: opened.id, paymentHash: one.decoded.paymentHash });
  }
  return adopted;
}

async function heldBy(tx: Tx, order: OrderRow): Promise<Candidate[]> {
  const { merchant, customer, customer_order_id: orderRef } = order;
  const held: Candidate[] = [];
  for (const { bolt11 } of await saidAbout(tx, { merchant, customer, orderRef })) {
    if (bolt11 === null || held.some((one) => one.bolt11 === bolt11)) continue;
    const read = decodeBolt11(bolt11);
    if (!read.ok || read.invoice.amountMsat === null) continue;
    const known = await findInvoiceByHash(tx, read.invoice.paymentHash);
    // Set aside when it didn't fit, it may fit after an amendment.
    if (!known || isSetAside(known, order.id)) held.push({ bolt11, decoded: read.invoice });
  }
  return held;
}

function isSetAside({ state, order_id }: InvoiceRow, orderId: string): boolean {
  return state === "void" && order_id === orderId;
}

/** The wallet that made the invoice, and what it says of it; null: it wasn't any of these. */
async function whoKnows(
  o: InvoiceJobOptions,
  wallets: readonly Wallet[],
  one: Candidate,
  signal: AbortSignal,
): Promise<{ wallet: Wallet; status: InvoiceStatus["status"] } | null> {
  for (const wallet of wallets) {
    const status = await statusAt(o, wallet, one, signal);
    if (status !== "not_found") return { wallet, status };
  }
  if (wallets.length > 0) {
    o.log.warn("invoice.not_the_wallets", { payment_hash: one.decoded.paymentHash });
  }
  return null;
}

async function statusAt(
  { clock }: InvoiceJobOptions,
  wallet: Wallet,
  { bolt11, decoded }: Candidate,
  signal: AbortSignal,
): Promise<InvoiceStatus["status"]> {
  try {
    using deadline = new Deadline(clock, ANSWER_MS, signal);
    const { paymentHash, timestamp } = decoded;
    return (await wallet.lookup({ paymentHash, bolt11, createdAt: timestamp * 1000 }, deadline.signal))
      .status;
  } catch (fault) {
    if (signal.aborted) throw signal.reason;
    const why = walletError(fault).message;
    throw new RetryLater(
      `the wallet can't say whether it made an invoice of before the restore: ${why}`,
      ASK_AGAIN_MS,
      false,
    );
  }
}

/** Null when somebody else took it meanwhile. */
async function take(
  { clock, orders, random, pages, held }: InvoiceJobOptions,
  tx: Tx,
  o: {
    job: RunningJob;
    orderId: string;
    wallet: Wallet;
    status: InvoiceStatus["status"];
    one: Candidate;
    adopted: boolean;
  },
): Promise<{ id: string; open: boolean } | null> {
  const { job, orderId, wallet, status, one: { bolt11, decoded }, adopted } = o;
  const now = clock.now();
  const order = await orders.orderOf(tx, orderId);
  const known = await findInvoiceByHash(tx, decoded.paymentHash);
  if (!order || (known && !isSetAside(known, orderId))) return null;
  const amountMsat = decoded.amountMsat!;
  const { merchant } = order;
  // Whole sats were asked for where the wallet knows nothing smaller.
  const owed = owedMsat(order);
  const open = await openInvoiceOf(tx, orderId);
  // By the policy of now: a wallet needn't tell which of its invoices make money wait. What was taken is here.
  const hold = status !== "settled" && held?.wanted(merchant) === true && wallet.hold !== undefined;
  const fits = !hold && isUnpaid(order) && !adopted && amountMsat >= owed && amountMsat - owed < 1_000n &&
    !(open && BigInt(open.amount_msat) === amountMsat);
  if (known && !fits) return null;
  if (fits) await voidInvoices(tx, orderId, now);
  const attempt = { id: random.uuid(), merchant, orderId, wallet: wallet.id, amountMsat, now };
  const invoice = known ?? await insertAttempt(tx, attempt);
  const made = { ...issued({ bolt11 }, { ok: true, decoded }), hold };
  if (!fits) {
    await keepVoid(tx, invoice.id, scheduled(made, invoice, order.expires_at, now), now);
    if (hold) await endHold(tx, invoice, "give back", now);
    return { id: invoice.id, open: false };
  }
  await updateOrder(tx, orderId, { expires_at: made.expiresAt });
  const dated = { ...scheduled(made, invoice, made.expiresAt, now), nextLookUpAt: now };
  if (known) await setInvoiceState(tx, known.id, { state: "open", nextLookUpAt: now }, now);
  else await openAttempt(tx, invoice.id, await withOwnLinks(tx, { pages, random }, order, dated), now);
  await job.complete(tx);
  const text =
    "The customer has a payment request of before the restore: it is this order's, no other is made.";
  await orders.apply(tx, orderId, { type: "noted", text }, now);
  await orders.apply(tx, orderId, { type: "invoiced" }, now);
  return { id: invoice.id, open: true };
}
