import { decodeBolt11 } from "../../bolt11.ts";
import { type Network, WalletError, type WalletInfo } from "../../wallet.ts";
import type { LndApi } from "./lnd_api.ts";
import { readPage } from "./lnd_invoice.ts";
import { canSpend, permissionsOf } from "./macaroon.ts";
import { z } from "zod";

const getinfo = z.object({
  alias: z.string().default(""),
  chains: z.array(z.object({ network: z.string().default("") })).default([]),
});

/** LND's names; it has a second testnet, whose invoices look like the first one's. */
const NETWORKS: Record<string, Network> = {
  mainnet: "bc",
  testnet: "tb",
  testnet4: "tb",
  signet: "tbs",
  regtest: "bcrt",
};
const LONGEST_ALIAS = 100;

/** `/v1/getinfo`. A macaroon that is only for invoices may not ask that: then the newest invoice says the network. */
export async function probeLnd(
  api: LndApi,
  macaroon: Uint8Array,
  signal: AbortSignal,
): Promise<WalletInfo> {
  const methods = (permissionsOf(macaroon) ?? []).map(({ entity, action }) => `${entity}:${action}`);
  const said = { methods, canSpend: canSpend(macaroon) };
  try {
    const read = getinfo.safeParse(await api.ask("GET", "v1/getinfo", {}, signal));
    if (!read.success) throw new WalletError("bad_answer", "LND doesn't say who it is");
    const { alias, chains } = read.data;
    return {
      ...said,
      network: NETWORKS[chains[0]?.network ?? ""] ?? null,
      alias: alias.slice(0, LONGEST_ALIAS) || null,
    };
  } catch (error) {
    if (!(error instanceof WalletError) || error.kind !== "unauthorized") throw error;
  }
  const query = { reversed: "true", num_max_invoices: "1" };
  const { invoices } = readPage(await api.ask("GET", "v1/invoices", { query }, signal));
  const decoded = decodeBolt11(invoices[0]?.payment_request ?? "");
  return { ...said, network: decoded.ok ? decoded.invoice.network : null, alias: null };
}
