// @ts-ignore: Medusa's dashboard has it, and bundles this file as it is.
import { Container, Copy, Heading, Text } from "@medusajs/ui";
// @ts-ignore: as above.
import { createElement as h } from "react";

/** Metadata is anybody's who may write an order: nothing else is made a link of. */
const NPUB = /^npub1[02-9ac-hj-np-z]{58}$/;

/** Beside an order that came by Nostr: who ordered, and what the order is called there. */
function NostrOrder({ data: { metadata } }) {
  const { ncc_order: order, nostr_customer: customer, nostr_order_id: name, contact } = metadata ?? {};
  if (!order) return null;
  return h(
    Container,
    { className: "divide-y p-0" },
    h("div", { className: "px-6 py-4" }, h(Heading, { level: "h2" }, "Nostr")),
    row("ncc order", order),
    row("Customer's key", customer),
    row("Customer's order", name),
    row("Contact", contact),
    NPUB.test(customer) && h("div", { className: "px-6 py-4" }, link(customer)),
  );
}

function row(name, value) {
  if (typeof value !== "string" || value === "") return null;
  const shown = h(Text, { size: "small", leading: "compact", className: "truncate" }, value);
  return h(
    "div",
    { className: "text-ui-fg-subtle grid grid-cols-2 items-center px-6 py-4" },
    h(Text, { size: "small", leading: "compact", weight: "plus" }, name),
    h("div", { className: "flex items-center gap-x-2 overflow-hidden" }, shown, h(Copy, { content: value })),
  );
}

/** NIP-21: the merchant's own Nostr client opens it. */
function link(npub) {
  return h(
    "a",
    { href: `nostr:${npub}`, className: "txt-small text-ui-fg-interactive" },
    "Open in your Nostr app",
  );
}

export default {
  widgetModule: { widgets: [{ Component: NostrOrder, zone: ["order.details.side.after"] }] },
  routeModule: { routes: [] },
  menuItemModule: { menuItems: [] },
  formModule: { customFields: {} },
  displayModule: { displays: {} },
  i18nModule: { resources: {} },
};
