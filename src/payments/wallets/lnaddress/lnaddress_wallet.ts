import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Clock } from "../../../clock.ts";
import type { Log } from "../../../log.ts";
import type { GuardedFetch } from "../../../web/guarded_fetch.ts";
import { decodeBolt11 } from "../../bolt11.ts";
import { networkOf } from "../../refund_invoice.ts";
import {
  type CreatedInvoice,
  type InvoiceRef,
  type InvoiceRequest,
  type InvoiceStatus,
  type Network,
  type Wallet,
  type WalletCaps,
  WalletError,
  type WalletInfo,
} from "../../wallet.ts";
import { type LightningAddress, sameSite } from "./address.ts";
import { askForInvoice, type PayRequest, readPayRequest } from "./pay_request.ts";
import { askVerify } from "./verify.ts";
import type { ZapReceipts } from "./zap.ts";

export interface LnAddressWalletOptions {
  address: LightningAddress;
  /** `verify` URLs of hosts that don't belong to the address are taken, too. */
  anyVerify: boolean;
  /** Sees payments where there is no `verify`; null: that isn't wished. */
  zaps: ZapReceipts | null;
  web: GuardedFetch;
  clock: Clock;
  log: Log;
}

/** What a first invoice has told of the address. */
interface Known {
  at: number;
  network: Network | null;
  verify: boolean;
}

/** A server's abilities are asked about anew after this long: each time costs it an invoice that nobody pays. */
const KNOWN_MS = 24 * 3_600_000;
const LEAST_MSAT = 1_000n;

/**
 * A Lightning address (LUD-16, LUD-06): it takes money without any key of ours. What was paid it tells by LUD-21, or by zap
 * receipts where the merchant wishes that; else no invoice is made: nobody would ever see that it was paid.
 */
export class LnAddressWallet implements Wallet {
  readonly id: string;
  readonly kind = "lnaddress";
  readonly caps: WalletCaps = {
    // Many servers count in whole sats behind an interface of millisats.
    unit: "sat",
    expiry: false,
    descriptionHash: false,
    subscribe: "none",
    cancel: false,
    hold: false,
    pay: false,
  };
  readonly #o: LnAddressWalletOptions;
  readonly #log: Log;
  #known: Known | null = null;
  #warnedOfHash = false;

  constructor(options: LnAddressWalletOptions) {
    this.#o = options;
    this.id = `lnaddress:${bytesToHex(sha256(utf8ToBytes(options.address.text))).slice(0, 16)}`;
    this.#log = options.log.child({ wallet: this.id });
  }

  describe(): string {
    return `Lightning address ${this.#o.address.text}`;
  }

  /** Asks for the smallest invoice, now and then: only an invoice tells the network, and whether LUD-21 is offered. */
  async probe(signal: AbortSignal): Promise<WalletInfo> {
    const { clock, address, web } = this.#o;
    const request = await readPayRequest(web, address, signal);
    if (this.#known === null || clock.now() - this.#known.at > KNOWN_MS) {
      const amountMsat = request.leastMsat > LEAST_MSAT ? request.leastMsat : LEAST_MSAT;
      const { bolt11, verify } = await askForInvoice(web, { address, request, amountMsat }, signal);
      const network = networkOf(bolt11);
      this.#known = { at: clock.now(), network, verify: this.#verifyUrl(verify, request) !== null };
    }
    const { network, verify } = this.#known;
    const zaps = !verify && this.#zapKey(request) !== null;
    const warning = this.#warning(verify, zaps);
    return {
      network,
      alias: null,
      methods: ["payRequest", ...(verify ? ["verify"] : []), ...(zaps ? ["zap"] : [])],
      ...(warning !== null && { warning }),
    };
  }

