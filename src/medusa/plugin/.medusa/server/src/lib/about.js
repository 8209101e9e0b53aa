"use strict";

const CHANGES = ["created", "updated", "deleted"];
const LINKS = ["attached", "detached"];
/** More than ncc takes in one call may be any. */
const MOST_PRODUCTS = 500;

/**
 * What ncc is told of, by the start of the event's name: what may happen, how ncc calls it where that is another name, and how it
 * is found out what it is about. A look gives `{products, order}`, without products where it may be any of them, or null when it
 * is nothing that isn't told by another event, too.
 */
const KINDS = {
  "product": { happens: CHANGES, look: (_, id) => ({ products: [id] }) },
  "product-variant": { happens: CHANGES, look: ofVariant },
  "inventory-level": { happens: CHANGES, look: ofLevel },
  "reservation-item": { happens: CHANGES, look: ofReservation },
  "order": {
    happens: ["placed", "updated", "canceled", "completed", "fulfillment_created", "fulfillment_canceled"],
    look: (medusa, id, { order_id }) => ofOrder(medusa, order_id ?? id),
  },
  "shipment": { happens: ["created"], look: ofFulfillment },
  "delivery": { happens: ["created"], look: ofFulfillment },
  "payment": { happens: ["captured", "refunded"], look: ofPayment },
  "shipping-option": { happens: CHANGES },
  "region": { happens: CHANGES },
  "sales-channel": { happens: CHANGES },
  // Nothing but the modules themselves tells of these.
  "pricing.price": { happens: CHANGES, as: "price", look: ofPrice },
  "pricing.price-list": { happens: ["deleted"], as: "price-list" },
  "tax.tax-rate": { happens: CHANGES, as: "tax-rate" },
  "tax.tax-region": { happens: CHANGES, as: "tax-region" },
  "LinkProductSalesChannel": { happens: LINKS, as: "sales-channel" },
  "LinkSalesChannelStockLocation": { happens: LINKS, as: "sales-channel" },
};

/** The names of the events that ncc is told of. */
const EVENTS = Object.entries(KINDS).flatMap(([kind, { happens }]) =>
  happens.map((what) => `${kind}.${what}`)
);

/**
 * What an event is about, as ncc is told: `{event, id, product_ids?, order_id?}`; null: it needn't be told. Throws what Medusa
 * does when it is asked.
 */
async function aboutOf(container, { name, data }) {
  const dot = name.lastIndexOf(".");
  const { as = name.slice(0, dot), look } = KINDS[name.slice(0, dot)];
  // Shipping options come as their bare id.
  const id = typeof data === "string" ? data : data?.id ?? data?.order_id;
  const found = look ? await look(new Asked(container), id, data) : {};
  if (!id || found === null) return null;
  const products = found.products && [...new Set(found.products)].filter(Boolean);
  return {
    event: `${as}${name.slice(dot)}`,
    id,
    ...(products && products.length <= MOST_PRODUCTS && { product_ids: products }),
    ...(found.order && { order_id: found.order }),
  };
}

async function ofVariant(medusa, id) {
  const variant = await medusa.one("product_variant", { id }, "product_id");
  return { products: variant && [variant.product_id] };
}

async function ofLevel(medusa, id, { order_id: order }) {
  const level = await medusa.one("inventory_level", { id }, "inventory_item_id");
  return { products: level && await ofItem(medusa, level.inventory_item_id), order };
}

async function ofReservation(medusa, id, { order_id }) {
  if (order_id) return await ofOrder(medusa, order_id);
  const reservation = await medusa.one("reservation", { id }, "inventory_item_id");
  return { products: reservation && await ofItem(medusa, reservation.inventory_item_id) };
}

async function ofOrder(medusa, id) {
  const order = await medusa.one("order", { id }, "items.product_id");
  return { products: order?.items?.map((item) => item.product_id), order: id };
}

async function ofFulfillment(medusa, id) {
  return { order: (await medusa.one("order_fulfillment", { fulfillment_id: id }, "order_id"))?.order_id };
}

async function ofPayment(medusa, id) {
  const payment = await medusa.one("payment", { id }, "payment_collection_id");
  if (!payment) return {};
  const { payment_collection_id } = payment;
  return {
    order: (await medusa.one("order_payment_collection", { payment_collection_id }, "order_id"))?.order_id,
  };
}

/** Other prices than those of lists change with their variant or shipping option. */
async function ofPrice(medusa, id) {
  const price = await medusa.price(id);
  if (!price?.price_list_id) return null;
  const { price_set_id } = price;
  const links = await medusa.all("product_variant_price_set", { price_set_id }, "variant.product_id");
  return { products: links.map((link) => link.variant?.product_id) };
}

async function ofItem(medusa, inventory_item_id) {
  const links = await medusa.all(
    "product_variant_inventory_item",
    { inventory_item_id },
    "variant.product_id",
  );
  return links.map((link) => link.variant?.product_id);
}

/** Medusa's own data. */
class Asked {
  #container;

  constructor(container) {
    this.#container = container;
  }

  async all(entity, filters, field) {
    const { data } = await this.#container.resolve("query").graph({ entity, filters, fields: [field] });
    return data;
  }

  async one(entity, filters, field) {
    return (await this.all(entity, filters, field))[0];
  }

  /** Also one that is gone. */
  async price(id) {
    const how = { select: ["id", "price_list_id", "price_set_id"], withDeleted: true };
    return (await this.#container.resolve("pricing").listPrices({ id: [id] }, how))[0];
  }
}

module.exports = { aboutOf, EVENTS };
