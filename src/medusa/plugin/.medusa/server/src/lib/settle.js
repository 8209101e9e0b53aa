"use strict";

const { cancelOrderWorkflow, processPaymentWorkflow } = require("@medusajs/medusa/core-flows");
const { decimalOf } = require("./amounts.js");
const { statusOf } = require("./session_status.js");
const { orderOf, sessionOf, WAITING } = require("./sessions.js");

const LOCK_S = 20;
/** Medusa's words for a payment that it isn't given. */
const NOT_PAID = ["not_allowed", "payment_authorization_error"];

/**
 * Brings a payment session to where its invoice is. Whoever hears first, a call or the job that looks every minute, does it; one
 * after the other, so that the second finds it done. Throws what is to be tried again.
 */
async function settle(container, sessionId, invoice) {
  const locking = container.resolve("locking");
  await locking.execute([`ncc:${sessionId}`], () => settleOne(container, sessionId, invoice), {
    timeout: LOCK_S,
  });
}

async function settleOne(container, sessionId, invoice) {
  const session = await sessionOf(container, sessionId);
  if (session?.payment) return;
  if (session === null) {
    const what = `paid, but Medusa has given it up before; its money is at invoice ${invoice.id} of ncc`;
    return invoice.state === "paid" ? sayOnce(container, sessionId, what) : undefined;
  }
  const { status, wrong } = statusOf(invoice, {
    session_id: session.id,
    amount: decimalOf(session.raw_amount),
    currency_code: session.currency_code,
  });
  if (wrong) sayOnce(container, sessionId, wrong);
  const order = await orderOf(container, session);
  const isCanceled = order?.status === "canceled";
  if (status === "captured") {
    return isCanceled ? await giveBack(container, session, invoice) : await ask(container, session);
  }
  if (status === "pending_authorization") {
    if (isCanceled) await container.resolve("ncc").invoices.cancel(invoice.id);
    return;
  }
  // Paid after it was given up: ncc knows, but not where to.
  if (invoice.state === "refund_due" && session.data?.refund_to) await giveBack(container, session, invoice);
  if (WAITING.includes(session.status)) await end(container, session, { order, status });
}

/** Has Medusa ask the provider, and go on from there: the cart of a paid session becomes an order. */
async function ask(container, { id, raw_amount }) {
  await processPaymentWorkflow(container).run({
    input: { action: "captured", data: { session_id: id, amount: decimalOf(raw_amount) } },
  });
}

/** Its order was cancelled before it was paid. */
async function giveBack(container, { id, data }, invoice) {
  const reference = `late_${id}`;
  if (invoice.refunds.some((one) => one.reference === reference)) return;
  const reason = "It was paid after it was given up in Medusa.";
  await container.resolve("ncc").invoices.refund(invoice.id, {
    reference,
    reason,
    destination: data?.refund_to,
  });
  sayOnce(container, id, `paid after it was given up; ncc gives it back (invoice ${invoice.id})`);
}

/** It can't be paid any more: Medusa notes that, so that nobody waits for it. */
async function end(container, session, { order, status }) {
  try {
    await ask(container, session);
  } catch (error) {
    // It says so by throwing.
    if (!NOT_PAID.includes(error.type)) throw error;
  }
  if (
    status !== "canceled" || order?.status !== "pending" || !container.resolve("ncc").options.cancelExpired
  ) return;
  const now = await orderOf(container, session);
  const collections = now.payment_collections ?? [];
  const sessions = collections.flatMap((one) => one.payment_sessions ?? []);
  const payments = collections.flatMap((one) => one.payments ?? []);
  // There is another way that it may be paid by, or is.
  if (payments.length > 0 || sessions.some((one) => one.id !== session.id)) return;
  await cancelOrderWorkflow(container).run({ input: { order_id: now.id } });
}

function sayOnce(container, sessionId, what) {
  const { told } = container.resolve("ncc");
  if (told.has(sessionId)) return;
  told.add(sessionId);
  container.resolve("logger").error(`Lightning payment ${sessionId}: ${what}`);
}

module.exports = { settle };
