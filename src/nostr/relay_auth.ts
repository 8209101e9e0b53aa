import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import type { MerchantSigner } from "./signer.ts";

/** Challenges answered per connection: each costs a signature, so a relay mustn't ask without end. */
const MAX_CHALLENGES = 8;
/** Who is refused for want of AUTH waits this long for a challenge and its outcome. */
const AUTH_MS = 8_000;

/** Something that the relay refused for want of AUTH: to be sent again, or the refusal is final. */
export interface Refused {
  again: () => void;
  final: () => void;
}

/** AUTH on one connection (NIP-42): answers challenges, and keeps what was refused until their outcome is known. */
export class RelayAuth {
  readonly #url: string;
  readonly #signer: MerchantSigner | null;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ids = new Set<string>();
  readonly #refused = new Set<Refused>();
  readonly #ended = new AbortController();
  #authenticated = false;
  #challenges = 0;

  /** Without a signer every refusal is final. */
  constructor(o: { url: string; signer: MerchantSigner | null; clock: Clock; log: Log }) {
    this.#url = o.url;
    this.#signer = o.signer;
    this.#clock = o.clock;
    this.#log = o.log;
  }

  /** Counts a challenge; false when there were too many. */
  challenged(): boolean {
    return ++this.#challenges <= MAX_CHALLENGES;
  }

  /** The event that answers a challenge. Rejects when it can't be signed. */
  async answer(challenge: string): Promise<NostrEvent> {
    try {
      const event = await this.#signer!.signEvent({
        kind: 22242,
        content: "",
        tags: [["relay", this.#url], ["challenge", challenge]],
        created_at: seconds(this.#clock.now()),
      });
      this.#ids.add(event.id);
      return event;
    } catch (error) {
      this.#log.warn("relay.auth_failed", { error: errorText(error) });
      this.#settle(false);
      throw error;
    }
  }

  /** The relay's OK; false when it speaks of another event than our answers. */
  answered(id: string, ok: boolean): boolean {
    if (!this.#ids.has(id)) return false;
    this.#settle(ok);
    return true;
  }

  /**
   * Whether a refusal may end with AUTH. NIP-42 has a word for it; some relays say `restricted:` to whomever they don't know yet,
   * who has been challenged but not heard.
   */
  concerns(reason: string): boolean {
    if (this.#signer === null) return false;
    return reason.startsWith("auth-required:") ||
      (reason.startsWith("restricted:") && this.#challenges > 0 && !this.#authenticated);
  }

  /** The challenge may have come before the refusal or may follow it; where none comes, the refusal becomes final. */
  wait(refused: Refused): void {
    if (this.#authenticated) return refused.again();
    this.#refused.add(refused);
    void this.#clock.sleep(AUTH_MS, this.#ended.signal).then(() => {
      if (this.#refused.delete(refused)) refused.final();
    });
  }

  /** The connection is gone: nobody waits any more. */
  end(): void {
    this.#refused.clear();
    this.#ended.abort();
  }

  #settle(ok: boolean): void {
    this.#authenticated = ok;
    const refused = [...this.#refused];
    this.#refused.clear();
    for (const { again, final } of refused) ok ? again() : final();
  }
}
