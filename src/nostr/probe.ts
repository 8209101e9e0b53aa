import type { NostrEvent } from "@nostrify/types";
import { encrypt } from "nostr-tools/nip44";
import { type Clock, seconds } from "../clock.ts";
import type { Random } from "../random.ts";
import { conversationKey } from "./key_agreement.ts";
import { newSecretKey } from "./secret_bytes.ts";
import type { MerchantSigner } from "./signer.ts";
import { pureCrypto } from "./verify.ts";

/** A gift wrap needs no signer and tells clients nothing; relays that don't take it get a direct message to self. */
export type ProbeKind = 1059 | 4;

const HOUR_SECONDS = 3_600;
/** NIP-40: long enough to come back, short enough not to pile up. */
const EXPIRES_SECONDS = 120;
/**
 * A probe is dated back, into the past that is asked for: it stands behind the customers' messages in every page, and no client
 * takes it for the newest event of the shop.
 */
const BACKDATED_SECONDS: Record<ProbeKind, number> = { 1059: 47 * HOUR_SECONDS, 4: 36 * HOUR_SECONDS };
const TEXT = "A relay check of the shop's server. Nothing to do.";
const TAG = "probe";

/** Makes events by which a relay proves that it hands over what it takes. Each is addressed to the merchant. */
export class ProbeMaker {
  readonly #signer: MerchantSigner;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(o: { signer: MerchantSigner; clock: Clock; random: Random }) {
    this.#signer = o.signer;
    this.#clock = o.clock;
    this.#random = o.random;
  }

  /** Kind 1059 is signed by a throw-away key and always works; kind 4 rejects when the signer can't be asked. */
  async make(kind: ProbeKind): Promise<NostrEvent> {
    const merchant = this.#signer.pubkey;
    const now = seconds(this.#clock.now());
    const head = {
      kind,
      created_at: now - BACKDATED_SECONDS[kind],
      tags: [["p", merchant], ["expiration", String(now + EXPIRES_SECONDS)], [TAG, this.#random.uuid()]],
    };
    if (kind === 4) {
      const content = await this.#signer.nip04.encrypt(merchant, TEXT);
      return await this.#signer.signEvent({ ...head, content });
    }
    const crypto = this.#signer.crypto ?? pureCrypto;
    const throwAway = newSecretKey(this.#random);
    const key = conversationKey(crypto.agreement(throwAway)(merchant));
    return crypto.sign({ ...head, content: encrypt(TEXT, key, this.#random.bytes(32)) }, throwAway);
  }
}

/**
 * Whether an event is a probe, of this process or of another that serves the same merchant: it goes into no inbox. Who marks a
 * message of their own like this asks to be ignored.
 */
export function isProbe(event: NostrEvent, merchant: string): boolean {
  return (event.kind === 1059 || (event.kind === 4 && event.pubkey === merchant)) &&
    event.tags.some((tag) => tag[0] === TAG);
}
