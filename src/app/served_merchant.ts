import type { MerchantRow } from "../catalog/merchants_store.ts";
import type { RemoteSigner } from "../nostr/bunker/remote_signer.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import type { Intake, IntakeRelayStatus } from "../nostr/intake.ts";
import type { RelayPool, RelayStatus } from "../nostr/relay_pool.ts";
import type { MerchantSigner } from "../nostr/signer.ts";
import type { ObservedWallet } from "../payments/observed_wallet.ts";

/** A relay of a merchant: its connection and how far it is read. */
export type MerchantRelayStatus =
  & RelayStatus
  & Pick<IntakeRelayStatus, "caughtUp" | "hidden" | "refusing" | "deaf" | "foundDeaf" | "unproven">;

/** A wallet that the merchant receives with, by the name that people gave it. */
export interface NamedWallet {
  name: string;
  wallet: ObservedWallet;
  /** When its row was written; another time is another wallet. Null: it is the first one, and has none. */
  at: number | null;
}

/** The first wallet's. */
export const FIRST_WALLET = "main";

/** A merchant at work: the row, the key, the relays and the wallet. */
export class ServedMerchant implements NostrIdentity {
  readonly signer: MerchantSigner;
  readonly pool: RelayPool;
  readonly relays: readonly string[];
  readonly dmRelays: readonly string[];
  readonly publicRelayUrl: string | null;
  /** What it receives with, in the order in which they are asked. */
  receiving: readonly NamedWallet[];
  /** What refunds are paid from; never the wallet above, unless it was set for this, too. */
  readonly spend: ObservedWallet | null;
  readonly intake: Intake;
  /** The signer, where it is a remote one. */
  readonly remote: RemoteSigner | null;
  /** False for a key that was given up: its payments are still booked, and nothing is said. */
  readonly signs: boolean;
  /** As the database had it when it was last looked at. */
  row: MerchantRow;
  /** A wallet by its URL; whoever opens one closes it. Throws when the URL is no wallet's. */
  readonly openWallet: (url: string) => ObservedWallet;

  constructor(
    o: Omit<NostrIdentity, "pubkey"> & {
      row: MerchantRow;
      wallet: ObservedWallet | null;
      openWallet: (url: string) => ObservedWallet;
      spend: ObservedWallet | null;
      intake: Intake;
      remote: RemoteSigner | null;
      signs: boolean;
    },
  ) {
    this.row = o.row;
    this.signer = o.signer;
    this.pool = o.pool;
    this.relays = o.relays;
    this.dmRelays = o.dmRelays;
    this.publicRelayUrl = o.publicRelayUrl;
    this.receiving = o.wallet === null ? [] : [{ name: FIRST_WALLET, wallet: o.wallet, at: null }];
    this.openWallet = o.openWallet;
    this.spend = o.spend;
    this.intake = o.intake;
    this.remote = o.remote;
    this.signs = o.signs;
  }

  get pubkey(): string {
    return this.row.pubkey;
  }

  /** What it receives with. */
  get wallets(): ObservedWallet[] {
    return this.receiving.map(({ wallet }) => wallet);
  }

  /** The one that is asked first; null: none is set up. */
  get wallet(): ObservedWallet | null {
    return this.receiving[0]?.wallet ?? null;
  }

  /**
   * Receives with these beside the first one from now on; those that were there before stay open. Throws when a URL is no
   * wallet's.
   */
  async receiveWith(further: { name: string; at: number; url: string }[]): Promise<void> {
    const kept = (wanted: { name: string; at: number | null }) =>
      this.receiving.find(({ name, at }) => name === wanted.name && at === wanted.at);
    const before = this.receiving;
    this.receiving = [
      ...before.filter(({ at }) => at === null),
      ...further.map(({ name, at, url }) => kept({ name, at }) ?? { name, at, wallet: this.openWallet(url) }),
    ];
    const gone = before.filter((one) => !this.receiving.includes(one));
    await Promise.all(gone.map(({ wallet }) => wallet.close()));
  }

  /** The name of the wallet that a URL leads to, if it receives with that already; else null. Throws when it is no wallet's. */
  async nameOf(url: string): Promise<string | null> {
    const wallet = this.openWallet(url);
    try {
      return this.receiving.find((one) => one.wallet.id === wallet.id)?.name ?? null;
    } finally {
      await wallet.close();
    }
  }

  /** What takes the money, for people; null without a wallet. */
  get walletText(): string | null {
    return this.wallet?.describe() ?? null;
  }

  /** Why nothing can be ordered now; null when it can. */
  get closed(): string | null {
    if (this.row.state === "paused") {
      return this.row.pause_message ?? "This shop takes no orders at the moment.";
    }
    return this.wallet === null ? "This shop can't take payments yet." : null;
  }

  relayStatus(): MerchantRelayStatus[] {
    const links = new Map(this.pool.status().map((link) => [link.url, link]));
    return this.intake.status().relays.flatMap((relay) => {
      const link = links.get(relay.url);
      const { caughtUp, hidden, refusing, deaf, foundDeaf, unproven } = relay;
      return link
        ? [{
          ...link,
          caughtUp,
          hidden,
          refusing,
          deaf,
          foundDeaf,
          unproven,
          error: link.error ?? relay.error,
        }]
        : [];
    });
  }

  async close(): Promise<void> {
    await this.intake.stop();
    await Promise.all(this.wallets.map((wallet) => wallet.close()));
    await this.spend?.close();
    await this.pool.close();
    await this.remote?.close();
  }
}
