import { assertEquals } from "@std/assert";
import type { MedusaOrder } from "../../src/medusa/orders/medusa_order.ts";
import { nextStep, type Noted, type Ours, type Theirs } from "../../src/medusa/orders/plan.ts";

const refunds = {
  inLedger: 0n,
  back: 0n,
  msatOf: (amount: string) => BigInt(Math.round(Number(amount) * 100)) * 20_000n,
  tolerance: 20_000n,
};
const ours: Ours = {
  wanted: "placed",
  fulfilment: "none",
  waits: false,
  contentHash: "c",
  detailsHash: "d",
  refunds,
};
const noted: Noted = { state: "held", contentHash: "c", detailsHash: "d" };
const item = { id: "i", variant: "v", quantity: 2, fulfilled: 0, shipped: 0, delivered: 0 };
const there: MedusaOrder = {
  id: "o",
  status: "pending",
  email: null,
  country: "de",
  total: "15.4",
  items: [item],
  collections: [],
  fulfilments: [],
};
const ful = { id: "f", shippedAt: null, deliveredAt: null, canceledAt: null, carrier: null, tracking: [] };
const collection = { id: "c1", status: "not_paid", amount: "15.4", payments: [] };
const captured = {
  ...collection,
  status: "completed",
  payments: [{ id: "p", captured: "15.4", refunded: "0" }],
};
const paid = { ...ours, wanted: "paid" as const, fulfilment: "unfulfilled" as const };
const paidThere = { ...there, collections: [captured] };
const refundedThere = {
  ...paidThere,
  collections: [{ ...captured, payments: [{ id: "p", captured: "15.4", refunded: "1" }] }],
};
const gone = { ...ours, wanted: "gone" as const };

const cases: [string, Ours, Noted, Theirs, string][] = [
  ["an answer was lost", ours, noted, "unknown", "find"],
  ["nothing there", ours, { ...noted, state: "wanted" }, null, "draft"],
  ["nothing wanted", { ...ours, wanted: "nothing" }, noted, null, "rest"],
  ["refused before, asked again", ours, { ...noted, state: "refused" }, null, "again"],
  ["a draft", ours, noted, { ...there, status: "draft" }, "convert"],
  ["a draft of other goods", ours, { ...noted, contentHash: "x" }, { ...there, status: "draft" }, "discard"],
  ["a draft that isn't wanted", gone, noted, { ...there, status: "draft" }, "discard"],
  ["placed", ours, { ...noted, state: "placed" }, there, "check"],
  ["checked, and waited for", { ...ours, waits: true }, noted, there, "confirm"],
  ["at rest", ours, noted, there, "rest"],
  ["another address", { ...ours, detailsHash: "x" }, noted, there, "correct"],
  ["other goods", { ...ours, contentHash: "x" }, noted, there, "cancel"],
  ["other goods, paid for there", { ...paid, contentHash: "x" }, noted, paidThere, "rest"],
  ["not wanted any more", gone, noted, there, "cancel"],
  ["not wanted, but on its way", gone, noted, { ...there, fulfilments: [ful] }, "rest"],
  [
    "cancelled by us, and wanted",
    ours,
    { ...noted, state: "cancelled" },
    { ...there, status: "canceled" },
    "again",
  ],
  ["cancelled by us", gone, { ...noted, state: "cancelled" }, { ...there, status: "canceled" }, "rest"],
  ["cancelled there", ours, noted, { ...there, status: "canceled" }, "cancelledThere"],
  ["cancelled there, too", gone, noted, { ...there, status: "canceled" }, "rest"],
  ["paid here", paid, noted, there, "collect"],
  ["paid here, asked for there", paid, noted, { ...there, collections: [collection] }, "markPaid"],
  [
    "another sum asked for there",
    paid,
    noted,
    { ...there, collections: [{ ...collection, amount: "1" }] },
    "collect",
  ],
  ["paid on both sides", paid, noted, paidThere, "rest"],
  ["refunded there", paid, noted, refundedThere, "refundedThere"],
  [
    "refunded on both sides",
    { ...paid, refunds: { ...refunds, inLedger: 2_010_000n } },
    noted,
    refundedThere,
    "rest",
  ],
  ["promised here", { ...paid, refunds: { ...refunds, inLedger: 2_000_000n } }, noted, paidThere, "rest"],
  [
    "gone back here",
    { ...paid, refunds: { ...refunds, inLedger: 2_000_000n, back: 2_000_000n } },
    noted,
    paidThere,
    "refund",
  ],
  ["half a cent less", paid, noted, { ...paidThere, total: "15.404" }, "rest"],
  ["shipped here", { ...paid, fulfilment: "shipped" }, noted, paidThere, "fulfil"],
  [
    "shipped here, ready there",
    { ...paid, fulfilment: "shipped" },
    noted,
    { ...paidThere, items: [{ ...item, fulfilled: 2 }], fulfilments: [ful] },
    "ship",
  ],
  [
    "shipped there",
    paid,
    noted,
    {
      ...paidThere,
      items: [{ ...item, fulfilled: 2, shipped: 2 }],
      fulfilments: [{ ...ful, shippedAt: "now" }],
    },
    "shippedThere",
  ],
  [
    "part of it shipped there",
    paid,
    noted,
    {
      ...paidThere,
      items: [{ ...item, fulfilled: 1, shipped: 1 }],
      fulfilments: [{ ...ful, shippedAt: "now" }],
    },
    "rest",
  ],
  [
    "delivered there",
    { ...paid, fulfilment: "shipped" },
    noted,
    { ...paidThere, items: [{ ...item, fulfilled: 2, shipped: 2, delivered: 2 }] },
    "deliveredThere",
  ],
  [
    "delivered here",
    { ...paid, fulfilment: "delivered" },
    noted,
    {
      ...paidThere,
      items: [{ ...item, fulfilled: 2, shipped: 2 }],
      fulfilments: [{ ...ful, shippedAt: "now" }],
    },
    "deliver",
  ],
  [
    "delivered on both sides",
    { ...paid, fulfilment: "delivered" },
    noted,
    { ...paidThere, items: [{ ...item, fulfilled: 2, shipped: 2, delivered: 2 }] },
    "complete",
  ],
];
for (const [name, here, notes, theirs, step] of cases) {
  Deno.test(`nextStep() ${name}: ${step}`, () => assertEquals(nextStep(here, notes, theirs).do, step));
}
