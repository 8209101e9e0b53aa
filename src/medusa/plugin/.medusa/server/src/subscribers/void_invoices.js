"use strict";

const { settle } = require("../lib/settle.js");
const { sessionsOf } = require("../lib/sessions.js");

/** An order is cancelled: nobody is to pay for it any more. The job that looks every minute does what fails here. */
async function voidInvoices({ event: { data }, container }) {
  const { invoices } = container.resolve("ncc");
  if (invoices === null) return;
  const query = container.resolve("query");
  const { data: links } = await query.graph({
    entity: "order_payment_collection",
    fields: ["payment_collection_id"],
    filters: { order_id: data.id },
  });
  const collections = links.map((one) => one.payment_collection_id);
  if (collections.length === 0) return;
  const sessions = await sessionsOf(container, { payment_collection_id: collections });
  for (const { id } of sessions.filter((one) => !one.payment)) {
    try {
      const invoice = await invoices.find(id);
      if (invoice !== null) await settle(container, id, invoice);
    } catch (error) {
      container.resolve("logger").warn(`Lightning payment ${id} wasn't cancelled yet: ${error.message}`);
    }
  }
}

module.exports = {
  __esModule: true,
  default: voidInvoices,
  config: { event: "order.canceled", context: { subscriberId: "ncc-void-invoices" } },
};
