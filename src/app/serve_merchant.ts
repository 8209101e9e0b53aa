import type { MerchantRow } from "../catalog/merchants_store.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import { type Admission, Intake } from "../nostr/intake.ts";
import { RelayPool } from "../nostr/relay_pool.ts";
import { relayUrl } from "../nostr/relay_url.ts";
import { localSigner } from "../nostr/signer.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import { ObservedWallet } from "../payments/observed_wallet.ts";
import type { Wallet } from "../payments/wallet.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import type { Serve } from "./merchant_registry.ts";
import { ServedMerchant } from "./served_merchant.ts";
import { walletOf } from "./wallets.ts";

/** What a merchant's relays, key and wallet are made of. */
export interface ServingParts {
  settings: Settings;
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  crypto: EventCrypto;
  admission: Admission;
  /** The first merchant's wallet, instead of the one that the settings name. */
  wallet: Wallet | undefined;
}

/** Makes merchants able to work. Nothing is connected before their intake starts. */
export function servingMerchants(parts: ServingParts): Serve {
  const { settings, database, clock, random, log, crypto, admission } = parts;
  // One spelling of each: receipts and cursors are kept by it.
  const relays = settings.NCC_RELAYS.map((url) => relayUrl(url) ?? url);
  const dmRelays = settings.NCC_DM_RELAYS?.map((url) => relayUrl(url) ?? url) ?? relays;
  const publicRelayUrl = settings.NCC_PUBLIC_URL === undefined
    ? null
    : `${settings.NCC_PUBLIC_URL.replace(/^http/, "ws")}/relay`;
  return (row: MerchantRow, secretKey: Uint8Array, walletUrl: string | null) => {
    const signer = localSigner(secretKey, crypto, { random });
    const pool = new RelayPool({ signer, clock, random, log, verifier: crypto });
    const own = row.key_source === "settings" ? parts.wallet : undefined;
    const wallet = own ??
      (walletUrl === null
        ? null
        : walletOf(walletUrl, { clock, random, log, crypto, dataDir: settings.NCC_DATA_DIR }));
    const intake = new Intake({
      database,
      clock,
      random,
      log,
      pool,
      merchant: row.pubkey,
      relays: [...new Set([...relays, ...dmRelays])],
      verifier: crypto,
      admission,
    });
    return new ServedMerchant({
      row,
      signer,
      pool,
      relays,
      dmRelays,
      publicRelayUrl,
      wallet: wallet === null ? null : new ObservedWallet(wallet),
      intake,
    });
  };
}
