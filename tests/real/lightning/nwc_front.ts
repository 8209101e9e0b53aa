import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type InvoiceRequest, type InvoiceStatus, WalletError } from "../../../src/payments/wallet.ts";
import { type Request, ScriptedWallet } from "../../payments/nwc/scripted_wallet.ts";
import type { ElectrumWallet } from "./electrum_wallet.ts";

type Body = Record<string, unknown>;

const METHODS =
  "get_info make_invoice lookup_invoice make_hold_invoice settle_hold_invoice cancel_hold_invoice";
const STATES: Record<Exclude<InvoiceStatus["status"], "not_found">, string> = {
  open: "pending",
  held: "accepted",
  settled: "settled",
  expired: "expired",
  cancelled: "failed",
};
const forEver = new AbortController().signal;

/**
 * NIP-47 with hold invoices before a real node: Electrum's own service hasn't these methods, its JSON-RPC has. It tells of no
 * payment by itself.
 */
export async function serveNwcFront(relay: string, wallet: ElectrumWallet): Promise<ScriptedWallet> {
  const service = new ScriptedWallet(relay);
  const bolt11s = new Map<string, string>();
  service.answer = async ({ method, params }) => {
    try {
      return { result_type: method, result: await answer(wallet, bolt11s, { method, params }) };
    } catch (error) {
      if (!(error instanceof WalletError)) throw error;
      return { result_type: method, error: { code: "OTHER", message: error.message } };
    }
  };
  await service.serve({ methods: METHODS, encryption: "nip44_v2" });
  return service;
}

async function answer(
  wallet: ElectrumWallet,
  bolt11s: Map<string, string>,
  { method, params }: Pick<Request, "method" | "params">,
): Promise<Body> {
  const paymentHash = String(params.payment_hash);
  switch (method) {
    case "get_info":
      return { network: "regtest", alias: "front", block_height: await wallet.height() };
    case "make_invoice":
      return made(bolt11s, (await wallet.createInvoice(asked(params))).bolt11);
    case "make_hold_invoice":
      return made(
        bolt11s,
        (await wallet.hold.create({ ...asked(params), paymentHash }, forEver)).bolt11,
      );
    case "settle_hold_invoice":
      await wallet.hold.settle(String(params.preimage), forEver);
      return {};
    case "cancel_hold_invoice":
      await wallet.hold.cancel(paymentHash, forEver);
      return {};
    case "lookup_invoice":
      return await found(wallet, bolt11s.get(paymentHash) ?? "", paymentHash);
    default:
      throw new WalletError("not_implemented", method);
  }
}

async function found(wallet: ElectrumWallet, bolt11: string, paymentHash: string): Promise<Body> {
  const status = await wallet.lookup({ paymentHash, bolt11, createdAt: 0 });
  if (status.status === "not_found") throw new WalletError("refused", "no such invoice");
  const body = { type: "incoming", invoice: bolt11, payment_hash: paymentHash, state: STATES[status.status] };
  if (status.status === "settled") {
    return { ...body, amount: Number(status.amountMsat), settled_at: Math.floor(status.settledAt / 1000) };
  }
  return body;
}

function asked({ amount, description, expiry }: Body): InvoiceRequest {
  return {
    amountMsat: BigInt(Number(amount)),
    description: String(description),
    expirySeconds: Number(expiry),
    externalId: "",
  };
}

function made(bolt11s: Map<string, string>, bolt11: string): Body {
  const read = decodeBolt11(bolt11);
  if (!read.ok) throw new Error(read.reason);
  bolt11s.set(read.invoice.paymentHash, bolt11);
  return { type: "incoming", invoice: bolt11, payment_hash: read.invoice.paymentHash };
}
