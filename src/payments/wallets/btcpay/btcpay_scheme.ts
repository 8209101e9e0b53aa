import type { Network } from "../../wallet.ts";
import type { WalletScheme } from "../scheme.ts";
import { maskWalletAddress, readWalletAddress } from "../wallet_address.ts";
import { BtcpayWallet } from "./btcpay_wallet.ts";

const NETWORKS: Record<string, Network> = { mainnet: "bc", testnet: "tb", signet: "tbs", regtest: "bcrt" };

/**
 * `btcpay+https://host/?store=…&key=…[&webhook_secret=…][&network=…]`: a store of a BTCPay Server, by its Greenfield API. With
 * `&refunds=pull-payments` it can pay as well.
 */
export const btcpayScheme: WalletScheme = {
  kind: "btcpay",
  schemes: ["btcpay+https", "btcpay+http"],
  example: "btcpay+https://host/?store=…&key=… (BTCPay Server)",
  tried: "never",
  read(url) {
    const read = readWalletAddress(url, { params: ["store", "key", "webhook_secret", "network", "refunds"] });
    if (!read.ok) return read;
    const { base, params, user, password } = read.address;
    const [store, key] = [params.get("store") ?? "", params.get("key") ?? ""];
    const refuse = (reason: string) => ({ ok: false as const, reason });
    if (user !== "" || password !== "") return refuse("the key belongs into ?key=…, not before the host");
    if (!/^[A-Za-z0-9]{1,100}$/.test(store)) {
      return refuse("it needs ?store=…, the store's id (Settings, General)");
    }
    if (!/^[\x21-\x7e]{8,200}$/.test(key)) return refuse("it needs &key=…, an API key (Account, API keys)");
    const network = NETWORKS[params.get("network") ?? "mainnet"];
    if (network === undefined) {
      return refuse(`its network must be one of ${Object.keys(NETWORKS).join(", ")}`);
    }
    const refunds = params.get("refunds");
    if (refunds !== null && refunds !== "pull-payments") {
      return refuse("its refunds can only be pull-payments");
    }
    const pays = refunds !== null;
    const webhookSecret = params.get("webhook_secret") || null;
    return {
      ok: true,
      open: ({ clock, log }) =>
        new BtcpayWallet({ clock, log, base, store, key, webhookSecret, network, pays }),
    };
  },
  mask: (url) => maskWalletAddress(url, ["store", "network", "refunds"]),
};
