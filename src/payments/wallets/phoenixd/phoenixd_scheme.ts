import type { WalletScheme } from "../scheme.ts";
import { maskWalletAddress, readWalletAddress } from "../wallet_address.ts";
import { PhoenixdWallet } from "./phoenixd_wallet.ts";

/** `phoenixd+http://:password@host:9740`: a phoenixd server. Its limited-access password is enough to be paid. */
export const phoenixdScheme: WalletScheme = {
  kind: "phoenixd",
  schemes: ["phoenixd+http", "phoenixd+https"],
  example: "phoenixd+http://:<limited-access password>@host:9740 (phoenixd)",
  tried: "never",
  read(url) {
    const read = readWalletAddress(url, { params: ["webhook_secret"] });
    if (!read.ok) return read;
    const { base, password, params } = read.address;
    if (password === "") {
      return {
        ok: false,
        reason: "it lacks the password: //:<http-password-limited-access of phoenix.conf>@host:9740",
      };
    }
    const webhookSecret = params.get("webhook_secret") || null;
    return { ok: true, open: (deps) => new PhoenixdWallet({ ...deps, base, password, webhookSecret }) };
  },
  mask: (url) => maskWalletAddress(url),
};
