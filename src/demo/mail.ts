import * as nip04 from "nostr-tools/nip04";
import * as nip59 from "nostr-tools/nip59";
import { finalizeEvent, getPublicKey, type NostrEvent } from "nostr-tools/pure";

export type EnvelopeName = "nip04" | "nip17";

/** A message of the merchant, read. */
export interface Letter {
  /** What it is known by: the event of kind 4, or the rumor in the gift wrap. */
  id: string;
  content: string;
  /** Seconds. */
  created_at: number;
}

/** A customer's correspondence with a merchant: NIP-04, NIP-17 and NIP-42 by nostr-tools, nothing of ours. */
export class Mail {
  readonly pubkey: string;
  readonly #secretKey: Uint8Array;
  readonly #merchant: string;
  readonly #envelope: EnvelopeName;

  constructor(o: { secretKey: Uint8Array; merchant: string; envelope: EnvelopeName }) {
    this.#secretKey = o.secretKey;
    this.#merchant = o.merchant;
    this.#envelope = o.envelope;
    this.pubkey = getPublicKey(o.secretKey);
  }

  /** A message to the merchant: in the customer's envelope, of now (`at`: seconds), and an event or rumor as usual unless more is said. */
  seal(
    content: string,
    o: { envelope?: EnvelopeName; at?: number; kind?: number; tags?: string[][] } = {},
  ): NostrEvent {
    const created_at = o.at ?? now();
    const tags = o.tags ?? [["p", this.#merchant]];
    if ((o.envelope ?? this.#envelope) === "nip17") {
      return plain(
        nip59.wrapEvent({ kind: o.kind ?? 14, created_at, tags, content }, this.#secretKey, this.#merchant),
      );
    }
    const encrypted = nip04.encrypt(this.#secretKey, this.#merchant, content);
    return plain(finalizeEvent({ kind: 4, created_at, tags, content: encrypted }, this.#secretKey));
  }

  /** Null for what the merchant didn't write (NIP-59: who sealed it). Throws for what can't be read. */
  open(event: NostrEvent): Letter | null {
    const { id, pubkey, content, created_at } = event.kind === 4
      ? event
      : nip59.unwrapEvent(event, this.#secretKey);
    if (pubkey !== this.#merchant) return null;
    const text = event.kind === 4 ? nip04.decrypt(this.#secretKey, pubkey, content) : content;
    return { id, content: text, created_at };
  }

  /** What a relay is asked for. */
  filter(): { kinds: number[]; authors?: string[]; "#p": string[] } {
    return this.#envelope === "nip04"
      ? { kinds: [4], authors: [this.#merchant], "#p": [this.pubkey] }
      : { kinds: [1059], "#p": [this.pubkey] };
  }

  /** NIP-42: direct messages are shown to their recipient only. */
  authentication(relay: string, challenge: string): NostrEvent {
    const tags = [["relay", relay], ["challenge", challenge]];
    return finalizeEvent({ kind: 22242, created_at: now(), tags, content: "" }, this.#secretKey);
  }
}

/** Without what libraries keep under symbols. */
function plain(event: NostrEvent): NostrEvent {
  return JSON.parse(JSON.stringify(event));
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
