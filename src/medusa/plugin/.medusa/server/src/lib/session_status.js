"use strict";

const { asksFor } = require("./amounts.js");

/** What an invoice's state is for Medusa, apart from `paid`. */
const STATUS = {
  creating: "pending_authorization",
  open: "pending_authorization",
  underpaid: "pending_authorization",
  expired: "canceled",
  cancelled: "canceled",
  failed: "error",
  refund_due: "error",
  refunded: "error",
};

/**
 * The status of a payment session by its invoice as ncc has it now (null: it has none), and what is wrong, if something is.
 * "captured" only for one that was paid and asked for just what Medusa wants.
 */
function statusOf(invoice, { session_id: session, amount, currency_code: currency }) {
  if (invoice === null) return { status: "error", wrong: "ncc has no such invoice" };
  if (invoice.reference !== session) {
    return { status: "error", wrong: `invoice ${invoice.id} is another payment's` };
  }
  if (invoice.state !== "paid") return { status: STATUS[invoice.state] ?? "pending_authorization" };
  if (asksFor(invoice, { amount, currency })) return { status: "captured" };
  const wrong = `paid were ${invoice.amount} ${invoice.currency}, and Medusa wants ${amount} ${currency}. ` +
    `Nothing is captured; see invoice ${invoice.id} of ncc`;
  return { status: "error", wrong };
}

module.exports = { statusOf };
