// @ts-ignore: Medusa's dashboard has it, and bundles this file as it is.
import { Container, Copy, Heading, Text } from "@medusajs/ui";
// @ts-ignore: as above.
import { createElement as h } from "react";

/** Beside an order that came by Nostr: who ordered, and what the order is called there. */
function NostrOrder({ data: { metadata } }) {
  const { ncc_order: order, nostr_customer: customer, nostr_order_id: name, contact, ncc_url: url } =
    metadata ?? {};
  if (!order) return null;
  return h(
    Container,
    { className: "divide-y p-0" },
    h("div", { className: "px-6 py-4" }, h(Heading, { level: "h2" }, "Nostr")),
    row("ncc order", order),
    row("Customer's key", customer),
    row("Customer's order", name),
    row("Contact", contact),
    isLink(url) && h("div", { className: "px-6 py-4" }, link(url)),
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

function link(url) {
  return h(
    "a",
    { href: url, target: "_blank", rel: "noreferrer", className: "text-ui-fg-interactive" },
    "Open in ncc",
  );
}

/** Metadata is anybody's who may write an order: nothing else is opened. */
function isLink(url) {
  return typeof url === "string" && /^https?:\/\//.test(url);
}

export default {
  widgetModule: { widgets: [{ Component: NostrOrder, zone: ["order.details.side.after"] }] },
  routeModule: { routes: [] },
  menuItemModule: { menuItems: [] },
  formModule: { customFields: {} },
  displayModule: { displays: {} },
  i18nModule: { resources: {} },
};
