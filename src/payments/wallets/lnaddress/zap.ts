import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { NostrEvent } from "@nostrify/types";
import { bech32 } from "@scure/base";
import { type Clock, seconds } from "../../../clock.ts";
import type { Msat } from "../../../money/msat.ts";
import type { RelayPool } from "../../../nostr/relay_pool.ts";
import type { MerchantSigner } from "../../../nostr/signer.ts";
import type { Random } from "../../../random.ts";
import { isProof } from "../../proof.ts";
import { type InvoiceRef, type InvoiceStatus, WalletError } from "../../wallet.ts";

export interface ZapReceiptsOptions {
  /** Where the receipts are to be published, and looked for. */
  relays: readonly string[];
  clock: Clock;
  random: Random;
  signer: (secretKey: Uint8Array) => MerchantSigner;
  pool: (signer: MerchantSigner) => RelayPool;
}

/** A wish for a zap, as the server of the address wants it. */
export interface ZapWish {
  params: { nostr: string; lnurl: string };
  /** What the invoice has to commit to: the hash of the wish. */
  descriptionHash: string;
  /** What its receipt is known by. */
  ref: string;
}

const REQUEST = 9734;
const RECEIPT = 9735;
const MOST_RELAYS = 4;
const ANSWER_MS = 8_000;
const MOST_RECEIPTS = 10;
const REF = /^zap:([0-9a-f]{64}):([0-9a-f]{64}):([0-9a-f]{64})$/;

/**
 * Sees payments by their zap receipts (NIP-57), for servers of Lightning addresses that say it no other way. Receipts are public,
 * so a wish is signed by a throw-away key, goes to that same key, and says nothing: neither the shop nor the order shows in it.
 */
export class ZapReceipts {
  readonly #o: ZapReceiptsOptions;
  readonly #relays: readonly string[];
  #pool: RelayPool | null = null;

  constructor(options: ZapReceiptsOptions) {
    this.#o = options;
    this.#relays = options.relays.slice(0, MOST_RELAYS);
  }

  /** Whether there is a relay to hear of receipts by. */
  get possible(): boolean {
    return this.#relays.length > 0;
  }

  /** A wish for this amount. `url` is the address's own, `zapKey` signs the receipt. */
  async wish(o: { amountMsat: Msat; url: string; zapKey: string }): Promise<ZapWish> {
    const { random, signer, clock } = this.#o;
    const throwAway = signer(random.bytes(32));
    const lnurl = bech32.encode("lnurl", bech32.toWords(utf8ToBytes(o.url)), false);
    const request = await throwAway.signEvent({
      kind: REQUEST,
      content: "",
      tags: [
        ["relays", ...this.#relays],
        ["amount", String(o.amountMsat)],
        ["lnurl", lnurl],
        ["p", throwAway.pubkey],
      ],
      created_at: seconds(clock.now()),
    });
    const nostr = JSON.stringify(request);
    const descriptionHash = hashOf(nostr);
    const ref = `zap:${o.zapKey}:${throwAway.pubkey}:${descriptionHash}`;
    return { params: { nostr, lnurl }, descriptionHash, ref };
  }

  /** Looks for the receipt of an invoice that such a wish has led to. Null: it hasn't. */
  async lookup(invoice: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus | null> {
    const [, zapKey, recipient] = REF.exec(invoice.ref ?? "") ?? [];
    if (zapKey === undefined || recipient === undefined) return null;
    const filter = { kinds: [RECEIPT], authors: [zapKey], "#p": [recipient], limit: MOST_RECEIPTS };
    const answers = await this.#openPool().queryEach(this.#relays, [filter], {
      timeoutMs: ANSWER_MS,
      signal,
    });
    for (const answer of answers) {
      const receipt = answer.ok ? answer.events.find((event) => isReceipt(event, invoice)) : undefined;
      if (!receipt) continue;
      const settledAt = Math.min(receipt.created_at * 1000, this.#o.clock.now());
      return { status: "settled", amountMsat: null, settledAt };
    }
    if (answers.some(({ ok }) => ok)) return { status: "open" };
    throw signal.aborted
      ? new WalletError("no_answer", "no relay told in time whether there is a zap receipt")
      : new WalletError("unreachable", "none of the relays that zap receipts go to can be reached");
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }

  #openPool(): RelayPool {
    const { pool, signer, random } = this.#o;
    return this.#pool ??= pool(signer(random.bytes(32)));
  }
}

/** Whether a verified event is the receipt of this invoice, of the key that the address names. NIP-57, appendix F. */
export function isReceipt(event: NostrEvent, invoice: InvoiceRef): boolean {
  const [, zapKey, , wishHash] = REF.exec(invoice.ref ?? "") ?? [];
  const tag = (name: string) => event.tags.find(([key]) => key === name)?.[1];
  const [bolt11, description, preimage] = [tag("bolt11"), tag("description"), tag("preimage")];
  return event.kind === RECEIPT && event.pubkey === zapKey &&
    bolt11?.toLowerCase() === invoice.bolt11.toLowerCase() &&
    description !== undefined && hashOf(description) === wishHash &&
    (!preimage || isProof(preimage.toLowerCase(), invoice.paymentHash));
}

function hashOf(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}
