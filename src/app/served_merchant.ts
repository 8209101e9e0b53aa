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

/** A merchant at work: the row, the key, the relays and the wallet. */
export class ServedMerchant implements NostrIdentity {
  readonly signer: MerchantSigner;
  readonly pool: RelayPool;
  readonly relays: readonly string[];
  readonly dmRelays: readonly string[];
  readonly publicRelayUrl: string | null;
  readonly wallet: ObservedWallet | null;
  /** What refunds are paid from; never the wallet above, unless it was set for this, too. */
  readonly spend: ObservedWallet | null;
  readonly intake: Intake;
  /** The signer, where it is a remote one. */
  readonly remote: RemoteSigner | null;
  /** False for a key that was given up: its payments are still booked, and nothing is said. */
  readonly signs: boolean;
  /** As the database had it when it was last looked at. */
  row: MerchantRow;

  constructor(
    o: Omit<NostrIdentity, "pubkey"> & {
      row: MerchantRow;
      wallet: ObservedWallet | null;
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
    this.wallet = o.wallet;
    this.spend = o.spend;
    this.intake = o.intake;
    this.remote = o.remote;
    this.signs = o.signs;
  }

  get pubkey(): string {
    return this.row.pubkey;
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
    await this.wallet?.close();
    await this.spend?.close();
    await this.pool.close();
    await this.remote?.close();
  }
}
