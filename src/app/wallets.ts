import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import { RelayPool } from "../nostr/relay_pool.ts";
import { localSigner } from "../nostr/signer.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import { demoJournalFile } from "../payments/demo_journal_file.ts";
import type { Wallet } from "../payments/wallet.ts";
import { openWallet } from "../payments/wallet_url.ts";
import { storedCursors } from "../payments/wallets/cursors_store.ts";
import type { Random } from "../random.ts";

/** A wallet URL that can't be used. The message names what is possible, and none of the URL's secrets. */
export class WalletUrlError extends Error {
  override readonly name = "WalletUrlError";
}

/** The wallet that a URL names. Throws a `WalletUrlError` when it is none; nothing is connected yet. */
export function walletOf(
  url: string,
  o: {
    clock: Clock;
    random: Random;
    log: Log;
    crypto: EventCrypto;
    /** Where cursors are kept; without it nothing is remembered over restarts. */
    database?: Database;
    /** The shop's own: where zap receipts are to go. */
    relays: readonly string[];
    dataDir: string;
    purpose?: "receive" | "spend";
  },
): Wallet {
  const { clock, random, log, crypto } = o;
  const opened = openWallet(url, {
    clock,
    random,
    log,
    verifier: crypto,
    signer: (secretKey) => localSigner(secretKey, crypto, { random }),
    pool: (signer) => new RelayPool({ signer, clock, random, log, verifier: crypto }),
    relays: o.relays,
    cursors: o.database ? storedCursors(o.database, clock) : null,
    demoJournal: demoJournalFile(`${o.dataDir}/demo-wallet${o.purpose === "spend" ? "-spend" : ""}.jsonl`),
  });
  if (!opened.ok) throw new WalletUrlError(`The wallet's URL can't be used: ${opened.reason}`);
  return opened.wallet;
}
