import { generateSecretKey } from "nostr-tools/pure";
import { bytesToHex } from "@noble/hashes/utils.js";
import { publishIdentity } from "../catalog/identity_queue.ts";
import { ensureMerchant, pauseMerchant, resumeMerchant, updateMerchant } from "../catalog/merchants.ts";
import type { MerchantInput, Profile } from "../catalog/merchant_input.ts";
import { type MerchantRow, selectMerchants } from "../catalog/merchants_store.ts";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import { endSecondInstance } from "../notifications/second_instance.ts";
import { furtherWallets } from "../payments/wallets/wallets_store.ts";
import type { Service } from "../service.ts";
import { type Moved, moveShop } from "./key_change.ts";
import type { SigningKey } from "./merchant_key.ts";
import { MerchantSecrets, type MerchantSecretsParts } from "./merchant_secrets.ts";
import type { ServedMerchant } from "./served_merchant.ts";

/** Other processes' changes to merchants are seen after this long. */
const REFRESH_MS = 5_000;

/** What a merchant receives with, and what refunds are paid from; null: nothing. */
export interface WalletUrls {
  wallet: string | null;
  spend: string | null;
}

/** Makes a merchant able to work: key, relays, wallets. Throws when a wallet's URL is none. */
export type Serve = (row: MerchantRow, key: SigningKey, urls: WalletUrls) => ServedMerchant;

export type Created = { ok: true; merchant: ServedMerchant } | {
  ok: false;
  conflict: boolean;
  reason: string;
};

/** The merchants that this process serves. */
export class MerchantRegistry implements Service {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #secrets: MerchantSecrets;
  readonly #serve: Serve;
  readonly #first: string;
  readonly #unserved = new Set<string>();
  readonly #served = new Map<string, ServedMerchant>();
  readonly #stop = new AbortController();
  #refreshing: Promise<void> | undefined;
  #live = false;

