import type { WalletScheme } from "../wallets/scheme.ts";
import { NwcWallet } from "./nwc_wallet.ts";
import { parseNwcUri } from "./uri.ts";

/** NIP-47: `nostr+walletconnect://…`, Nostr Wallet Connect. */
export const nwcScheme: WalletScheme = {
  kind: "nwc",
  schemes: ["nostr+walletconnect", "nostrwalletconnect"],
  example: "nostr+walletconnect://… (Nostr Wallet Connect)",
  tried: "real",
  read(url) {
    const read = parseNwcUri(url);
    if (!read.ok) return read;
    const { uri } = read;
    return {
      ok: true,
      open: (deps) => {
        const signer = deps.signer(uri.secret);
        return new NwcWallet({ ...deps, uri, signer, pool: deps.pool(signer) });
      },
    };
  },
  mask(url) {
    const scheme = url.trim().split(":", 1)[0]!.toLowerCase();
    const read = parseNwcUri(url);
    if (!read.ok) return `${scheme}:***`;
    const { walletPubkey, relays } = read.uri;
    return `${scheme}://${walletPubkey.slice(0, 8)}…?relay=${relays.join("&relay=")}&secret=***`;
  },
};
