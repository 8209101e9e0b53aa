import { readCertificate } from "../encoded.ts";
import type { WalletScheme } from "../scheme.ts";
import { maskWalletAddress, readWalletAddress } from "../wallet_address.ts";
import { ClnWallet } from "./cln_wallet.ts";

/** `cln+https://host:3010?rune=…[&cert=…][&private=1]`: Core Lightning's plugin clnrest. */
export const clnScheme: WalletScheme = {
  kind: "cln",
  schemes: ["cln+https", "cln+http"],
  example: "cln+https://host:3010?rune=…&cert=…",
  tried: "never",
  read(url) {
    const read = readWalletAddress(url, { params: ["rune", "cert", "private"] });
    if (!read.ok) return read;
    const { base, user, password, params } = read.address;
    const refuse = (reason: string) => ({ ok: false as const, reason });
    if (user !== "" || password !== "") {
      return refuse("Core Lightning knows no user and password; give a rune");
    }
    const rune = params.get("rune")?.trim() ?? "";
    if (!/^[A-Za-z0-9_-]{40,}={0,2}$/.test(rune)) return refuse("it needs rune=, as createrune gives it");
    const given = params.get("cert");
    const caCert = given === null ? undefined : readCertificate(given);
    if (caCert === null) return refuse("its cert isn't the base64url of a certificate (ca.pem)");
    const privateHints = ["1", "true"].includes(params.get("private") ?? "");
    return {
      ok: true,
      open: (deps) =>
        new ClnWallet({
          ...deps,
          base,
          rune,
          privateHints,
          ...(caCert !== undefined && { caCert }),
          cursors: deps.cursors ?? null,
        }),
    };
  },
  mask: (url) => maskWalletAddress(url, ["private"]),
};
