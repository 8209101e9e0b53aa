import { bytesToHex } from "@noble/hashes/utils.js";
import { getPublicKey } from "nostr-tools/pure";
import type { MerchantRow } from "../catalog/merchants_store.ts";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { bunkerUrlText } from "../nostr/bunker/bunker_url.ts";
import { parseKey } from "../nostr/keys.ts";
import type { SecretBox } from "../nostr/sealed_secrets.ts";
import { type BunkerKeys, BunkerSilentError } from "./bunker_keys.ts";
import { KeyError, type MerchantKey, type SigningKey } from "./merchant_key.ts";
import {
  deleteWallet,
  furtherWallets,
  insertWallet,
  type WalletRow,
} from "../payments/wallets/wallets_store.ts";
import type { WalletUrls } from "./merchant_registry.ts";
import { getSecret, putSecret, removeSecret } from "./secrets_store.ts";
import type { ServedMerchant } from "./served_merchant.ts";

/** In place of a wallet's URL: what the settings say. */
const OF_SETTINGS = "settings:";

/** Where the merchants' keys and wallets are. */
export interface MerchantSecretsParts {
  database: Database;
  clock: Clock;
  secrets: SecretBox;
  bunkers: BunkerKeys;
  /** The merchant that the settings set up. */
  first: MerchantKey & WalletUrls;
}

/** A key that can work, and whose it is; or why not. */
export type ReadyKey = { ok: true; key: MerchantKey["key"]; pubkey: string } | { ok: false; reason: string };

/** Keys and wallets' URLs of merchants: those of the first from the settings, the others' sealed in the database. */
export class MerchantSecrets {
  readonly #o: MerchantSecretsParts;

  constructor(parts: MerchantSecretsParts) {
    this.#o = parts;
  }

  /** What a merchant works with; null when its key isn't here. Throws when a sealed secret is damaged. */
  async of(row: MerchantRow): Promise<{ key: SigningKey; urls: WalletUrls } | null> {
    const { first } = this.#o;
    if (row.key_source === "settings") {
      return row.pubkey === first.pubkey ? { key: first.key, urls: first } : null;
    }
    const urls = {
      wallet: await this.#url(row.pubkey, "wallet"),
      spend: await this.#url(row.pubkey, "wallet_spend"),
    };
    if (row.key_source === "none") return { key: { type: "none" }, urls };
    const ready = await this.ready(await this.#open(row.pubkey, "key") ?? "");
    if (!ready.ok) throw new Error(`the sealed key of merchant ${row.pubkey} is missing or damaged`);
    return { key: ready.key, urls };
  }

  /** Of a key as somebody gives it or as it is kept: nsec, hex or bunker://…; a signer that is new to us is connected. */
  async ready(text: string, stopped?: AbortSignal): Promise<ReadyKey> {
    const parsed = parseKey(text, null);
    if (!parsed.ok) return parsed;
    const { key } = parsed;
    if (key.type === "secret") return { ok: true, key, pubkey: getPublicKey(key.secretKey) };
    try {
      const { pubkey, clientKey } = await this.#o.bunkers.session(key.bunker, stopped);
      return { ok: true, key: { ...key, clientKey }, pubkey };
    } catch (error) {
      if (!(error instanceof KeyError || error instanceof BunkerSilentError)) throw error;
      return { ok: false, reason: error.message };
    }
  }

  /** Keeps a merchant's key and wallets, sealed. */
  async keep(
    tx: Tx,
    merchant: string,
    given: { key?: string | undefined; wallet?: string | undefined; walletSpend?: string | undefined },
  ): Promise<void> {
    if (given.key !== undefined) await this.#seal(tx, merchant, "key", given.key);
    if (given.wallet !== undefined) await this.#seal(tx, merchant, "wallet", given.wallet);
    if (given.walletSpend !== undefined) await this.#seal(tx, merchant, "wallet_spend", given.walletSpend);
  }

  /**
   * Gives the merchant `to` all wallets of `from`, which keeps them for the invoices that it made, and whose key is kept in the
   * database from now on, whatever the settings will say; or, when it is given up, nowhere.
   */
  async passOn(tx: Tx, from: MerchantRow, to: string, o: { giveUpKey: boolean }): Promise<void> {
    const { first } = this.#o;
    const ofSettings = from.key_source === "settings";
    for (const name of ["wallet", "wallet_spend"]) {
      const url = ofSettings ? OF_SETTINGS : await this.#open(from.pubkey, name, tx);
      if (url !== undefined) {
        for (const merchant of [from.pubkey, to]) await this.#seal(tx, merchant, name, url);
      }
    }
    const now = this.#o.clock.now();
    for (const { merchant, name, priority } of await furtherWallets(tx)) {
      if (merchant !== from.pubkey) continue;
      const url = await this.#open(merchant, secretOf(name), tx);
      if (url !== undefined) await this.addWallet(tx, { merchant: to, name, url, priority, now });
    }
    if (o.giveUpKey) return await removeSecret(tx, from.pubkey, "key");
    if (ofSettings) await this.#seal(tx, from.pubkey, "key", keyText(first.key));
  }

  /** Opens the further wallets of these rows, and closes those that are gone. */
  async openWallets(merchant: ServedMerchant, rows: WalletRow[]): Promise<void> {
    const stamp = (all: { name: string; at: number | null }[]) =>
      all.filter(({ at }) => at !== null).map(({ name, at }) => `${name} ${at}`).join("\n");
    const wanted = rows.map(({ name, updated_at }) => ({ name, at: updated_at }));
    if (stamp([...merchant.receiving]) === stamp(wanted)) return;
    const further = [];
    for (const { name, at } of wanted) {
      const url = await this.#open(merchant.pubkey, secretOf(name));
      if (url !== undefined) further.push({ name, at, url });
    }
    await merchant.receiveWith(further);
  }

  /** Notes a further wallet, its URL sealed; false when there is one of this name. */
  async addWallet(
    tx: Tx,
    o: { merchant: string; name: string; url: string; priority: number; now: number },
  ): Promise<boolean> {
    if (!await insertWallet(tx, o)) return false;
    await this.#seal(tx, o.merchant, secretOf(o.name), o.url);
    return true;
  }

  async removeWallet(tx: Tx, merchant: string, name: string): Promise<boolean> {
    await removeSecret(tx, merchant, secretOf(name));
    return await deleteWallet(tx, merchant, name);
  }

  async #url(merchant: string, name: "wallet" | "wallet_spend"): Promise<string | null> {
    const url = await this.#open(merchant, name);
    if (url !== OF_SETTINGS) return url ?? null;
    return name === "wallet" ? this.#o.first.wallet : this.#o.first.spend;
  }

  async #seal(tx: Tx, merchant: string, name: string, plain: string): Promise<void> {
    const { secrets, clock } = this.#o;
    const sealed = secrets.seal(plain, `${merchant}:${name}`);
    await putSecret(tx, { merchant, name, sealed, now: clock.now() });
  }

  async #open(merchant: string, name: string, tx?: Tx): Promise<string | undefined> {
    const { database, secrets } = this.#o;
    const sealed = await getSecret(tx ?? database.kysely, merchant, name);
    return sealed && secrets.open(sealed, `${merchant}:${name}`);
  }
}

function secretOf(wallet: string): string {
  return `wallet:${wallet}`;
}

function keyText(key: MerchantKey["key"]): string {
  return key.type === "secret" ? bytesToHex(key.secretKey) : bunkerUrlText(key.bunker);
}
