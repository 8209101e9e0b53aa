"use strict";

const { MathBN } = require("@medusajs/framework/utils");
const { refundPaymentWorkflow } = require("@medusajs/medusa/core-flows");
const { PROVIDER } = require("./sessions.js");

/**
 * Medusa cancels a paid order also when its money can't be given back at that moment, and leaves it at that: this has it give back
 * what is left. Throws what is to be tried again.
 */
async function payOwedRefunds(container, { since }) {
  const { data: orders } = await container.resolve("query").graph({
    entity: "order",
    fields: [
      "payment_collections.payments.id",
      "payment_collections.payments.provider_id",
      "payment_collections.payments.captures.raw_amount",
      "payment_collections.payments.refunds.raw_amount",
    ],
    filters: { status: "canceled", canceled_at: { $gte: new Date(since) } },
  });
  const payments = orders.flatMap((one) => one.payment_collections ?? []).flatMap((one) =>
    one.payments ?? []
  );
  for (const { id, captures, refunds } of payments.filter((one) => one.provider_id === PROVIDER)) {
    const left = MathBN.sub(sum(captures), sum(refunds));
    if (MathBN.lte(left, 0)) continue;
    const input = { payment_id: id, amount: left.toFixed(), note: "Its order was cancelled." };
    await refundPaymentWorkflow(container).run({ input });
  }
}

function sum(rows) {
  return (rows ?? []).reduce((all, { raw_amount }) => MathBN.add(all, raw_amount), 0);
}

module.exports = { payOwedRefunds };
