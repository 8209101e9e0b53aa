import type { OrderEvent, OrderState } from "../../src/orders/types.ts";

const TOTAL = 21_840_000n;
const DAY_MS = 24 * 3_600_000;
const NO_REFUNDS = { openMsat: 0n, outMsat: 0n, backMsat: 0n };

/** One order in every state that the life cycle tells apart; all but the first are priced at 21,840 sat. */
export const states: Record<string, OrderState> = {
  new: state("quoting", "none", { totalMsat: 0n }),
  quoting: state("quoting", "none"),
  awaiting: state("awaiting", "none"),
  "awaiting rest": state("awaiting", "none", { receivedMsat: 10_000_000n }),
  held: state("held", "none"),
  expired: state("expired", "none"),
  cancelled: state("cancelled", "none"),
  rejected: state("rejected", "none"),
  failed: state("failed", "none"),
  paid: paid("paid", "unfulfilled"),
  "paid shipped": paid("paid", "shipped"),
  "paid delivered": paid("paid", "delivered"),
  overpaid: paid("overpaid", "unfulfilled", TOTAL + 5_000_000n),
  "paid twice": paid("refund_due", "unfulfilled", 2n * TOTAL),
  "paid twice, delivered": paid("refund_due", "delivered", 2n * TOTAL),
  "paid twice, sending back": paid("refund_due", "unfulfilled", 2n * TOTAL, { outMsat: TOTAL }),
  "refund due": paid("refund_due", "none"),
  "refund due, sending": paid("refund_due", "none", TOTAL, { outMsat: TOTAL }),
  refunded: paid("refunded", "none"),
};

/** The same order when everything that was received has gone back. */
export function allBack(order: OrderState): OrderState {
  return { ...order, refunds: { ...NO_REFUNDS, backMsat: order.receivedMsat } };
}

/** Every event, with the variants that decide something. */
export const events: Record<string, OrderEvent> = {
  requested: { type: "requested" },
  "amended, same total": { type: "amended", totalMsat: TOTAL },
  "amended, other total": { type: "amended", totalMsat: 30_000_000n },
  "amended, unpriceable": { type: "amended", totalMsat: null, reason: "We have no product x." },
  retried: { type: "retried", totalMsat: 30_000_000n },
  "retried, even expired": { type: "retried", totalMsat: 30_000_000n, evenExpired: true },
  "retried, refused": { type: "retried", totalMsat: null, reason: "We have no product x." },
  rateAwaited: { type: "rateAwaited", currency: "EUR" },
  quoted: { type: "quoted", totalMsat: TOTAL },
  stockAwaited: { type: "stockAwaited" },
  stockReserved: { type: "stockReserved" },
  stockRefused: { type: "stockRefused", reason: '"Mug" is sold out.' },
  invoiced: { type: "invoiced" },
  invoiceDelayed: { type: "invoiceDelayed" },
  invoiceFailed: { type: "invoiceFailed", reason: "We can't take payments right now." },
  paymentHeld: { type: "paymentHeld" },
  "paid in full": seen(TOTAL, "held"),
  "paid in full, goods gone": seen(TOTAL, "short"),
  "paid in part": seen(1_000_000n, "available"),
  "paid in full, too late": seen(TOTAL, "available", DAY_MS + 1),
  "paid too much": seen(TOTAL + 5_000_000n, "available"),
  expired: { type: "expired" },
  customerCancelled: { type: "customerCancelled" },
  merchantCancelled: { type: "merchantCancelled", reason: "The kiln broke." },
  accepted: { type: "accepted", stock: "available" },
  "accepted, goods gone": { type: "accepted", stock: "short" },
  shipped: { type: "shipped", carrier: "DHL", tracking: "JD01" },
  "shipped, nothing known": { type: "shipped", carrier: null, tracking: null },
  delivered: { type: "delivered" },
  refunded: { type: "refunded" },
  noted: { type: "noted", text: "Asked by phone." },
};

function seen(
  amountMsat: bigint,
  stock: "held" | "available" | "short",
  lateMs = 0,
): OrderEvent & { type: "paymentSeen" } {
  return { type: "paymentSeen", amountMsat, stock, lateMs };
}

function state(
  payment: OrderState["payment"],
  fulfilment: OrderState["fulfilment"],
  more: Partial<OrderState> = {},
): OrderState {
  return {
    payment,
    fulfilment,
    totalMsat: TOTAL,
    receivedMsat: 0n,
    revision: 1,
    digital: "none",
    refunds: NO_REFUNDS,
    confirmedElsewhere: false,
    ...more,
  };
}

function paid(
  payment: OrderState["payment"],
  fulfilment: OrderState["fulfilment"],
  receivedMsat = TOTAL,
  refunds: Partial<OrderState["refunds"]> = {},
) {
  return state(payment, fulfilment, { receivedMsat, refunds: { ...NO_REFUNDS, ...refunds } });
}
