import type { Tx } from "../db/database.ts";
import type { RunningJob } from "../jobs/runner.ts";
import type { Msat } from "../money/msat.ts";
import { type Bolt11, decodeBolt11 } from "./bolt11.ts";
import { addressOf, bolt11Of } from "./refund_destination.ts";
import { expiryOf } from "./refund_invoice.ts";
import { lockWithSource } from "./refund_locks.ts";
import { askAnew } from "./refund_offers.ts";
import { amountText, note } from "./refund_telling.ts";
import { haltedBecause, type RefundRow, updateRefund } from "./refunds_store.ts";
import type { OutgoingPayment, Wallet } from "./wallet.ts";
import type { LightningAddress } from "./wallets/lnaddress/address.ts";

/** What is to be done for a refund now. */
export type Begun =
  | { do: "nothing" }
  | { do: "wait"; ms: number; why: string }
  /** `doubtful`: the wallet was asked for the same invoice before and never said what became of it. */
  | { do: "pay"; refund: RefundRow; wallet: Wallet; payment: OutgoingPayment; doubtful: boolean }
  /** Its destination is a Lightning address, which has to give an invoice first. */
  | { do: "resolve"; refund: RefundRow; address: LightningAddress }
  | { do: "look_up"; refund: RefundRow; wallet: Wallet | null };

/** A wallet that isn't there now may come. */
const WITHOUT_WALLET_MS = 60_000;
const HALTED_MS = 15_000;
/** An invoice that is about to expire isn't paid any more. */
const LEAST_LEFT_MS = 30_000;
/** What the way of a payment may cost: a hundredth of it, and 10 sat in any case. */
const FEE_PART = 100n;
const LEAST_FEE_MSAT = 10_000n;

/**
 * Begins to pay an approved refund, in a transaction that commits before the wallet hears of it. One that was begun before and
 * not ended (a crash, a lost answer) is in doubt from here on and only looked up.
 */
export async function beginPayOut(
  tx: Tx,
  o: { id: string; job: RunningJob; payerOf(merchant: string): Wallet | null },
  now: number,
): Promise<Begun> {
  const refund = await lockWithSource(tx, o.id);
  if (!refund || !["approved", "sending", "unknown"].includes(refund.state)) {
    await o.job.complete(tx);
    return { do: "nothing" };
  }
  const wallet = o.payerOf(refund.merchant);
  if (refund.state === "unknown") return { do: "look_up", refund, wallet };
  if (refund.state === "sending") {
    return { do: "look_up", refund: await inDoubt(tx, refund, "ncc ended meanwhile", now), wallet };
  }
  const halted = await haltedBecause(tx, refund.merchant);
  if (halted !== null) return { do: "wait", ms: HALTED_MS, why: "the merchant is halted" };
  if (!wallet?.pay) return { do: "wait", ms: WITHOUT_WALLET_MS, why: "there is no wallet to pay with" };

  const address = addressOf(refund);
  if (address && refund.resolved === null) return { do: "resolve", refund, address };
  const bolt11 = bolt11Of(refund) ?? "";
  const read = decodeBolt11(bolt11);
  if (!fits(read.ok ? read.invoice : null, refund)) {
    throw new Error(`refund ${refund.id}: its destination isn't the one that was approved`);
  }
  const { invoice } = read as { invoice: Bolt11 };
  const doubtful = refund.asked_at !== null;
  if (expiryOf(invoice) - now < LEAST_LEFT_MS) {
    if (doubtful) {
      return { do: "look_up", refund: await inDoubt(tx, refund, "its invoice expired", now), wallet };
    }
    if (address) {
      const change = { resolved: null, payment_hash: null };
      return { do: "resolve", refund: await updateRefund(tx, refund, change, now), address };
    }
    await askAnew(tx, refund, "Your invoice has expired.", now);
    await o.job.complete(tx);
    return { do: "nothing" };
  }
  const sending = await updateRefund(tx, refund, { state: "sending", wallet: wallet.id, asked_at: now }, now);
  const payment = {
    bolt11,
    paymentHash: sending.payment_hash!,
    amountMsat: BigInt(sending.amount_msat),
    amountless: invoice.amountMsat === null,
    maxFeeMsat: feeFor(BigInt(sending.amount_msat)),
  };
  return { do: "pay", refund: sending, wallet, payment, doubtful };
}

/** The ledger says from now on that nobody knows whether it was paid. */
export async function inDoubt(tx: Tx, refund: RefundRow, why: string, now: number): Promise<RefundRow> {
  const row = await updateRefund(tx, refund, { state: "unknown", note: why }, now);
  await note(tx, row, {
    text: `Whether ${
      amountText(row)
    } were paid is unknown (${why}): the wallet is asked, nothing is sent again.`,
  }, now);
  return row;
}

function fits(invoice: Bolt11 | null, refund: RefundRow): boolean {
  return invoice !== null && invoice.paymentHash === refund.payment_hash &&
    (invoice.amountMsat === null || invoice.amountMsat === BigInt(refund.amount_msat));
}

function feeFor(amountMsat: Msat): Msat {
  const part = amountMsat / FEE_PART;
  return part > LEAST_FEE_MSAT ? part : LEAST_FEE_MSAT;
}
