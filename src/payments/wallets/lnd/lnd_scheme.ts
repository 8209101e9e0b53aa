import { readBytes, readCertificate } from "../encoded.ts";
import type { WalletScheme } from "../scheme.ts";
import { maskWalletAddress, readWalletAddress } from "../wallet_address.ts";
import { LndWallet } from "./lnd_wallet.ts";

/** The port of LND's gRPC interface, which links of phones' wallets often name. */
const GRPC_PORT = "10009";

/** `lnd+https://host:8080?macaroon=…[&cert=…][&private=1]`, LND's REST interface; `lndconnect://…` is the same. */
export const lndScheme: WalletScheme = {
  kind: "lnd",
  schemes: ["lnd+https", "lnd+http", "lndconnect"],
  example: "lnd+https://host:8080?macaroon=…&cert=…",
  tried: "real",
  read(url) {
    const read = readWalletAddress(named(url), { params: ["macaroon", "cert", "private"] });
    if (!read.ok) return read;
    const { base, user, password, params } = read.address;
    const refuse = (reason: string) => ({ ok: false as const, reason });
    if (user !== "" || password !== "") return refuse("LND knows no user and password; give a macaroon");
    if (base.port === GRPC_PORT) {
      return refuse(
        `${GRPC_PORT} is the port of LND's gRPC interface; the REST interface is needed, usually at 8080`,
      );
    }
    const macaroon = readBytes(params.get("macaroon") ?? "");
    if (macaroon === null) {
      return refuse("it needs macaroon=, in hex or base64url (invoice.macaroon is enough to receive)");
    }
    const given = params.get("cert");
    const caCert = given === null ? undefined : readCertificate(given);
    if (caCert === null) return refuse("its cert isn't the base64url of a certificate (tls.cert)");
    const privateHints = ["1", "true"].includes(params.get("private") ?? "");
    return {
      ok: true,
      open: (deps) =>
        new LndWallet({
          ...deps,
          base,
          macaroon,
          privateHints,
          ...(caCert !== undefined && { caCert }),
          cursors: deps.cursors ?? null,
        }),
    };
  },
  mask: (url) => maskWalletAddress(named(url), ["private"]),
};

/** A link of the `lndconnect` form says the same under another name, and always means https. */
function named(url: string): string {
  return url.trim().replace(/^lndconnect:/i, "lnd+https:");
}