  constructor(
    o: {
      database: Database;
      clock: Clock;
      log: Log;
      serve: Serve;
    } & MerchantSecretsParts,
  ) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#log = o.log;
    this.#secrets = new MerchantSecrets(o);
    this.#first = o.first.pubkey;
    this.#serve = o.serve;
  }

  /** Reads the merchants; nothing is connected yet. */
  async load(): Promise<void> {
    const now = this.#clock.now();
    await this.#database.transaction((tx) =>
      ensureMerchant(tx, { pubkey: this.#first, keySource: "settings", now })
    );
    await this.#refresh();
  }

  /** Connects to the relays, and looks for what other processes change. */
  async start(): Promise<void> {
    this.#live = true;
    for (const merchant of this.#served.values()) {
      await this.#begin(merchant);
      // Relays or the public URL may be others than at the last start; what is unchanged isn't published again.
      await this.#database.transaction((tx) => publishIdentity(tx, merchant.pubkey, this.#clock.now()));
    }
    this.#refreshing = this.#refreshForEver();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#refreshing;
    // A link that nobody uses can fail to connect at any time; ending them together is quicker than one by one.
    await Promise.all([...this.#served.values()].map((merchant) => merchant.intake.stop()));
  }

  /** Ends wallets and connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#served.values()].map((merchant) => merchant.close()));
  }

  all(): ServedMerchant[] {
    return [...this.#served.values()];
  }

  get(pubkey: string): ServedMerchant | undefined {
    return this.#served.get(pubkey);
  }

  readonly identityOf: IdentityOf = (pubkey) => {
    const merchant = this.#served.get(pubkey);
    return merchant?.signs ? merchant : undefined;
  };

  keys(): ReadonlySet<string> {
    return new Set(this.#served.keys());
  }

  /** The merchant that is meant: the one named, or the only one. Null when it isn't clear. */
  only(named: string | undefined): string | null {
    if (named !== undefined) return this.#served.has(named) ? named : null;
    const here = this.all().filter((merchant) => merchant.row.moved_to === null);
    return here.length === 1 ? here[0]!.pubkey : null;
  }

  /** Serves another merchant from now on. A key is made when none is given; it is kept sealed. */
  async create(
    o: { name: string; profile: Profile; secretKey?: string; wallet?: string; walletSpend?: string },
  ): Promise<Created> {
    const text = o.secretKey?.trim() ?? bytesToHex(generateSecretKey());
    const ready = await this.#secrets.ready(text, this.#stop.signal);
    if (!ready.ok) return { ok: false, conflict: false, reason: ready.reason };
    const { key, pubkey } = ready;
    const now = this.#clock.now();
    const row: MerchantRow = {
      pubkey,
      name: o.name,
      profile: JSON.stringify(o.profile),
      state: "active",
      pause_message: null,
      key_source: "secrets",
      halted: null,
      moved_to: null,
      moved_at: null,
      created_at: now,
      updated_at: now,
    };
    let served: ServedMerchant;
    try {
      served = this.#serve(row, key, { wallet: o.wallet ?? null, spend: o.walletSpend ?? null });
    } catch (error) {
      return { ok: false, conflict: false, reason: errorText(error) };
    }
    const made = await this.#database.transaction(async (tx) => {
      if (
        !await ensureMerchant(tx, { pubkey, name: o.name, profile: o.profile, keySource: "secrets", now })
      ) return false;
      await this.#secrets.keep(tx, pubkey, { ...o, key: text });
      return true;
    });
    if (!made) {
      await served.close();
      return { ok: false, conflict: true, reason: "This key is served already." };
    }
    await this.#add(served);
    return { ok: true, merchant: served };
  }

  /** Moves a merchant's shop to another key, made when none is given (see `moveShop`). */
  async move(
    pubkey: string,
    o: { secretKey?: string; emergency: boolean },
  ): Promise<Extract<Created, { ok: false }> | { ok: true; merchant: ServedMerchant; moved: Moved }> {
    const from = this.#served.get(pubkey)!.row;
    if (from.moved_to !== null) return { ok: false, conflict: true, reason: "This shop has moved already." };
    const text = o.secretKey?.trim() ?? bytesToHex(generateSecretKey());
    const ready = await this.#secrets.ready(text, this.#stop.signal);
    if (!ready.ok) return { ok: false, conflict: false, reason: ready.reason };
    const { pubkey: to } = ready;
    const now = this.#clock.now();
    const moved = await this.#database.transaction(async (tx) => {
      const { name } = from;
      const profile = JSON.parse(from.profile);
      if (!await ensureMerchant(tx, { pubkey: to, name, profile, keySource: "secrets", now })) return null;
      await this.#secrets.passOn(tx, from, to, { giveUpKey: o.emergency });
      await this.#secrets.keep(tx, to, { key: text });
      return await moveShop(tx, { from, to, emergency: o.emergency, now });
    });
    if (moved === null) return { ok: false, conflict: true, reason: "This key is served already." };
    await this.#refresh();
    return { ok: true, merchant: this.#served.get(to)!, moved };
  }

  /** Has the merchant receive with a further wallet; false when there is one of this name. Throws when the URL is no wallet's. */
  async addWallet(pubkey: string, wallet: { name: string; url: string; priority: number }): Promise<boolean> {
    let added = false;
    await this.#write(async (tx, now) => {
      added = await this.#secrets.addWallet(tx, { ...wallet, merchant: pubkey, now });
    });
    return added;
  }

  /**
   * Receives no more with a further wallet; false when there is none of this name. What it made is looked up no more until it is
   * set up again.
   */
  async removeWallet(pubkey: string, name: string): Promise<boolean> {
    let removed = false;
    await this.#write(async (tx) => {
      removed = await this.#secrets.removeWallet(tx, pubkey, name);
    });
    return removed;
  }

  async change(pubkey: string, input: MerchantInput): Promise<void> {
    await this.#write((tx, now) => updateMerchant(tx, { pubkey, input, now }));
  }

  async pause(pubkey: string, message: string | null): Promise<void> {
    await this.#write((tx, now) => pauseMerchant(tx, { pubkey, message, now }));
  }

  /** Takes orders again, and answers again if the merchant was halted. */
  async resume(pubkey: string): Promise<void> {
    await this.#write(async (tx, now) => {
      await resumeMerchant(tx, { pubkey, now });
      await endSecondInstance(tx, pubkey, now);
    });
  }

  /** Has the profile and the relay lists published, if they changed. */
  async publish(pubkey: string): Promise<void> {
    await this.#write((tx, now) => publishIdentity(tx, pubkey, now));
  }

  async #write(work: (tx: Tx, now: number) => Promise<unknown>): Promise<void> {
    await this.#database.transaction((tx) => work(tx, this.#clock.now()));
    await this.#refresh();
  }

  async #refreshForEver(): Promise<void> {
    for (;;) {
      await this.#clock.sleep(REFRESH_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.#refresh();
      } catch (error) {
        this.#log.error("merchants.unread", { error: errorText(error) });
      }
    }
  }

  async #refresh(): Promise<void> {
    await this.#refreshMerchants();
    const rows = Map.groupBy(await furtherWallets(this.#database.kysely), ({ merchant }) => merchant);
    for (const merchant of this.#served.values()) {
      await this.#secrets.openWallets(merchant, rows.get(merchant.pubkey) ?? []);
    }
  }

  async #refreshMerchants(): Promise<void> {
    for (const row of await selectMerchants(this.#database.kysely)) {
      const known = this.#served.get(row.pubkey);
      if (known && row.key_source === "none" && known.signs) await this.#giveUp(known);
      else if (known) {
        known.row = row;
        continue;
      }
      await this.#addRow(row);
    }
  }

  async #giveUp(merchant: ServedMerchant): Promise<void> {
    this.#served.delete(merchant.pubkey);
    await merchant.close();
  }

  async #addRow(row: MerchantRow): Promise<void> {
    const has = await this.#secrets.of(row);
    if (has) return await this.#add(this.#serve(row, has.key, has.urls));
    // An earlier key of the settings: its orders stay, but nobody here can answer for it.
    if (this.#unserved.has(row.pubkey)) return;
    this.#unserved.add(row.pubkey);
    this.#log.warn("merchant.without_key", {
      merchant: row.pubkey,
      remedy: "to move a shop to another key, put its old key back and run: ncc key change",
    });
  }

  async #add(served: ServedMerchant): Promise<void> {
    this.#served.set(served.pubkey, served);
    if (this.#live) await this.#begin(served);
  }

  async #begin({ remote, signs, intake }: ServedMerchant): Promise<void> {
    remote?.start();
    // What is written to a key that was given up can't be opened.
    if (signs) await intake.start();
  }
}
