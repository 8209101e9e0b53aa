import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { RelayPool } from "../nostr/relay_pool.ts";
import type { MerchantSigner } from "../nostr/signer.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Random } from "../random.ts";
import type { DemoJournal } from "./demo_ledger.ts";
import { DemoWallet } from "./demo_wallet.ts";
import { NwcWallet } from "./nwc/nwc_wallet.ts";
import { parseNwcUri } from "./nwc/uri.ts";
import type { Wallet } from "./wallet.ts";

/** What wallets are built of. */
export interface WalletDeps {
  clock: Clock;
  random: Random;
  log: Log;
  verifier: Verifier;
  /** A signer with this secret key. */
  signer: (secretKey: Uint8Array) => MerchantSigner;
  /** A pool of the connection's own key: AUTH belongs to a key. */
  pool: (signer: MerchantSigner) => RelayPool;
  /** The demo wallet's memory over restarts; null: none. */
  demoJournal?: DemoJournal | null;
}

export type CheckedWalletUrl = { ok: true } | { ok: false; reason: string };
export type OpenedWallet = { ok: true; wallet: Wallet } | { ok: false; reason: string };

type Read = { ok: true; open: (deps: WalletDeps) => Wallet } | { ok: false; reason: string };

/** By scheme: how a URL is read. A wallet is built of it later, if at all. */
const SCHEMES: Record<string, (url: string) => Read> = {
  "demo": () => ({
    ok: true,
    open: (deps) => new DemoWallet({ ...deps, journal: deps.demoJournal ?? null }),
  }),
  "nostr+walletconnect": readNwc,
  "nostrwalletconnect": readNwc,
};
const EXAMPLES = "nostr+walletconnect://… (Nostr Wallet Connect) or demo: (no real money)";
/** Schemes of design §9 that aren't built yet. */
const PLANNED = ["lnaddress", "lnbits+https", "lnd+https", "cln+https", "phoenixd+http", "btcpay+https"];

/** Whether `openWallet` takes this URL. The reason of a refusal names what is possible, and never the URL's secrets. */
export function checkWalletUrl(url: string): CheckedWalletUrl {
  const read = readUrl(url);
  return read.ok ? { ok: true } : read;
}

/** The wallet that a URL names by its scheme. Nothing is connected before the first call. */
export function openWallet(url: string, deps: WalletDeps): OpenedWallet {
  const read = readUrl(url);
  return read.ok ? { ok: true, wallet: read.open(deps) } : read;
}

/** The URL for people and logs: its scheme and where it leads, without what gives power over the wallet. */
export function maskWalletUrl(url: string): string {
  const scheme = schemeOf(url);
  if (scheme === null) return "***";
  if (scheme === "demo") return "demo:";
  const nwc = SCHEMES[scheme] === readNwc ? parseNwcUri(url) : null;
  if (!nwc?.ok) return `${scheme}:***`;
  const { walletPubkey, relays } = nwc.uri;
  return `${scheme}://${walletPubkey.slice(0, 8)}…?relay=${relays.join("&relay=")}&secret=***`;
}

function readUrl(url: string): Read {
  const scheme = schemeOf(url);
  if (scheme !== null && Object.hasOwn(SCHEMES, scheme)) return SCHEMES[scheme]!(url);
  if (scheme !== null && PLANNED.includes(scheme)) {
    return { ok: false, reason: `${scheme}: can't be used with this version yet. Possible are ${EXAMPLES}.` };
  }
  return { ok: false, reason: `it isn't a wallet's URL. Possible are ${EXAMPLES}.` };
}

function readNwc(url: string): Read {
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
}

function schemeOf(url: string): string | null {
  return /^([a-z][a-z0-9+.-]*):/i.exec(url.trim())?.[1]?.toLowerCase() ?? null;
}
