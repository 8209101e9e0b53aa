import { z } from "zod";
import type { Clock } from "../../../clock.ts";
import {
  type OutgoingPayment,
  type OutgoingRef,
  type OutgoingStatus,
  type PaidOut,
  WalletError,
} from "../../wallet.ts";
import type { HttpAnswer, WalletHttp } from "../wallet_http.ts";
import { btcOfMsat, read } from "./answers.ts";

const LIGHTNING = "BTC-LN";
/** How often it is looked whether BTCPay has paid. */
const LOOK_MS = 1_000;

const pullPayment = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/), name: z.string().nullish() });
const pullPayments = z.array(pullPayment);

const payout = z.object({
  destination: z.string().nullish(),
  state: z.enum(["AwaitingApproval", "AwaitingPayment", "InProgress", "Completed", "Cancelled"]),
  paymentProof: z.record(z.string(), z.unknown()).nullish(),
});
const payouts = z.array(payout);
type Payout = z.infer<typeof payout>;

export interface PayoutsOptions {
  http: WalletHttp;
  clock: Clock;
  /** For people, as in "BTCPay at host". */
  name: string;
  store: string;
}

/**
 * Pays by BTCPay's pull payments: one is made for each payment, of just its amount, and claimed by the invoice at once. What
 * pays it is the store's payout processor, or a person; until then it is under way.
 */
export class BtcpayPayouts {
  readonly #o: PayoutsOptions;

  constructor(options: PayoutsOptions) {
    this.#o = options;
  }

  /** Waits for the proof as long as `signal` lets it. Asked again for the same invoice, it pays nothing a second time. */
  async pay(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
    const { name, clock } = this.#o;
    const id = await certain(this.#pullPayment(payment, signal));
    let one = await certain(this.#claimed(id, payment.bolt11, signal)) ??
      await this.#claim(id, payment, signal);
    for (;;) {
      if (one.state === "Cancelled") {
        throw new WalletError("refused", `${name}: the payout was cancelled there`);
      }
      const preimage = one.state === "Completed" ? preimageOf(one) : null;
      if (preimage !== null) return { preimage, feeMsat: null };
      await clock.sleep(LOOK_MS, signal);
      if (signal.aborted) throw new WalletError("no_answer", `${name}: the payout is ${one.state} there`);
      one = await this.#claimed(id, payment.bolt11, signal).catch(open) ?? one;
    }
  }

  async lookup({ paymentHash, bolt11 }: OutgoingRef, signal: AbortSignal): Promise<OutgoingStatus> {
    const id = await this.#known(paymentHash, signal);
    const one = id === null ? null : await this.#claimed(id, bolt11, signal);
    switch (one?.state) {
      case undefined:
        return { status: "not_found" };
      case "Completed":
        return { status: "settled", preimage: preimageOf(one!), feeMsat: null };
      case "Cancelled":
        return { status: "failed" };
      default:
        return { status: "pending" };
    }
  }

  async #pullPayment({ paymentHash, amountMsat }: OutgoingPayment, signal: AbortSignal): Promise<string> {
    const known = await this.#known(paymentHash, signal);
    if (known !== null) return known;
    const json = {
      name: nameOf(paymentHash),
      amount: btcOfMsat(amountMsat),
      currency: "BTC",
      autoApproveClaims: true,
      payoutMethods: [LIGHTNING],
      // Days that an invoice must have left: the default of a month refuses most.
      BOLT11Expiration: 0,
    };
    const path = `api/v1/stores/${this.#o.store}/pull-payments`;
    const answer = await this.#o.http.ask("POST", path, { json }, signal);
    return read(pullPayment, this.#good(answer), "a pull payment").id;
  }

  async #claim(id: string, { bolt11, amountMsat }: OutgoingPayment, signal: AbortSignal): Promise<Payout> {
    const json = { destination: bolt11, amount: btcOfMsat(amountMsat), payoutMethodId: LIGHTNING };
    const path = `api/v1/pull-payments/${id}/payouts`;
    const answer = await this.#o.http.ask("POST", path, { json, moves: true }, signal);
    // Somebody claimed it since we looked.
    if ((answer.body as { code?: unknown } | null)?.code === "duplicate-destination") {
      throw new WalletError("no_answer", `${this.#o.name}: this invoice has a payout there already`);
    }
    return read(payout, this.#good(answer), "a payout");
  }

  /** The pull payment that was made for a payment before. */
  async #known(paymentHash: string, signal: AbortSignal): Promise<string | null> {
    const path = `api/v1/stores/${this.#o.store}/pull-payments`;
    const answer = await this.#o.http.ask("GET", path, { query: { includeArchived: "true" } }, signal);
    const all = read(pullPayments, this.#good(answer), "a list of pull payments");
    return all.find(({ name }) => name === nameOf(paymentHash))?.id ?? null;
  }

  async #claimed(id: string, bolt11: string, signal: AbortSignal): Promise<Payout | null> {
    const path = `api/v1/pull-payments/${id}/payouts`;
    const answer = await this.#o.http.ask("GET", path, { query: { includeCancelled: "true" } }, signal);
    const all = read(payouts, this.#good(answer), "a list of payouts");
    return all.find(({ destination }) => destination?.toLowerCase() === bolt11.toLowerCase()) ?? null;
  }

  #good({ status, body }: HttpAnswer): unknown {
    if (status === 200) return body;
    const [first] = Array.isArray(body) ? body : [body];
    const message = String((first as { message?: unknown } | null)?.message ?? "").slice(0, 200);
    throw new WalletError("refused", `${this.#o.name}: ${message || `it said no (HTTP ${status})`}`);
  }
}

/** Up to 50 characters. */
function nameOf(paymentHash: string): string {
  return `Refund ${paymentHash.slice(0, 40)}`;
}

/** The proof that a payout over Lightning carries; null for one that a person marked as paid. */
function preimageOf({ paymentProof }: Payout): string | null {
  const [, preimage] = Object.entries(paymentProof ?? {}).find(([name]) => /^preimage$/i.test(name)) ?? [];
  return typeof preimage === "string" && /^[0-9a-f]{64}$/i.test(preimage) ? preimage.toLowerCase() : null;
}

/** Nothing was claimed yet, so whatever became of the question, nothing is paid. */
async function certain<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch (error) {
    const open = error instanceof WalletError && (error.kind === "no_answer" || error.kind === "bad_answer");
    throw open ? new WalletError("busy", error.message) : error;
  }
}

/** It was claimed: a look that fails says nothing. */
function open(error: unknown): null {
  if (error instanceof WalletError) return null;
  throw error;
}
