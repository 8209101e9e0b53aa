import type { RelayPool } from "./relay_pool.ts";
import type { MerchantSigner } from "./signer.ts";

/** What is needed to speak on Nostr as one merchant. */
export interface NostrIdentity {
  readonly pubkey: string;
  readonly signer: MerchantSigner;
  readonly pool: RelayPool;
  /** Configured relays to publish to and read from; the built-in one isn't among them. */
  readonly relays: readonly string[];
  /** Configured relays for messages (kind 10050); the same as `relays` unless set apart. */
  readonly dmRelays: readonly string[];
  /** Public URL of the built-in relay, when it may be announced. */
  readonly publicRelayUrl: string | null;
}

/** Finds a served merchant; undefined for a key that isn't served here. */
export type IdentityOf = (pubkey: string) => NostrIdentity | undefined;
