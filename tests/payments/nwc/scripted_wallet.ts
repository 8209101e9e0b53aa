import { bytesToHex } from "@noble/hashes/utils.js";
import type { NostrEvent } from "@nostrify/types";
import { generateSecretKey } from "nostr-tools/pure";
import { LinkError } from "../../../src/nostr/relay_link.ts";
import type { RelayPool } from "../../../src/nostr/relay_pool.ts";
import { localSigner } from "../../../src/nostr/signer.ts";
import { pureCrypto } from "../../../src/nostr/verify.ts";
import { NwcWallet } from "../../../src/payments/nwc/nwc_wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { silentLog } from "../../support/log.ts";
import { testPool } from "../../support/wire.ts";

type Cipher = "nip04" | "nip44";
type Body = Record<string, unknown>;

/** A request as the service reads it. */
export interface Request {
  method: string;
  params: Body;
  cipher: Cipher;
  event: NostrEvent;
}

/** A NIP-47 wallet service that does what a test says, on a real relay. */
export class ScriptedWallet implements AsyncDisposable {
  readonly #secret = generateSecretKey();
  readonly #clientSecret = generateSecretKey();
  readonly #signer = localSigner(this.#secret, pureCrypto);
  readonly #stop = new AbortController();
  readonly #pool: RelayPool;
  readonly #relay: string;
  readonly #clientPools: RelayPool[] = [];
  #listening: Promise<void> | undefined;
  readonly requests: Request[] = [];
  /** Answers a request: a body, or null for silence. */
  answer: (request: Request) => Body | null | Promise<Body | null> = () => null;
  readonly clock = new FakeClock(Date.now());

  constructor(relay: string) {
    this.#relay = relay;
    this.#pool = testPool({ signer: this.#signer });
  }

  get clientPubkey(): string {
    return pureCrypto.publicKey(this.#clientSecret);
  }

  /** The connection as a person would paste it. */
  get uri(): string {
    const query = new URLSearchParams({ relay: this.#relay, secret: bytesToHex(this.#clientSecret) });
    return `nostr+walletconnect://${this.#signer.pubkey}?${query}`;
  }

  /** Publishes the info event and listens. */
  async serve(o: { methods: string; encryption?: string }): Promise<void> {
    await this.announce(o);
    const live = Promise.withResolvers<void>();
    this.#listening = this.#listen(live.resolve);
    await live.promise;
  }

  /** Publishes the info event, `later` seconds newer than the clock. */
  async announce(o: { methods: string; encryption?: string }, later = 0): Promise<void> {
    await this.#pool.publish(
      this.#relay,
      await this.#signer.signEvent({
        kind: 13194,
        created_at: Math.floor(Date.now() / 1000) + later,
        content: o.methods,
        tags: o.encryption === undefined ? [] : [["encryption", o.encryption]],
      }),
    );
  }

  /** Our side of the connection. Its waits go by the fake clock, its wire by the real one. */
  connect(o: { relays?: string[]; secret?: Uint8Array } = {}): NwcWallet {
    const { secret = this.#clientSecret } = o;
    const signer = localSigner(secret, pureCrypto);
    const pool = testPool({ signer });
    this.#clientPools.unshift(pool);
    return new NwcWallet({
      uri: {
        walletPubkey: this.#signer.pubkey,
        relays: o.relays ?? [this.#relay],
        secret,
      },
      signer,
      pool,
      verifier: pureCrypto,
      clock: this.clock,
      random: systemRandom,
      log: silentLog,
    });
  }

  async reply(request: Request, body: Body): Promise<void> {
    await this.send(23195, body, request.cipher, [["e", request.event.id]]);
  }

  async send(kind: number, body: Body, cipher: Cipher, tags: string[][] = []): Promise<void> {
    const content = await this.#signer[cipher].encrypt(this.clientPubkey, JSON.stringify(body));
    const created_at = Math.floor(Date.now() / 1000);
    const event = await this.#signer.signEvent({
      kind,
      created_at,
      content,
      tags: [["p", this.clientPubkey], ...tags],
    });
    await this.#pool.publish(this.#relay, event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#listening;
    for (const pool of this.#clientPools) await pool[Symbol.asyncDispose]();
    await this.#pool[Symbol.asyncDispose]();
  }

  /** Also over connections that the relay drops. */
  async #listen(live: () => void): Promise<void> {
    const filter = { kinds: [23194], "#p": [this.#signer.pubkey] };
    while (!this.#stop.signal.aborted) {
      try {
        for await (
          const message of this.#pool.link(this.#relay).req([filter], { signal: this.#stop.signal })
        ) {
          if (message[0] === "EOSE") live();
          if (message[0] === "EVENT") await this.#handle(message[2]);
        }
      } catch (error) {
        if (!(error instanceof LinkError) && !this.#stop.signal.aborted) throw error;
      }
    }
  }

  async #handle(event: NostrEvent): Promise<void> {
    const cipher: Cipher = event.content.includes("?iv=") ? "nip04" : "nip44";
    const { method, params } = JSON.parse(await this.#signer[cipher].decrypt(event.pubkey, event.content));
    const request = { method, params, cipher, event };
    this.requests.push(request);
    const body = await this.answer(request);
    if (body) await this.reply(request, body);
  }
}

/** A wait that is ended by hand. */
export function patience() {
  const controller = new AbortController();
  return { signal: controller.signal, end: () => controller.abort(new Error("no patience left")) };
}
