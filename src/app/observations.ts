import type { Observation } from "../notifications/conditions_watcher.ts";
import type { OnChain } from "../payments/chain/on_chain.ts";
import { checkBtc } from "./btc.ts";
import { checkRelay, checkSigner } from "./health.ts";
import type { MedusaBridge } from "./medusa.ts";
import type { WaitingRefunds } from "../payments/refunds_store.ts";
import { FIRST_WALLET, type ServedMerchant } from "./served_merchant.ts";
import type { ShopRates } from "./shop_rates.ts";
import { checkSpend } from "./spend_check.ts";

/** How the merchants' wallets, remote signers, relays and rates are, for who watches what is away; `waiting`: refunds, by merchant. */
export function observations(
  merchants: readonly ServedMerchant[],
  waiting: ReadonlyMap<string, WaitingRefunds> = new Map(),
  rates: Pick<ShopRates, "state"> = { state: () => null },
): Observation[] {
  return merchants.flatMap((merchant) => [
    ...walletsOf(merchant),
    ...spendOf(merchant, waiting.get(merchant.pubkey)),
    ...signerOf(merchant),
    ...relaysOf(merchant),
    ...ratesOf(merchant, rates),
  ]);
}

/** The servers that watch the chain, and what keeps addresses from being offered. */
export function btcObservation(btc: OnChain | null, merchant: string | null): Observation[] {
  const check = checkBtc(btc);
  if (btc === null || check === null || merchant === null) return [];
  const up = btc.watcher.up === null ? null : check.ok;
  const { detail } = check;
  return [{ merchant, name: "btc", up, detail, kinds: { down: "btc_down", up: "btc_up" } }];
}

/** What keeps anything from being sold through Medusa. */
export async function medusaObservation(medusa: MedusaBridge | null): Promise<Observation[]> {
  const merchant = medusa?.merchant() ?? null;
  if (medusa === null || merchant === null) return [];
  const { up, detail } = await medusa.look();
  return [{ merchant, name: "medusa", up, detail, kinds: { down: "medusa_down", up: "medusa_up" } }];
}

function ratesOf({ pubkey }: ServedMerchant, rates: Pick<ShopRates, "state">): Observation[] {
  const state = rates.state(pubkey);
  if (state === null) return [];
  const { ok: up, detail } = state;
  return [{ merchant: pubkey, name: "rates", up, detail, kinds: { down: "rates_down", up: "rates_up" } }];
}

function walletsOf({ pubkey, receiving }: ServedMerchant): Observation[] {
  return receiving.map(({ name, wallet }) => ({
    merchant: pubkey,
    name: name === FIRST_WALLET ? "wallet" : `wallet ${name}`,
    up: wallet.up,
    detail: wallet.up === false ? wallet.error ?? "no answer" : wallet.describe(),
    kinds: { down: "wallet_down", up: "wallet_up" },
  }));
}

function spendOf(merchant: ServedMerchant, waiting: WaitingRefunds | undefined): Observation[] {
  const check = checkSpend(merchant, waiting);
  if (check === null) return [];
  return [{
    merchant: merchant.pubkey,
    name: "refund wallet",
    up: check.ok,
    detail: check.detail,
    kinds: { down: "refund_wallet_down", up: "refund_wallet_up" },
  }];
}

function signerOf({ pubkey, remote }: ServedMerchant): Observation[] {
  const status = remote?.status();
  if (!status) return [];
  const { ok, detail } = checkSigner(status);
  return [{
    merchant: pubkey,
    name: "signer",
    up: status.state === "unknown" ? null : ok,
    detail,
    kinds: { down: "signer_down", up: "signer_up" },
  }];
}

function relaysOf(merchant: ServedMerchant): Observation[] {
  return merchant.relayStatus().map((relay) => {
    const { ok, detail } = checkRelay(relay);
    return {
      merchant: merchant.pubkey,
      name: `relay ${relay.url}`,
      up: ok,
      detail: ok ? relay.url : `${relay.url}: ${detail}`,
      kinds: { down: "relay_down", up: "relay_up" },
    };
  });
}
