import { demoScheme } from "./demo_scheme.ts";
import { nwcScheme } from "./nwc/nwc_scheme.ts";
import type { Wallet } from "./wallet.ts";
import { clnScheme } from "./wallets/cln/cln_scheme.ts";
import { lndScheme } from "./wallets/lnd/lnd_scheme.ts";
import { lnAddressScheme } from "./wallets/lnaddress/lnaddress_scheme.ts";
import { lnbitsScheme } from "./wallets/lnbits/lnbits_scheme.ts";
import { phoenixdScheme } from "./wallets/phoenixd/phoenixd_scheme.ts";
import { btcpayScheme } from "./wallets/btcpay/btcpay_scheme.ts";
import type { ReadWalletUrl, WalletDeps, WalletScheme } from "./wallets/scheme.ts";

export type { WalletDeps } from "./wallets/scheme.ts";

export type CheckedWalletUrl = { ok: true } | { ok: false; reason: string };
export type OpenedWallet = { ok: true; wallet: Wallet } | { ok: false; reason: string };

/** Every kind of wallet, in the order in which they are named to people. */
const KINDS: readonly WalletScheme[] = [
  nwcScheme,
  lnAddressScheme,
  lnbitsScheme,
  btcpayScheme,
  phoenixdScheme,
  lndScheme,
  clnScheme,
  demoScheme,
];

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
  return scheme === null ? "***" : kindOf(scheme)?.mask(url) ?? `${scheme}:***`;
}

/** The kind of wallet that a URL names; undefined when it names none. */
export function walletKind(url: string): WalletScheme | undefined {
  const scheme = schemeOf(url);
  return scheme === null ? undefined : kindOf(scheme);
}

/** Whether this kind of wallet was ever tried against a real one; what isn't known was. */
export function wasTried(kind: string): boolean {
  return KINDS.find((one) => one.kind === kind)?.tried !== "never";
}

function readUrl(url: string): ReadWalletUrl {
  const scheme = schemeOf(url);
  const kind = scheme === null ? undefined : kindOf(scheme);
  if (kind) return kind.read(url);
  const examples = KINDS.map(({ example }) => example).join(", ");
  return { ok: false, reason: `it isn't a wallet's URL. Possible are ${examples}.` };
}

function kindOf(scheme: string): WalletScheme | undefined {
  return KINDS.find(({ schemes }) => schemes.includes(scheme));
}

function schemeOf(url: string): string | null {
  return /^([a-z][a-z0-9+.-]*):/i.exec(url.trim())?.[1]?.toLowerCase() ?? null;
}
