import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { RelayPool } from "../../nostr/relay_pool.ts";
import type { MerchantSigner } from "../../nostr/signer.ts";
import type { Verifier } from "../../nostr/verify.ts";
import type { Random } from "../../random.ts";
import type { GuardedFetch } from "../../web/guarded_fetch.ts";
import type { DemoJournal } from "../demo_ledger.ts";
import type { Wallet } from "../wallet.ts";
import type { WalletCursors } from "./cursors.ts";

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
  /** How far streams were read; null: nothing is remembered over restarts. */
  cursors?: WalletCursors | null;
  /** How servers are asked that others name (LNURL); default: by the machine's resolver and certificates. */
  web?: GuardedFetch;
  /** The shop's own relays, where others may publish what it looks for. */
  relays?: readonly string[];
  /** The demo wallet's memory over restarts; null: none. */
  demoJournal?: DemoJournal | null;
}

/** A wallet's URL, read: what to build, or why it is none. The reason never holds the URL's secrets. */
export type ReadWalletUrl = { ok: true; open: (deps: WalletDeps) => Wallet } | { ok: false; reason: string };

/** One kind of wallet, as its URL names it. */
export interface WalletScheme {
  /** What its wallets say as their `kind`. */
  kind: string;
  /** Lower case, without the colon. */
  schemes: readonly string[];
  /** For people: how such a URL looks. */
  example: string;
  /** Whether it has been tried against a real one (README's table). `never`: it says so at start. */
  tried: "real" | "recorded" | "never";
  read(url: string): ReadWalletUrl;
  /** The URL for people and logs, without what gives power over the wallet. */
  mask(url: string): string;
}
