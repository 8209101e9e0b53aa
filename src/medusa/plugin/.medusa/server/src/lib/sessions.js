"use strict";

/** As the provider is named in Medusa when its configuration's id is `ncc`. */
const PROVIDER = "pp_lightning_ncc";

/** The status of those that may still be paid. */
const WAITING = ["pending", "pending_authorization"];

const FIELDS = [
  "id",
  "status",
  "raw_amount",
  "currency_code",
  "data",
  "created_at",
  "payment.id",
  "payment_collection_id",
];
const MOST = 1_000;

/** Payment sessions of ours that these filters leave, newest first. */
async function sessionsOf(container, filters) {
  const query = container.resolve("query");
  const { data } = await query.graph({
    entity: "payment_session",
    fields: FIELDS,
    filters: { ...filters, provider_id: PROVIDER },
    pagination: { take: MOST, skip: 0, order: { created_at: "DESC" } },
  });
  return data;
}

/** The session; null when it isn't one of ours. */
async function sessionOf(container, id) {
  const [session] = await sessionsOf(container, { id });
  return session ?? null;
}

/** The order that a session pays, as far as there is one; with the other sessions that are about it. */
async function orderOf(container, { payment_collection_id: collection }) {
  const query = container.resolve("query");
  const { data: [link] } = await query.graph({
    entity: "order_payment_collection",
    fields: ["order_id"],
    filters: { payment_collection_id: collection },
  });
  if (!link) return null;
  const { data: [order] } = await query.graph({
    entity: "order",
    fields: ["id", "status", "payment_collections.payment_sessions.id", "payment_collections.payments.id"],
    filters: { id: link.order_id },
  });
  return order ?? null;
}

module.exports = { orderOf, PROVIDER, sessionOf, sessionsOf, WAITING };
