import type { Network } from "../../wallet.ts";
import type { WalletScheme } from "../scheme.ts";
import { maskWalletAddress, readWalletAddress } from "../wallet_address.ts";
import { LnbitsWallet } from "./lnbits_wallet.ts";

const NETWORKS = new Map<string, Network>([
  ["mainnet", "bc"],
  ["testnet", "tb"],
  ["signet", "tbs"],
  ["regtest", "bcrt"],
]);
/** Keys go into a header and a path. */
const KEY = /^[\x21-\x7e]+$/;

/** `lnbits+https://host/?key=…`: a wallet of an LNbits server, by its invoice key; with `admin_key` it pays, too. */
export const lnbitsScheme: WalletScheme = {
  kind: "lnbits",
  schemes: ["lnbits+https", "lnbits+http"],
  example: "lnbits+https://host/?key=<invoice key> (LNbits)",
  tried: "real",
  read(url) {
    const read = readWalletAddress(url, { params: ["key", "admin_key", "network"] });
    if (!read.ok) return read;
    const { base, params } = read.address;
    const key = params.get("key") ?? "";
    const adminKey = params.get("admin_key");
    if (!KEY.test(key)) {
      return {
        ok: false,
        reason: "it lacks key=<the wallet's invoice key>, as LNbits shows it under API docs",
      };
    }
    if (adminKey !== null && !KEY.test(adminKey)) {
      return { ok: false, reason: "its admin_key is empty or no key" };
    }
    const network = NETWORKS.get(params.get("network") ?? "mainnet");
    if (network === undefined) {
      return { ok: false, reason: `its network isn't one of ${[...NETWORKS.keys()].join(", ")}` };
    }
    return { ok: true, open: (deps) => new LnbitsWallet({ ...deps, base, key, adminKey, network }) };
  },
  mask: (url) => maskWalletAddress(url, ["network"]),
};
