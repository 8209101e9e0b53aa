import { type Network, WalletError, type WalletInfo } from "../wallet.ts";
import type { NwcAsking } from "./asking.ts";

/** NIP-47 says mainnet, testnet, signet, regtest; the others are seen, too. */
const NETWORKS: Record<string, Network> = {
  mainnet: "bc",
  bitcoin: "bc",
  testnet: "tb",
  signet: "tbs",
  mutinynet: "tbs",
  regtest: "bcrt",
};

/** What a connection is for. Throws a WalletError `not_implemented` when invoices can't be made or looked up by it. */
export async function probeConnection(wallet: NwcAsking, signal: AbortSignal): Promise<WalletInfo> {
  const methods = [...await wallet.methods(signal)];
  if (!methods.includes("make_invoice")) {
    throw new WalletError("not_implemented", "the wallet connection doesn't allow make_invoice");
  }
  if (!methods.includes("lookup_invoice") && !methods.includes("list_transactions")) {
    throw new WalletError(
      "not_implemented",
      "the wallet connection allows neither lookup_invoice nor list_transactions",
    );
  }
  const canSpend = methods.some((method) => /^(multi_)?pay_/.test(method));
  if (!methods.includes("get_info")) return { network: null, alias: null, methods, canSpend };
  const info = await wallet.ask("get_info", {}, signal);
  return {
    network: typeof info.network === "string" ? NETWORKS[info.network.toLowerCase()] ?? null : null,
    alias: typeof info.alias === "string" ? info.alias.slice(0, 100) : null,
    methods,
    canSpend,
  };
}
