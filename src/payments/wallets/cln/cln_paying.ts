import { z } from "zod";
import {
  type OutgoingPayment,
  type OutgoingRef,
  type OutgoingStatus,
  type PaidOut,
  WalletError,
} from "../../wallet.ts";
import { type ClnApi, ClnError } from "./cln_api.ts";
import { msat } from "./cln_invoice.ts";

/** How long it looks for a way (s); less than the minute that it is waited for, so that it says itself how it ended. */
const TRIES_SECONDS = 45;

const preimage = z.string().regex(/^[0-9a-f]{64}$/i).transform((text) => text.toLowerCase());
const made = z.object({
  payment_preimage: preimage,
  amount_msat: msat.optional(),
  amount_sent_msat: msat.optional(),
  /** Only `pay` says it. */
  status: z.string().default("complete"),
});
const pays = z.object({
  pays: z.array(z.object({
    status: z.enum(["pending", "complete", "failed"]),
    preimage: preimage.optional(),
    amount_msat: msat.optional(),
    amount_sent_msat: msat.optional(),
  })),
});

/** `xpay`, or `pay` where that isn't known or allowed. */
export async function pay(api: ClnApi, asked: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
  const { bolt11, amountMsat, amountless, maxFeeMsat } = asked;
  const common = {
    ...(amountless && { amount_msat: Number(amountMsat) }),
    maxfee: Number(maxFeeMsat),
    retry_for: TRIES_SECONDS,
  };
  let said: WalletError;
  try {
    const body = await call(
      api,
      [["xpay", { invstring: bolt11, ...common }], ["pay", { bolt11, ...common }]],
      signal,
    );
    const read = made.safeParse(body);
    if (read.success && read.data.status === "complete") {
      return { preimage: read.data.payment_preimage, feeMsat: feeOf(read.data) };
    }
    said = new WalletError("no_answer", "Core Lightning didn't say how the payment ended");
  } catch (error) {
    // Anything else than its own refusal says by itself whether the payment may have begun.
    if (!(error instanceof ClnError) || certainlyNothing(error)) throw error;
    said = error;
  }
  // Core Lightning: `xpay` may give up while parts are under way, and even when they have arrived. Its books know.
  const known = await lookup(api, asked, signal).catch(() => null);
  if (known?.status === "settled" && known.preimage !== null) {
    return { preimage: known.preimage, feeMsat: known.feeMsat };
  }
  if (known?.status === "failed" || known?.status === "not_found") {
    throw new WalletError("refused", said.message);
  }
  throw new WalletError("no_answer", said.message);
}

/** `listpays`: every try of this payment. */
export async function lookup(
  api: ClnApi,
  { paymentHash }: Pick<OutgoingRef, "paymentHash">,
  signal: AbortSignal,
): Promise<OutgoingStatus> {
  const read = pays.safeParse(await api.call("listpays", { payment_hash: paymentHash }, signal));
  if (!read.success) throw new WalletError("bad_answer", "Core Lightning's answer is no list of payments");
  const tries = read.data.pays;
  const complete = tries.find(({ status }) => status === "complete");
  if (complete) return { status: "settled", preimage: complete.preimage ?? null, feeMsat: feeOf(complete) };
  if (tries.length === 0) return { status: "not_found" };
  return { status: tries.some(({ status }) => status === "pending") ? "pending" : "failed" };
}

/** The first of the commands that is known and allowed. */
async function call(
  api: ClnApi,
  [first, ...others]: [string, Record<string, unknown>][],
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await api.call(...first!, signal, { moves: true });
  } catch (error) {
    if (others.length === 0 || !(error instanceof ClnError) || !certainlyNothing(error)) throw error;
    return await call(api, others, signal);
  }
}

/** It wasn't let in, or there is no such command. */
function certainlyNothing({ kind }: ClnError): boolean {
  return kind === "unauthorized" || kind === "not_implemented" || kind === "busy";
}

function feeOf(
  o: { amount_msat?: bigint | undefined; amount_sent_msat?: bigint | undefined },
): bigint | null {
  const { amount_msat: amount, amount_sent_msat: sent } = o;
  return amount === undefined || sent === undefined || sent < amount ? null : sent - amount;
}
