import type { MerchantRow } from "../catalog/merchants_store.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { ReceiveFn } from "../nostr/arrivals.ts";
import { goneSigner } from "../nostr/gone_signer.ts";
import { type Admission, Intake } from "../nostr/intake.ts";
import type { BunkerOptions } from "../nostr/bunker/options.ts";
import { RemoteSigner } from "../nostr/bunker/remote_signer.ts";
import { RelayPool } from "../nostr/relay_pool.ts";
import { relayUrl } from "../nostr/relay_url.ts";
import { localSigner } from "../nostr/signer.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import { ObservedWallet } from "../payments/observed_wallet.ts";
import type { Wallet } from "../payments/wallet.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import type { SigningKey } from "./merchant_key.ts";
import type { Serve, WalletUrls } from "./merchant_registry.ts";
import { ServedMerchant } from "./served_merchant.ts";
import { wakeWaiting } from "./waiting_store.ts";
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
  /** T1. */
  receive: ReceiveFn;
  /** The first merchant's wallet, instead of the one that the settings name. */
  wallet: Wallet | undefined;
  /** The same for what refunds are paid from. */
  spend: Wallet | undefined;
  bunkerOptions?: Partial<BunkerOptions> | undefined;
}

/** Makes merchants able to work. Nothing is connected before their intake starts. */
export function servingMerchants(parts: ServingParts): Serve {
  const { settings, database, clock, random, log, crypto, admission, receive } = parts;
  // One spelling of each: receipts and cursors are kept by it.
  const relays = settings.NCC_RELAYS.map((url) => relayUrl(url) ?? url);
  const dmRelays = settings.NCC_DM_RELAYS?.map((url) => relayUrl(url) ?? url) ?? relays;
  const publicRelayUrl = settings.NCC_PUBLIC_URL === undefined
    ? null
    : `${settings.NCC_PUBLIC_URL.replace(/^http/, "ws")}/relay`;
  return (row: MerchantRow, key: SigningKey, urls: WalletUrls) => {
    const remote = key.type === "bunker"
      ? new RemoteSigner({
        ...key,
        crypto,
        clock,
        random,
        log,
        pubkey: row.pubkey,
        options: parts.bunkerOptions ?? {},
        onAwake: (missedAuth) => {
          // Relays that asked in vain who we are ask again on a new connection.
          if (missedAuth) {
            for (const { url } of pool.status()) pool.link(url).renew("the signer is awake");
          }
          void wakeWaiting(database, row.pubkey, clock.now())
            .catch((error) => log.error("bunker.waiting_unwoken", { error: errorText(error) }));
        },
      })
      : null;
    const signer = remote ??
      (key.type === "secret" ? localSigner(key.secretKey, crypto, { random }) : goneSigner(row.pubkey));
    const pool = new RelayPool({
      signer,
      clock,
      random,
      log,
      verifier: crypto,
      trusted: [...relays, ...dmRelays],
    });
    const first = row.key_source === "settings";
    const open = (url: string, purpose: "receive" | "spend") =>
      walletOf(url, {
        clock,
        random,
        log,
        crypto,
        database,
        relays,
        dataDir: settings.NCC_DATA_DIR,
        purpose,
      });
    const wallet = (first ? parts.wallet : undefined) ?? (urls.wallet && open(urls.wallet, "receive"));
    const spend = (first ? parts.spend : undefined) ?? (urls.spend && open(urls.spend, "spend"));
    const intake = new Intake({
      database,
      clock,
      random,
      log,
      pool,
      merchant: row.pubkey,
      relays: [...new Set([...relays, ...dmRelays])],
      signer,
      verifier: crypto,
      admission,
      receive,
    });
    return new ServedMerchant({
      row,
      signer,
      pool,
      relays,
      dmRelays,
      publicRelayUrl,
      wallet: wallet ? new ObservedWallet(wallet) : null,
      openWallet: (url) => new ObservedWallet(open(url, "receive")),
      spend: spend ? new ObservedWallet(spend) : null,
      intake,
      remote,
      signs: key.type !== "none",
    });
  };
}
