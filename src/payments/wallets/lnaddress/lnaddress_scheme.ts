import { GuardedFetch } from "../../../web/guarded_fetch.ts";
import type { ReadWalletUrl, WalletScheme } from "../scheme.ts";
import { type LightningAddress, readLightningAddress } from "./address.ts";
import { LnAddressWallet } from "./lnaddress_wallet.ts";
import { ZapReceipts } from "./zap.ts";

const PARAMS = {
  verify: {
    values: ["site", "any"],
    meaning: "whose word on payments is taken (site: only of the address's own people)",
  },
  zap: { values: ["0", "1"], meaning: "whether public zap receipts count where there is no verify" },
};

/** `lnaddress:me@host`, a Lightning address. Nothing of it is secret. */
export const lnAddressScheme: WalletScheme = {
  kind: "lnaddress",
  schemes: ["lnaddress"],
  example: "lnaddress:me@host (a Lightning address with LUD-21 verify)",
  tried: "never",
  read(url): ReadWalletUrl {
    const read = parse(url);
    if (!read.ok) return read;
    const { address, anyVerify, zap } = read;
    return {
      ok: true,
      open: (deps) =>
        new LnAddressWallet({
          ...deps,
          web: deps.web ?? new GuardedFetch(),
          address,
          anyVerify,
          zaps: zap ? new ZapReceipts({ ...deps, relays: deps.relays ?? [] }) : null,
        }),
    };
  },
  mask(url) {
    const read = parse(url);
    if (!read.ok) return "lnaddress:***";
    const wishes = [...(read.anyVerify ? ["verify=any"] : []), ...(read.zap ? ["zap=1"] : [])].join("&");
    return `lnaddress:${read.address.text}${wishes === "" ? "" : `?${wishes}`}`;
  },
};

type Parsed = { ok: true; address: LightningAddress; anyVerify: boolean; zap: boolean } | {
  ok: false;
  reason: string;
};

function parse(url: string): Parsed {
  const [name = "", query = ""] = url.trim().replace(/^lnaddress:(\/\/)?/i, "").split("?", 2);
  const address = readLightningAddress(name);
  if (!address) return no("expected an address like me@host after it");
  const params = new URLSearchParams(query);
  const unknown = [...params.keys()].find((key) => !Object.hasOwn(PARAMS, key));
  if (unknown !== undefined) return no(`it has the unknown parameter ${unknown}; known are verify and zap`);
  for (const [key, value] of params) {
    const { values, meaning } = PARAMS[key as keyof typeof PARAMS];
    if (!values.includes(value)) return no(`${key} is ${values.join(" or ")}: ${meaning}`);
  }
  return { ok: true, address, anyVerify: params.get("verify") === "any", zap: params.get("zap") === "1" };
}

function no(reason: string): Parsed {
  return { ok: false, reason: `lnaddress: ${reason}` };
}
