import { z } from "zod";
import {
  type OutgoingPayment,
  type OutgoingRef,
  type OutgoingStatus,
  type PaidOut,
  WalletError,
} from "../../wallet.ts";
import { CODE, type LndApi, LndError } from "./lnd_api.ts";

/** How long LND looks for a way (s); less than the minute that it is waited for, so that it says itself how it ended. */
const TRIES_SECONDS = 45;
/** Into how many parts LND may split it; left out it wouldn't at all. */
const MOST_PARTS = 16;

const payment = z.object({
  payment_hash: z.string().transform((hash) => hash.toLowerCase()),
  status: z.string(),
  payment_preimage: z.string().default(""),
  fee_msat: z.union([z.string().regex(/^\d{1,19}$/), z.number().int().nonnegative()]).default("0"),
  failure_reason: z.string().default(""),
});

/** `/v2/router/send`: pays, and says how it ended. */
export async function pay(api: LndApi, asked: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
  let said: WalletError;
  try {
    const json = {
      payment_request: asked.bolt11,
      ...(asked.amountless && { amt_msat: String(asked.amountMsat) }),
      fee_limit_msat: String(asked.maxFeeMsat),
      timeout_seconds: TRIES_SECONDS,
      max_parts: MOST_PARTS,
      no_inflight_updates: true,
    };
    for await (const update of api.stream("POST", "v2/router/send", { json, moves: true }, signal)) {
      const now = statusOf(update, asked.paymentHash);
      if (now.status === "settled") return paid(now);
      // LND: this is its last word, and no part is under way any more.
      if (now.status === "failed") throw new WalletError("refused", failure(update));
    }
    said = new WalletError("no_answer", "LND didn't say how the payment ended");
  } catch (error) {
    if (!(error instanceof WalletError)) throw new WalletError("no_answer", "LND's answer broke off");
    // Neither was it LND's word on a payment, nor does anything else say that none has begun.
    if (!(error instanceof LndError) || error.kind === "unauthorized") throw error;
    said = error;
  }
  // It was asked before, or what it said may be about a payment that has begun all the same: its books know.
  const known = await lookup(api, asked, signal).catch(() => null);
  if (known?.status === "settled") return paid(known);
  if (known?.status === "failed" || known?.status === "not_found") {
    throw new WalletError("refused", said.message);
  }
  throw new WalletError("no_answer", said.message);
}

/** `/v2/router/track/{hash}`: the first message says where it stands. */
export async function lookup(
  api: LndApi,
  { paymentHash }: Pick<OutgoingRef, "paymentHash">,
  signal: AbortSignal,
): Promise<OutgoingStatus> {
  // LND: bytes in a path are base64url.
  const hash = Uint8Array.fromHex(paymentHash).toBase64({ alphabet: "base64url" });
  try {
    for await (const update of api.stream("GET", `v2/router/track/${hash}`, {}, signal)) {
      return statusOf(update, paymentHash);
    }
  } catch (error) {
    if (error instanceof LndError && error.code === CODE.notFound) return { status: "not_found" };
    if (error instanceof WalletError) throw error;
    throw new WalletError("no_answer", "LND's answer broke off");
  }
  throw new WalletError("bad_answer", "LND says nothing of the payment");
}

function statusOf(update: unknown, paymentHash: string): OutgoingStatus {
  const read = payment.safeParse(update);
  if (!read.success || read.data.payment_hash !== paymentHash) {
    throw new WalletError("bad_answer", "LND's answer isn't about this payment");
  }
  const { status, payment_preimage: preimage, fee_msat } = read.data;
  if (status === "SUCCEEDED") {
    const shown = /^[0-9a-f]{64}$/i.test(preimage);
    return { status: "settled", preimage: shown ? preimage.toLowerCase() : null, feeMsat: BigInt(fee_msat) };
  }
  return { status: status === "FAILED" ? "failed" : "pending" };
}

function paid(settled: OutgoingStatus & { status: "settled" }): PaidOut {
  if (settled.preimage === null) {
    throw new WalletError("bad_answer", "LND says that it has paid, without a proof");
  }
  return { preimage: settled.preimage, feeMsat: settled.feeMsat };
}

/** LND's reasons are names as `FAILURE_REASON_NO_ROUTE`. */
function failure(update: unknown): string {
  const reason = payment.safeParse(update).data?.failure_reason ?? "";
  const words = /^FAILURE_REASON_([A-Z_]{1,60})$/.exec(reason)?.[1]?.toLowerCase().replaceAll("_", " ");
  return `LND couldn't pay: ${words ?? "it gives no reason"}`;
}
