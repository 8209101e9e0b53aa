import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Tx } from "../db/database.ts";
import { formatSat, type Msat, MSAT_PER_SAT } from "../money/msat.ts";
import {
  findRefund,
  giveBack,
  insertRefund,
  lockRefund,
  type RefundRow,
  refundsOf,
  reserveOfOrder,
  reserveOfPayment,
  updateRefund,
} from "./refunds_store.ts";

/** Money that is to go back. */
export interface NewRefund {
  merchant: string;
  /** Whose money it is of: exactly one of both. A payment is one that matches no order. */
  orderId?: string;
  paymentId?: string;
  /** Who may say where it goes: the verified sender of the order; null when nobody is known. */
  customer: string | null;
  amountMsat: Msat;
  /** A sentence for the merchant. */
  reason: string;
  /** Names what it is owed for, for ever: one fact is one refund, however often it is opened. */
  fact: string;
}

export type OpenedRefund = { ok: true; refund: RefundRow } | { ok: false; reason: string };

/**
 * Puts a refund into the ledger (design §5: Σ refunds ≤ received, which the database holds too). Its order or payment is
 * locked by the caller. Nothing is paid before it has a destination and an approval.
 */
export async function openRefund(tx: Tx, refund: NewRefund, now: number): Promise<OpenedRefund> {
  const { merchant, orderId, paymentId, customer, amountMsat, reason, fact } = refund;
  if (amountMsat <= 0n) return { ok: false, reason: "A refund is of at least 1 msat." };
  const id = idOf(merchant, fact);
  const known = await findRefund(tx, id);
  if (known) return { ok: true, refund: known };
  const reserved = orderId !== undefined
    ? await reserveOfOrder(tx, orderId, amountMsat)
    : await reserveOfPayment(tx, paymentId!, amountMsat);
  if (!reserved) {
    return {
      ok: false,
      reason: `${formatSat(amountMsat)} are more than what is left of the money received.`,
    };
  }
  const row = await insertRefund(tx, {
    id,
    merchant,
    order_id: orderId ?? null,
    payment_id: paymentId ?? null,
    customer,
    amount_msat: Number(amountMsat),
    reason,
    created_at: now,
  });
  return { ok: true, refund: row };
}

/** Whole satoshi of an amount, which every wallet can pay; what is less than one stays as it is. */
export function payable(amountMsat: Msat): Msat {
  const whole = amountMsat - amountMsat % MSAT_PER_SAT;
  return whole > 0n ? whole : amountMsat;
}

/** Takes a refund that nothing was paid for out of the ledger; its order or payment is locked by the caller. */
export async function withdraw(tx: Tx, refund: RefundRow, note: string, now: number): Promise<RefundRow> {
  await giveBack(tx, refund);
  return await updateRefund(tx, refund, {
    state: "cancelled",
    destination: null,
    resolved: null,
    destination_event: null,
    payment_hash: null,
    note,
    ended_at: now,
  }, now);
}

/** The same for all of an order that can still be stopped; answers their sum. */
export async function withdrawOpen(tx: Tx, orderId: string, note: string, now: number): Promise<Msat> {
  let sum = 0n;
  for (const { id } of await refundsOf(tx, orderId)) {
    const refund = await lockRefund(tx, id);
    if (!refund || !isOpen(refund)) continue;
    await withdraw(tx, refund, note, now);
    sum += BigInt(refund.amount_msat);
  }
  return sum;
}

/** Whether nothing has left for it yet. */
export function isOpen({ state, asked_at }: RefundRow): boolean {
  return (state === "due" || state === "approved") && asked_at === null;
}

/** Whether it needs nothing more. */
export function hasEnded({ state }: RefundRow): boolean {
  return state === "sent" || state === "by_hand" || state === "cancelled";
}

/** The same for the same fact, so that the table's key holds it, too. In the form of a UUID. */
function idOf(merchant: string, fact: string): string {
  const hex = bytesToHex(sha256(utf8ToBytes(`${merchant}\n${fact}`)));
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => hex.slice(from, to)).join("-");
}
