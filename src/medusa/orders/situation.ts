import type { Tx } from "../../db/database.ts";
import { ceilToSat } from "../../money/msat.ts";
import { type Rate, toMsat } from "../../money/rates.ts";
import { itemsOf, lockOrder, type OrderRow } from "../../orders/orders_store.ts";
import { refundSums } from "../../payments/refunds_store.ts";
import { type Content, contentHash, type Destination, detailsHash, mergedLines } from "./content.ts";
import { countryName, countryOf } from "./country.ts";
import {
  channelOf,
  findMedusaOrder,
  type MedusaOrderRow,
  variantsOf,
  zoneOf,
} from "./medusa_orders_store.ts";
import type { Noted, Ours, Refunds } from "./plan.ts";
import { smallestUnit } from "./same_total.ts";
import { waitsForStock, wantedOf } from "./wanted.ts";

/** An order of ours as it is to be in Medusa. */
export interface Situation {
  order: OrderRow;
  ours: Ours;
  /** What we noted; null: it never was there. */
  row: MedusaOrderRow | null;
  /** What it consists of there, or why it can't be ordered there: a sentence for the customer. */
  content: { ok: true; content: Content; currency: string; units: number } | { ok: false; reason: string };
}

/** For the customer: what is amiss between the shop's two systems isn't theirs to mend. */
const NOT_THERE = "This shop can't take this order at the moment. Please try again later.";

/** Looks at both sides' rows. The order stays locked until the transaction ends. Undefined: there is no such order. */
export async function situationOf(tx: Tx, orderId: string): Promise<Situation | undefined> {
  const order = await lockOrder(tx, orderId);
  if (!order) return undefined;
  const content = await contentOf(tx, order);
  const row = await findMedusaOrder(tx, orderId) ?? null;
  return {
    order,
    content,
    row,
    ours: {
      wanted: wantedOf(order),
      fulfilment: order.fulfilment,
      waits: waitsForStock(order),
      // What is gone from the catalogue or from the customer's address by now changes no order that is there.
      contentHash: content.ok ? contentHash(content.content) : row?.content_hash ?? "",
      detailsHash: detailsHash(order),
      refunds: await refundsHere(tx, order),
    },
  };
}

/** What the plan needs of our notes. */
export function notedOf(row: MedusaOrderRow | null): Noted {
  return {
    state: row?.state ?? "wanted",
    contentHash: row?.content_hash ?? "",
    detailsHash: row?.details_hash ?? null,
  };
}

/** The rate that the order was priced at. */
export function rateOf({ rate }: Pick<OrderRow, "rate">): Rate | null {
  if (rate === null) return null;
  const { currency, per_btc, sources, at } = JSON.parse(rate) as {
    currency: string;
    per_btc: string;
    sources: string[];
    at: string;
  };
  return { currency, perBtc: per_btc, sources, at: Date.parse(at) };
}

async function refundsHere(tx: Tx, order: OrderRow): Promise<Refunds> {
  const rate = rateOf(order);
  const { backMsat, openMsat, outMsat } = await refundSums(tx, order.id);
  const msatOf = (amount: string) =>
    rate === null ? 0n : ceilToSat(toMsat(amount, rate.currency, rate)) * 1000n;
  return {
    inLedger: backMsat + openMsat + outMsat,
    back: backMsat,
    msatOf,
    tolerance: rate === null ? 0n : msatOf(smallestUnit(rate.currency)),
  };
}

async function contentOf(tx: Tx, order: OrderRow): Promise<Situation["content"]> {
  const items = await itemsOf(tx, [order.id]);
  const lines = mergedLines(
    items,
    await variantsOf(tx, order.merchant, items.map((item) => item.product_id)),
  );
  const channel = await channelOf(tx, order.merchant);
  const zone = await zoneOf(tx, order);
  if (lines === null || lines.length === 0 || channel === null || !zone) {
    return { ok: false, reason: NOT_THERE };
  }
  const digital = items.every((item) => item.digital === 1);
  const destination = digital
    // Nobody says where a download goes: it is sold where the shop is.
    ? {
      ok: true as const,
      destination: {
        region: zone.region,
        country: (JSON.parse(zone.countries) as string[])[0]!,
        shipping: null,
      },
    }
    : destinationOf(zone, order.address ?? "");
  if (!destination.ok) return destination;
  return {
    ok: true,
    content: { channel, destination: destination.destination, lines },
    currency: items[0]!.currency,
    units: items.reduce((sum, item) => sum + item.quantity, 0),
  };
}

function destinationOf(
  zone: { region: string; shipping_option: string; name: string; amount: string; countries: string },
  address: string,
): { ok: true; destination: Destination } | { ok: false; reason: string } {
  const countries = JSON.parse(zone.countries) as string[];
  const country = countryOf(address, countries);
  if (country === null) {
    const names = countries.slice(0, 12).map(countryName);
    const more = countries.length > names.length ? ", …" : "";
    return {
      ok: false,
      reason: `Which country does it go to? Please order again and end the address with the country: ${
        names.join(", ")
      }${more}.`,
    };
  }
  return {
    ok: true,
    destination: {
      region: zone.region,
      country,
      shipping: { option: zone.shipping_option, name: zone.name, amount: zone.amount },
    },
  };
}
