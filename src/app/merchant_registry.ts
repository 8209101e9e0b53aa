import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { bytesToHex } from "@noble/hashes/utils.js";
import { publishIdentity } from "../catalog/identity_queue.ts";
import { ensureMerchant, pauseMerchant, resumeMerchant, updateMerchant } from "../catalog/merchants.ts";
import type { MerchantInput, Profile } from "../catalog/merchant_input.ts";
import { type MerchantRow, selectMerchants } from "../catalog/merchants_store.ts";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { IdentityOf } from "../nostr/identity.ts";
import { parseSecretKey } from "../nostr/keys.ts";
import type { SecretBox } from "../nostr/sealed_secrets.ts";
import type { Service } from "../service.ts";
import type { MerchantKey } from "./merchant_key.ts";
import { getSecret, putSecret } from "./secrets_store.ts";
import type { ServedMerchant } from "./served_merchant.ts";

/** Other processes' changes to merchants are seen after this long. */
const REFRESH_MS = 5_000;

/** Makes a merchant able to work: key, relays, wallet. Throws when the wallet's URL is none. */
export type Serve = (row: MerchantRow, secretKey: Uint8Array, walletUrl: string | null) => ServedMerchant;

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
  readonly #secrets: SecretBox;
  readonly #first: MerchantKey & { wallet: string | null };
  readonly #serve: Serve;
  readonly #served = new Map<string, ServedMerchant>();
  readonly #stop = new AbortController();
  #refreshing: Promise<void> | undefined;
  #live = false;

  constructor(o: {
    database: Database;
    clock: Clock;
    log: Log;
    secrets: SecretBox;
    /** The merchant that the settings set up. */
    first: MerchantKey & { wallet: string | null };
    serve: Serve;
  }) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#log = o.log;
    this.#secrets = o.secrets;
    this.#first = o.first;
    this.#serve = o.serve;
  }

  /** Reads the merchants; nothing is connected yet. */
  async load(): Promise<void> {
    const now = this.#clock.now();
    await this.#database.transaction((tx) =>
      ensureMerchant(tx, { pubkey: this.#first.pubkey, keySource: "settings", now })
    );
    await this.#refresh();
  }

  /** Connects to the relays, and looks for what other processes change. */
  async start(): Promise<void> {
    this.#live = true;
    for (const merchant of this.#served.values()) {
      await merchant.intake.start();
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

  readonly identityOf: IdentityOf = (pubkey) => this.#served.get(pubkey);

  keys(): ReadonlySet<string> {
    return new Set(this.#served.keys());
  }

  /** The merchant that is meant: the one named, or the only one. Null when it isn't clear. */
  only(named: string | undefined): string | null {
    if (named !== undefined) return this.#served.has(named) ? named : null;
    return this.#served.size === 1 ? this.#first.pubkey : null;
  }

  /** Serves another merchant from now on. A key is made when none is given; it is kept sealed. */
  async create(o: { name: string; profile: Profile; secretKey?: string; wallet?: string }): Promise<Created> {
    const parsed = o.secretKey === undefined
      ? { ok: true as const, secretKey: generateSecretKey() }
      : parseSecretKey(o.secretKey);
    if (!parsed.ok) return { ok: false, conflict: false, reason: parsed.reason };
    const { secretKey } = parsed;
    const pubkey = getPublicKey(secretKey);
    const now = this.#clock.now();
    const row: MerchantRow = {
      pubkey,
      name: o.name,
      profile: JSON.stringify(o.profile),
      state: "active",
      pause_message: null,
      key_source: "secrets",
      halted: null,
      created_at: now,
      updated_at: now,
    };
    let served: ServedMerchant;
    try {
      served = this.#serve(row, secretKey, o.wallet ?? null);
    } catch (error) {
      return { ok: false, conflict: false, reason: errorText(error) };
    }
    const made = await this.#database.transaction(async (tx) => {
      if (
        !await ensureMerchant(tx, { pubkey, name: o.name, profile: o.profile, keySource: "secrets", now })
      ) return false;
      await this.#seal(tx, pubkey, "key", bytesToHex(secretKey));
      if (o.wallet !== undefined) await this.#seal(tx, pubkey, "wallet", o.wallet);
      return true;
    });
    if (!made) {
      await served.close();
      return { ok: false, conflict: true, reason: "This key is served already." };
    }
    await this.#add(served);
    return { ok: true, merchant: served };
  }

  async change(pubkey: string, input: MerchantInput): Promise<void> {
    await this.#write((tx, now) => updateMerchant(tx, { pubkey, input, now }));
  }

  async pause(pubkey: string, message: string | null): Promise<void> {
    await this.#write((tx, now) => pauseMerchant(tx, { pubkey, message, now }));
  }

  async resume(pubkey: string): Promise<void> {
    await this.#write((tx, now) => resumeMerchant(tx, { pubkey, now }));
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
    for (const row of await selectMerchants(this.#database.kysely)) {
      const known = this.#served.get(row.pubkey);
      if (known) known.row = row;
      else await this.#addRow(row);
    }
  }

  async #addRow(row: MerchantRow): Promise<void> {
    if (row.key_source === "settings") {
      if (row.pubkey === this.#first.pubkey) {
        return await this.#add(this.#serve(row, this.#first.secretKey, this.#first.wallet));
      }
      // An earlier key of the settings: its orders stay, but nobody here can answer for it.
      return this.#log.debug("merchant.without_key", { merchant: row.pubkey });
    }
    const key = parseSecretKey(await this.#open(row.pubkey, "key") ?? "");
    if (!key.ok) throw new Error(`the sealed key of merchant ${row.pubkey} is missing or damaged`);
    await this.#add(this.#serve(row, key.secretKey, await this.#open(row.pubkey, "wallet") ?? null));
  }

  async #add(served: ServedMerchant): Promise<void> {
    this.#served.set(served.pubkey, served);
    if (this.#live) await served.intake.start();
  }

  async #seal(tx: Tx, merchant: string, name: string, plain: string): Promise<void> {
    await putSecret(tx, {
      merchant,
      name,
      sealed: this.#secrets.seal(plain, `${merchant}:${name}`),
      now: this.#clock.now(),
    });
  }

  async #open(merchant: string, name: string): Promise<string | undefined> {
    const sealed = await getSecret(this.#database.kysely, merchant, name);
    return sealed && this.#secrets.open(sealed, `${merchant}:${name}`);
  }
}
