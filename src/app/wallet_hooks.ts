import { createHash } from "node:crypto";
import { sameSecret } from "../api/tokens.ts";
import { useOnce } from "../api/replays_store.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import type { SecretBox } from "../nostr/sealed_secrets.ts";
import type { Wallet } from "../payments/wallet.ts";
import type { LookUpSoon } from "../payments/watcher.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";

/** Calls for one wallet in a minute: with how long they are remembered this bounds the table of replays. */
const CALLS = { perMinute: 1_200 };
/** A call that comes again later than this costs one question to the wallet, no more. */
const REMEMBERED_MS = 30 * 60_000;
/** More hints than any provider puts into one call. */
const MOST_HINTS = 20;

/** What a hook's URL names. */
export interface HookPath {
  merchant: string;
  name: string;
  secret: string;
}

/** A wallet whose provider may call. */
export interface HookedWallet {
  merchant: string;
  name: string;
  wallet: Wallet & Required<Pick<Wallet, "readHook">>;
}

/** What became of a call. `again`: it came before, and nothing was done. */
export type HookOutcome = "taken" | "again" | "refused" | "crowded";

export interface WalletHooksParts {
  database: Database;
  clock: Clock;
  log: Log;
  secrets: Pick<SecretBox, "derive">;
  merchants: Pick<MerchantRegistry, "get">;
  /** URL under which we are reached, without a slash at the end. */
  baseUrl(): string;
  lookUpSoon: LookUpSoon;
}

/**
 * What providers of wallets call when something was paid (design §9). A call is a reason to ask the wallet and never more: who
 * knows a URL's secret can make us ask, and that is all.
 */
export class WalletHooks {
  readonly #o: WalletHooksParts;
  readonly #calls: TokenBuckets;

  constructor(parts: WalletHooksParts) {
    this.#o = parts;
    this.#calls = new TokenBuckets({ clock: parts.clock, ...CALLS });
  }

  /** What a merchant tells the provider to call; null when the wallet's calls aren't understood, or there is no such wallet. */
  urlOf(merchant: string, name: string): string | null {
    const found = this.#named(merchant, name);
    return found && `${this.#o.baseUrl()}/hooks/wallet/${merchant}/${name}/${this.#secret(found)}`;
  }

  /** The wallet that is called; null unless merchant, name and secret belong together: which of them don't takes no less time. */
  find({ merchant, name, secret }: HookPath): HookedWallet | null {
    const found = this.#named(merchant, name);
    const right = sameSecret(secret, this.#secret(found ?? { merchant, name, wallet: { id: "" } }));
    return right ? found : null;
  }

  /** Takes a call: its hints go where the wallet is asked, which nobody waits for here. */
  async take(
    { merchant, name, wallet }: HookedWallet,
    headers: Headers,
    raw: Uint8Array,
  ): Promise<HookOutcome> {
    const { database, clock, log, lookUpSoon } = this.#o;
    const fields = { merchant, wallet: wallet.id };
    if (!this.#calls.take(`${merchant}/${name}`)) return "crowded";
    const read = wallet.readHook(headers, raw);
    if (!read.ok) {
      log.warn("wallet_hook.refused", { ...fields, reason: read.reason });
      return "refused";
    }
    const delivery = read.delivery ?? createHash("sha256").update(raw).digest("hex");
    const scope = `hook:${merchant}:${name}`;
    const first = await database.transaction(
      (tx) => useOnce(tx, scope, delivery, clock.now() + REMEMBERED_MS),
      { lasting: false },
    );
    log.debug("wallet_hook.called", { ...fields, hints: read.hints.length, first });
    if (!first) return "again";
    for (const hint of read.hints.slice(0, MOST_HINTS)) lookUpSoon(merchant, hint, wallet.id);
    return "taken";
  }

  #named(merchant: string, name: string): HookedWallet | null {
    const one = this.#o.merchants.get(merchant)?.receiving.find((one) => one.name === name);
    const wallet = one?.wallet;
    return wallet?.readHook ? { merchant, name, wallet: wallet as HookedWallet["wallet"] } : null;
  }

  /** Another wallet of the same name has another one. */
  #secret({ merchant, name, wallet }: { merchant: string; name: string; wallet: { id: string } }): string {
    return this.#o.secrets.derive(JSON.stringify(["wallet hook", merchant, name, wallet.id]));
  }
}
