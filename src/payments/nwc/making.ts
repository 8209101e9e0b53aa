import { descriptionHash } from "../lnurl.ts";
import { type CreatedInvoice, type InvoiceRequest, WalletError } from "../wallet.ts";
import type { NwcAsking } from "./asking.ts";

type Result = Record<string, unknown>;

/** `make_invoice`, or with `extra` the method that takes more. Amounts are msat (NIP-47). */
export async function makeInvoice(
  wallet: NwcAsking,
  request: InvoiceRequest,
  signal: AbortSignal,
  method = "make_invoice",
  extra: Result = {},
): Promise<CreatedInvoice> {
  const params = {
    amount: Number(request.amountMsat),
    description: request.description,
    ...(request.hashedText !== undefined && { description_hash: descriptionHash(request.hashedText) }),
    expiry: request.expirySeconds,
    ...extra,
  };
  const onLate = (result: Result) => {
    const created = createdOf(result);
    if (created) request.onLate?.(created);
  };
  const created = createdOf(await wallet.ask(method, params, signal, { onLate }));
  if (!created) throw new WalletError("bad_answer", `the wallet's answer to ${method} has no invoice`);
  return created;
}

function createdOf(result: Result): CreatedInvoice | null {
  const { invoice, payment_hash: hash } = result;
  if (typeof invoice !== "string" || invoice === "") return null;
  return {
    bolt11: invoice.replace(/^lightning:/i, ""),
    paymentHash: typeof hash === "string" && hash !== "" ? hash : null,
  };
}
