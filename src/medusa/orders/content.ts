import { createHash } from "node:crypto";
import { npub } from "../../nostr/keys.ts";
import type { OrderItemRow, OrderRow } from "../../orders/orders_store.ts";

/** Where an order goes, in Medusa's terms. */
export interface Destination {
  region: string;
  /** ISO 3166-1, lower case: whose taxes apply. */
  country: string;
  /** `amount`: without taxes, whatever the option says: Medusa adds them to a draft's. */
  shipping: { option: string; name: string; amount: string } | null;
}

/** What is ordered, in Medusa's terms: each variant once. */
export interface Content {
  channel: string;
  destination: Destination;
  lines: { variant: string; quantity: number }[];
}

/** The parts of an order that Medusa is told for the merchant's sake. */
export type Details = Pick<
  OrderRow,
  "id" | "customer" | "customer_order_id" | "name" | "address" | "contact" | "message"
>;

/** Medusa's fields are a database's: longer texts are nobody's name or street. */
const LONGEST = 250;

/** Lines by variant, each once: Medusa checks each line alone, so two of one variant could sell what isn't there. */
export function mergedLines(
  items: readonly Pick<OrderItemRow, "product_id" | "quantity">[],
  variants: ReadonlyMap<string, string>,
): Content["lines"] | null {
  const sums = new Map<string, number>();
  for (const { product_id: product, quantity } of items) {
    const variant = variants.get(product);
    if (variant === undefined) return null;
    sums.set(variant, (sums.get(variant) ?? 0) + quantity);
  }
  return [...sums].map(([variant, quantity]) => ({ variant, quantity }))
    .sort((a, b) => (a.variant < b.variant ? -1 : 1));
}

/** Tells whether an order in Medusa is still the one that is wanted. What shipping costs may change without making another of it. */
export function contentHash({ channel, destination: { region, country, shipping }, lines }: Content): string {
  return hash([channel, region, country, shipping?.option ?? null, lines]);
}

/** Tells whether Medusa has the newest name, address and contact. */
export function detailsHash(details: Details): string {
  return hash([details.name, details.address, details.contact, details.message]);
}

/** The body of a draft order. `email`: what finds it again. */
export function draftBody(content: Content, details: Details, email: string): Record<string, unknown> {
  const { channel, destination: { region, country, shipping }, lines } = content;
  return {
    region_id: region,
    sales_channel_id: channel,
    email,
    // The address is nobody's: what it is sent would come back to the merchant.
    no_notification_order: true,
    items: lines.map(({ variant, quantity }) => ({ variant_id: variant, quantity })),
    shipping_address: addressOf(details, country),
    ...(shipping && {
      shipping_methods: [{
        name: shipping.name,
        shipping_option_id: shipping.option,
        // As its text: what a price without tax comes to may have no end.
        amount: shipping.amount,
      }],
    }),
    metadata: metadataOf(details),
  };
}

/** The body that brings name, address and contact of an order up to date. */
export function correction(details: Details, country: string): Record<string, unknown> {
  return {
    shipping_address: addressOf(details, country),
    metadata: metadataOf(details),
  };
}

/** The body that takes the customer out of an order. An empty text takes a key out of what Medusa keeps. */
export function withoutPerson(country: string): Record<string, unknown> {
  return {
    shipping_address: { first_name: "", address_1: "", address_2: "", country_code: country },
    metadata: { contact: "", message: "", address: "", nostr_customer: "" },
  };
}

/** Customers write their address as they like: its first line and the rest, as it stands. */
function addressOf({ name, address }: Details, country: string) {
  const [first = "", ...rest] = (address ?? "").split(/\r?\n/).map((line) => line.trim()).filter((line) =>
    line
  );
  return {
    first_name: cut(name ?? ""),
    address_1: cut(first),
    address_2: cut(rest.join(", ")),
    country_code: country,
  };
}

/** How the merchant finds the order here, and the customer: no message is ever sent to these by Medusa. */
function metadataOf({ id, customer, customer_order_id, contact, message, address }: Details) {
  return {
    ncc_order: id,
    nostr_customer: npub(customer),
    nostr_order_id: customer_order_id,
    contact: contactText(contact),
    message: message ?? "",
    address: address ?? "",
  };
}

/** As people read it: `email: a@b.example, phone: +49…`; empty when the customer gave none. */
function contactText(contact: OrderRow["contact"]): string {
  const ways = Object.entries(JSON.parse(contact) as Record<string, string>);
  return ways.map(([way, where]) => `${way}: ${where}`).join(", ");
}

function cut(text: string): string {
  return text.slice(0, LONGEST);
}

function hash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
