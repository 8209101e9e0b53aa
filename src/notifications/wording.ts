import type { AlertKind } from "../alert.ts";
import { formatSat } from "../money/msat.ts";
import type { OrderRow } from "../orders/orders_store.ts";

/** Begins whatever this program tells owners: another program of this kind that gets it knows that no person wrote it. */
export const NOTICE_MARK = "[ncc]";

type Told = Pick<OrderRow, "id" | "total_msat" | "received_msat">;

const SENTENCES: Record<AlertKind, (order: string, amounts: Told | null) => string> = {
  order_paid: (order, told) => `${order} is paid: ${sat(told?.received_msat)}.`,
  order_cancelled: (order) => `${order} was cancelled.`,
  cancel_requested: (order) => `The customer asks to cancel ${lower(order)}, which is paid.`,
  refund_due: (order, told) => `${order} needs a refund: ${sat(told?.received_msat)} came for it.`,
  refund_sent: (order) => `A refund was sent for ${lower(order)}.`,
  refund_unknown: (order) =>
    `Nobody knows whether the refund of ${
      lower(order)
    } was sent. Look into the wallet before you do anything.`,
  payment_unmatched: () => "A payment came that belongs to no order.",
  payment_lost: (order) =>
    `The block with an on-chain payment of ${lower(order)} isn't part of the chain any more.`,
  sold_out: () => "Something is sold out.",
  delivery_failed: (order) => `An answer about ${lower(order)} reached no relay that the customer reads.`,
  wallet_down: () => "The wallet doesn't answer. Orders wait for it.",
  wallet_up: () => "The wallet answers again.",
  refund_wallet_down: () => "Refunds wait: the wallet that pays them can't.",
  refund_wallet_up: () => "Nothing keeps the wallet that pays refunds from it any more.",
  relay_down: () => "A relay is away. What it has for us is read when it is back.",
  relay_up: () => "A relay is back.",
  signer_down: () =>
    "The remote signer with the shop's key doesn't answer. Orders wait for it, and none is lost.",
  signer_up: () => "The remote signer with the shop's key answers again.",
  rates_down: () =>
    "There is no exchange rate to quote with. Orders whose prices aren't in sats wait for one.",
  rates_up: () => "Exchange rates are there again.",
  btc_down: () => "Payments on-chain aren't as they should be. Lightning isn't touched by that.",
  btc_up: () => "Payments on-chain are as they should be again.",
  medusa_down: () =>
    "Medusa isn't as it should be. Orders of its goods wait, or are refused, as NCC_MEDUSA_DOWN says.",
  medusa_up: () => "Medusa is as it should be again.",
  second_instance: () =>
    "Somebody else answers customers with the shop's key. Nothing is answered here until you decide.",
  key_retired: () => "The shop's former key was retired.",
  clock_jump: () =>
    "This machine's clock was set, or the machine slept. No order expires before the wallet answers.",
  chat: () => "A customer wrote.",
};

/** Where the owners look, or what they do. */
const WHAT_TO_DO: Partial<Record<AlertKind, (order: Told | null) => string | null>> = {
  order_paid: show,
  order_cancelled: show,
  cancel_requested: show,
  refund_due: show,
  refund_sent: show,
  refund_unknown: show,
  delivery_failed: show,
  payment_lost: show,
  payment_unmatched: () => "GET /api/v1/payments/unmatched",
  refund_wallet_down: () => "ncc refund list",
  rates_down: () => "ncc status",
  btc_down: () => "ncc status",
  medusa_down: () => "ncc status",
  second_instance: () => "Stop the other program, or change to a new key. Then: ncc merchant resume",
  chat: () => "GET /api/v1/messages?type=chat",
};

/** What the owners are told: what happened, the detail if there is one, and what to do. No customer's data. */
export function noticeText(
  kind: AlertKind,
  o: { order?: Told | undefined; detail?: string | undefined },
): string {
  const order = o.order ?? null;
  // What became of an owner's own message; what exactly is sold out.
  if ((kind === "chat" || kind === "sold_out") && o.detail !== undefined) return o.detail;
  const lines = [
    SENTENCES[kind](order === null ? "An order" : `Order ${order.id.slice(0, 8)}`, order),
    o.detail,
    WHAT_TO_DO[kind]?.(order),
  ];
  return lines.filter((line) => line !== undefined && line !== null && line !== "").join("\n");
}

/** What is told of many at once. */
export function summaryText(folded: { kind: string; count: number }[]): string {
  return folded.map(({ kind, count }) =>
    kind === "order_paid"
      ? `${count} more ${count === 1 ? "order was" : "orders were"} paid. ncc order list --payment paid`
      : `${count} more ${count === 1 ? "message" : "messages"} came. GET /api/v1/messages?type=chat`
  ).join("\n");
}

function show(order: Told | null): string | null {
  return order === null ? null : `ncc order show ${order.id}`;
}

function lower(order: string): string {
  return order.replace(/^An order/, "an order").replace(/^Order/, "order");
}

function sat(msat: number | undefined): string {
  return formatSat(BigInt(msat ?? 0));
}
