import type { Tx } from "../db/database.ts";
import { Deadline } from "../nostr/deadline.ts";
import { believedAmount } from "./believed_amount.ts";
import { decodeBolt11 } from "./bolt11.ts";
import { issued } from "./invoice_attempt.ts";
import { findInvoiceByHash, keepVoid } from "./invoices_store.ts";
import type { SweepOptions } from "./sweep.ts";
import { invoicesByRef, ordersThatBegin, unansweredAttempt } from "./sweeps_store.ts";
import { recordUnmatched } from "./unmatched.ts";
import { type IncomingPayment, type Wallet, WalletError } from "./wallet.ts";

const ANSWER_MS = 10_000;

/** A payment with our text on it that no invoice in the books asked for. */
export interface StrayPayment {
  merchant: string;
  wallet: Wallet;
  listed: IncomingPayment;
  /** What its text says of the order. */
  digits: string;
}

/** The text that an invoice bears; the list may leave it to the invoice. */
export function textOf({ description, bolt11 }: IncomingPayment): string {
  if (description) return description;
  const read = bolt11 === null ? null : decodeBolt11(bolt11);
  return read?.ok ? read.invoice.description ?? "" : "";
}

/** The hash that the invoice commits to in place of a text; null when it bears one. */
export function hashIn({ bolt11 }: IncomingPayment): string | null {
  const read = bolt11 === null ? null : decodeBolt11(bolt11);
  return read?.ok ? read.invoice.descriptionHash : null;
}

/** Finds out whose a stray payment is. */
export class Stray {
  readonly #o: SweepOptions;

  constructor(options: SweepOptions) {
    this.#o = options;
  }

  /**
   * When the wallet confirms it: the invoice takes the place of an attempt of its order whose answer was lost, if one asked
   * for just this amount; then the money is the order's. Otherwise it is nobody's yet, and the owners are told. Throws a
   * WalletError when the wallet doesn't answer.
   */
  async book(stray: StrayPayment, signal: AbortSignal): Promise<"found" | "unmatched" | "unsure"> {
    const { clock, settlement } = this.#o;
    const { wallet, listed } = stray;
    using deadline = new Deadline(clock, ANSWER_MS, signal);
    const status = await wallet.lookup({
      paymentHash: listed.paymentHash,
      bolt11: listed.bolt11 ?? "",
      createdAt: listed.createdAt ?? 0,
      ref: listed.ref ?? null,
    }, deadline.signal);
    if (status.status !== "settled") return "unsure";
    const decoded = decodedOf(listed);
    const asked = decoded?.amountMsat ?? null;
    const said = asked === null ? status.amountMsat : believedAmount(status, asked).amountMsat;
    if (said === null || said <= 0n) {
      throw new WalletError("bad_answer", "the wallet doesn't say how much arrived");
    }
    const adopted = asked === null ? null : await this.#adopt(stray, asked);
    if (adopted !== null) {
      return await settlement.lookUp(adopted, signal, wallet) === "paid" ? "found" : "unsure";
    }
    return await this.#unmatched(stray, said, status.settledAt);
  }

  /** The invoice's id in the books once it is there. */
  async #adopt(stray: StrayPayment, asked: bigint): Promise<string | null> {
    const { database, orders, clock, log } = this.#o;
    const { merchant, wallet, listed, digits } = stray;
    const [orderId, ...others] = await ordersThatBegin(database.kysely, merchant, digits);
    if (orderId === undefined || others.length > 0) return null;
    return await database.transaction(async (tx) => {
      const now = clock.now();
      if (!await orders.orderOf(tx, orderId) || await isKnown(tx, stray)) return null;
      const attempt = await unansweredAttempt(tx, { orderId, wallet: wallet.id, amountMsat: asked });
      if (!attempt) return null;
      const decoded = decodedOf(listed)!;
      const made = { bolt11: listed.bolt11!, ref: listed.ref ?? null };
      await keepVoid(tx, attempt.id, issued(made, { ok: true, decoded }), now);
      const text = "The wallet had made an invoice whose answer never reached us; it was paid all the same.";
      await orders.apply(tx, orderId, { type: "noted", text }, now);
      log.info("invoice.lost_answer_found", { order: orderId, attempt: attempt.attempt });
      return attempt.id;
    });
  }

  async #unmatched(
    stray: StrayPayment,
    amountMsat: bigint,
    settledAt: number,
  ): Promise<"unmatched" | "unsure"> {
    const { database, clock, random } = this.#o;
    const { merchant, wallet, listed, digits } = stray;
    const now = clock.now();
    const payment = {
      id: random.uuid(),
      merchant,
      wallet: wallet.id,
      paymentHash: listed.paymentHash,
      invoiceId: null,
      amountMsat,
      settledAt: Math.min(settledAt, now),
      now,
    };
    const hint = `The invoice was for order ${digits}….`;
    return await database.transaction(async (tx) => {
      if (await isKnown(tx, stray)) return "unsure";
      return await recordUnmatched(tx, payment, hint) ? "unmatched" : "unsure";
    });
  }
}

/** Whether its invoice is in the books by now: its late answer may have come in. */
async function isKnown(tx: Tx, { wallet, listed }: StrayPayment): Promise<boolean> {
  const { paymentHash, ref } = listed;
  if (await findInvoiceByHash(tx, paymentHash)) return true;
  return ref !== undefined && (await invoicesByRef(tx, wallet.id, [ref])).size > 0;
}

/** The invoice, if the list's is readable and the one that was paid. */
function decodedOf({ bolt11, paymentHash }: IncomingPayment) {
  const read = bolt11 === null ? null : decodeBolt11(bolt11);
  return read?.ok && read.invoice.paymentHash === paymentHash ? read.invoice : null;
}
