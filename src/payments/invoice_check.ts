import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { formatSat, type Msat } from "../money/msat.ts";
import { type Bolt11, decodeBolt11 } from "./bolt11.ts";
import type { Network } from "./wallet.ts";

/** What we asked the wallet for. */
export interface AskedInvoice {
  amountMsat: Msat;
  /** Null: the wallet writes its own, so that there is nothing to compare it with. */
  description: string | null;
  /** The hash that stands for another text in its place, which the wallet has read and checked. */
  descriptionHash?: string | undefined;
  /** A hash that it was asked to commit to and need not. */
  orHash?: string | undefined;
  expirySeconds: number;
  /** The hash that the wallet named beside the invoice; null when it named none. */
  paymentHash: string | null;
  /** The wallet lets us choose the expiry, so a longer one is a mistake. */
  setsExpiry: boolean;
  /** ms since 1970. */
  now: number;
}

export type CheckedInvoice = { ok: true; decoded: Bolt11 } | { ok: false; reason: string };

/** A wallet may round an expiry up, to whole minutes for instance. */
const EXPIRY_TOLERANCE_SECONDS = 60;

/**
 * Whether an invoice is what we asked for, before a customer sees it: signature, network, exact amount, payment hash,
 * description (or its hash), not expired, and no longer expiry than asked for where the wallet lets us choose.
 */
export function checkInvoice(bolt11: string, asked: AskedInvoice, network: Network): CheckedInvoice {
  const read = decodeBolt11(bolt11);
  if (!read.ok) return read;
  const it = read.invoice;
  const refuse = (reason: string): CheckedInvoice => ({ ok: false, reason });
  if (it.network !== network) {
    return refuse(`it is for ${NAMES[it.network]}, the wallet's network is ${NAMES[network]}`);
  }
  if (it.amountMsat !== asked.amountMsat) {
    return refuse(
      `it asks for ${it.amountMsat === null ? "any amount" : formatSat(it.amountMsat)} instead of ${
        formatSat(asked.amountMsat)
      }`,
    );
  }
  if (asked.paymentHash !== null && it.paymentHash !== asked.paymentHash.toLowerCase()) {
    return refuse("its payment hash isn't the one that the wallet named");
  }
  if (!isFor(it, asked)) return refuse("its description isn't the one we gave");
  if ((it.timestamp + it.expirySeconds) * 1000 <= asked.now) return refuse("it has expired already");
  if (asked.setsExpiry && it.expirySeconds > asked.expirySeconds + EXPIRY_TOLERANCE_SECONDS) {
    return refuse(`it expires after ${it.expirySeconds} s instead of ${asked.expirySeconds} s`);
  }
  return { ok: true, decoded: it };
}

/** Whether it bears the description that was asked for, or its hash. */
function isFor(it: Bolt11, { description, descriptionHash, orHash }: AskedInvoice): boolean {
  if (descriptionHash !== undefined) return it.descriptionHash === descriptionHash;
  if (description === null || (orHash !== undefined && it.descriptionHash === orHash)) return true;
  return it.descriptionHash === null
    ? it.description === description
    : it.descriptionHash === bytesToHex(sha256(utf8ToBytes(description)));
}

const NAMES: Record<Network, string> = { bc: "mainnet", tb: "testnet", tbs: "signet", bcrt: "regtest" };