  async createInvoice(asked: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    const { web, address } = this.#o;
    const request = await readPayRequest(web, address, signal);
    const zapKey = this.#zapKey(request);
    if (zapKey === null || this.#known?.verify !== false) {
      // LUD-12. It says no more than the invoice itself would.
      const fits = asked.description.length <= request.commentLength;
      const params = fits ? { comment: asked.description } : {};
      const { amountMsat } = asked;
      const { bolt11, verify } = await askForInvoice(web, { address, request, amountMsat, params }, signal);
      const ref = this.#verifyUrl(verify, request);
      if (ref !== null) {
        return { bolt11, paymentHash: null, ref, ...this.#purpose(bolt11, request.metadataHash) };
      }
    }
    if (zapKey !== null) return await this.#zapped(asked, { request, zapKey }, signal);
    throw new WalletError(
      "not_implemented",
      `${address.host} doesn't tell what was paid (LUD-21 verify): nobody would see that the order is paid`,
    );
  }

  async lookup(invoice: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    if (!invoice.ref) return { status: "not_found" };
    const { web, address, clock, zaps } = this.#o;
    const question = { invoice, url: invoice.ref, name: address.host, now: clock.now() };
    try {
      const status = await zaps?.lookup(invoice, signal) ?? await askVerify(web, question, signal);
      const read = status.status === "open" ? decodeBolt11(invoice.bolt11) : null;
      if (!read?.ok) return status;
      const { timestamp, expirySeconds } = read.invoice;
      return (timestamp + expirySeconds) * 1000 <= clock.now() ? { status: "expired" } : status;
    } catch (error) {
      if (error instanceof WalletError && error.kind === "bad_answer") {
        this.#log.error("lnaddress.verify_not_believed", {
          payment_hash: invoice.paymentHash,
          error: error.message,
        });
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#o.zaps?.close();
  }

  /** An invoice whose payment shows by its zap receipt. */
  async #zapped(
    { amountMsat }: InvoiceRequest,
    { request, zapKey }: { request: PayRequest; zapKey: string },
    signal: AbortSignal,
  ): Promise<CreatedInvoice> {
    const { web, address, zaps } = this.#o;
    const { params, descriptionHash, ref } = await zaps!.wish({ amountMsat, url: address.url, zapKey });
    const { bolt11 } = await askForInvoice(web, { address, request, amountMsat, params }, signal);
    return { bolt11, paymentHash: null, ref, ...this.#purpose(bolt11, descriptionHash) };
  }

  /** The key that signs receipts, where they are wished for and there are relays to hear of them by. */
  #zapKey({ zapKey }: PayRequest): string | null {
    return this.#o.zaps?.possible ? zapKey : null;
  }

  #warning(verify: boolean, zaps: boolean): string | null {
    const { address, zaps: wished } = this.#o;
    if (verify) return null;
    if (zaps) {
      return "payments show by public zap receipts only, and who runs those relays can hold them back";
    }
    const why = wished === null
      ? ""
      : wished.possible
      ? ", nor zap receipts"
      : ", and no relay is set for zap receipts";
    return `${address.host} doesn't tell what was paid (LUD-21 verify)${why}: no order can be paid this way. ` +
      "Use an address of a provider that offers it, or connect the wallet by NWC.";
  }

  /** The URL, if it is one that may be asked: of the people who answered for the address. */
  #verifyUrl(verify: string | null, { hosts }: PayRequest): string | null {
    const url = verify === null ? null : URL.parse(verify);
    if (!url || url.protocol !== "https:") return null;
    if (this.#o.anyVerify || hosts.some((host) => sameSite(url.hostname, host))) return url.href;
    this.#log.warn("lnaddress.verify_elsewhere", { host: url.hostname });
    return null;
  }

  /** LUD-06 and NIP-57 say what an invoice commits to. Those that don't are paid all the same, so it is only warned of. */
  #purpose(bolt11: string, descriptionHash: string): Pick<CreatedInvoice, "description" | "descriptionHash"> {
    const read = decodeBolt11(bolt11);
    if (read.ok && read.invoice.descriptionHash === descriptionHash) return { descriptionHash };
    if (!this.#warnedOfHash) this.#log.warn("lnaddress.other_metadata", { host: this.#o.address.host });
    this.#warnedOfHash = true;
    return { description: "theirs" };
  }
}
