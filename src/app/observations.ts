import type { Observation } from "../notifications/conditions_watcher.ts";
import { checkRelay, checkSigner } from "./health.ts";
import type { WaitingRefunds } from "../payments/refunds_store.ts";
import type { ServedMerchant } from "./served_merchant.ts";
import { checkSpend } from "./spend_check.ts";

/** How the merchants' wallets, remote signers and relays are, for who watches what is away; `waiting`: refunds, by merchant. */
export function observations(
  merchants: readonly ServedMerchant[],
  waiting: ReadonlyMap<string, WaitingRefunds> = new Map(),
): Observation[] {
  return merchants.flatMap((merchant) => [
    ...walletOf(merchant),
    ...spendOf(merchant, waiting.get(merchant.pubkey)),
    ...signerOf(merchant),
    ...relaysOf(merchant),
  ]);
}

function walletOf({ pubkey, wallet }: ServedMerchant): Observation[] {
  if (wallet === null) return [];
  return [{
    merchant: pubkey,
    name: "wallet",
    up: wallet.up,
    detail: wallet.up === false ? wallet.error ?? "no answer" : wallet.describe(),
    kinds: { down: "wallet_down", up: "wallet_up" },
  }];
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
