import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import { HDKey } from "@scure/bip32";
import { p2wpkh } from "@scure/btc-signer";
import type { Network } from "../wallet.ts";
import { descriptorChecksum } from "./descriptor_checksum.ts";

/** An address of ours, and the name that the Electrum protocol has for its script. */
export interface DerivedAddress {
  address: string;
  scriptHash: string;
}

/** A merchant's on-chain wallet as far as we know it: its public keys. */
export interface ChainAccount {
  /** `btc:` and a digest of its key and path: the same for the same wallet, however it is written. */
  id: string;
  /** The networks that its key is for. */
  networks: readonly Network[];
  /** The receiving address of an index. Throws for a network that the key isn't for. */
  derive(index: number, network: Network): DerivedAddress;
}

export type AccountRead = { ok: true; account: ChainAccount } | { ok: false; reason: string };

const TEST: readonly Network[] = ["tb", "tbs", "bcrt"];
const MAIN: readonly Network[] = ["bc"];

/** SLIP-132: what a key's first letters say. All of them are read for P2WPKH addresses. */
const KEYS: Record<string, { public: number; networks: readonly Network[] }> = {
  xpub: { public: 0x0488b21e, networks: MAIN },
  zpub: { public: 0x04b24746, networks: MAIN },
  tpub: { public: 0x043587cf, networks: TEST },
  vpub: { public: 0x045f1cf6, networks: TEST },
};

/** BIP 173: what addresses begin with. Signet's are testnet's. */
const HRP: Record<Network, string> = { bc: "bc", tb: "tb", tbs: "tb", bcrt: "bcrt" };

const PRIVATE =
  "holds a private key, which could spend the money. Give the public one (xpub, zpub) alone: receiving needs no more.";
const WANTED = "must be an extended public key (xpub…, zpub…) or a descriptor wpkh([…]xpub…/0/*).";
/** BIP 380 and BIP 389: an origin, a key, steps that aren't hardened and a star. `<0;1>` stands for receiving and change. */
const DESCRIPTOR =
  /^wpkh\((?:\[[0-9a-fA-F]{8}(?:\/\d+['hH]?)*\])?(?<key>[a-km-zA-HJ-NP-Z1-9]+)(?<path>(?:\/(?:\d+|<\d+(?:;\d+)+>))*)\/\*\)$/;

/**
 * Reads an account's extended public key or its descriptor. The reason of a refusal holds nothing of it. A bare key is taken for
 * an account's, whose receiving addresses are `0/i` (BIP 44, BIP 84).
 */
export function readAccount(text: string): AccountRead {
  const given = text.trim();
  if (/[xyztuvXYZTUV]prv[a-km-zA-HJ-NP-Z1-9]{50,}/.test(given) || isBareSecret(given)) return no(PRIVATE);
  if (/^(y|u|Y|U|Z|V)pub/.test(given)) {
    return no(
      "is the key of a wallet whose addresses aren't native SegWit (bc1q…): others aren't offered. " +
        "Make an account with such addresses (zpub).",
    );
  }
  return given.includes("(") ? fromDescriptor(given) : fromKey(given, [0]);
}

function fromDescriptor(given: string): AccountRead {
  const [body = "", checksum, ...more] = given.split("#");
  if (more.length > 0) return no(WANTED);
  if (checksum !== undefined && descriptorChecksum(body) !== checksum) {
    return no("has a checksum that doesn't fit: something in it is mistyped.");
  }
  const found = DESCRIPTOR.exec(body)?.groups;
  if (!found) {
    return no(
      /^(sh|pkh|tr|wsh|combo|multi)\(/.test(body)
        ? "describes another kind of address; those of wpkh(…) are offered alone."
        : /\/\d+['hH]/.test(body.replace(/\[[^\]]*\]/, ""))
        ? "has a hardened step behind the key, which needs the private one. Use the account's own key."
        : WANTED,
    );
  }
  const path = (found.path ?? "").split("/").slice(1)
    .map((step) => Number(step.startsWith("<") ? step.slice(1).split(";")[0] : step));
  if (path.some((step) => step >= 0x80000000)) return no("has a step that is out of range.");
  return fromKey(found.key!, path);
}

function fromKey(text: string, path: readonly number[]): AccountRead {
  const kind = KEYS[text.slice(0, 4)];
  if (!kind) return no(WANTED);
  let chain: HDKey;
  try {
    const key = HDKey.fromExtendedKey(text, { public: kind.public, private: 0 });
    chain = path.reduce((parent, step) => parent.deriveChild(step), key);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return no("isn't a key that can be read: its checksum doesn't fit, or it is cut short.");
  }
  // One key may be written as xpub and as zpub.
  const id = `btc:${bytesToHex(sha256(concatBytes(chain.publicKey!, chain.chainCode!))).slice(0, 16)}`;
  const derive = (index: number, network: Network): DerivedAddress => {
    if (!kind.networks.includes(network)) throw new Error(`the key isn't for the network ${network}`);
    const bech32 = HRP[network];
    // The other prefixes are of addresses that we have none of.
    const { address, script } = p2wpkh(chain.deriveChild(index).publicKey!, {
      bech32,
      pubKeyHash: 0,
      scriptHash: 0,
      wif: 0,
    });
    return { address: address!, scriptHash: scriptHashOf(script) };
  };
  return { ok: true, account: { id, networks: kind.networks, derive } };
}

/** Electrum protocol: a script is named by its SHA-256, bytes in reverse order. */
export function scriptHashOf(script: Uint8Array): string {
  return bytesToHex(sha256(script).reverse());
}

/** A private key alone, as wallets export it, or 32 bytes as hex. */
function isBareSecret(text: string): boolean {
  return /^[5KLc9][a-km-zA-HJ-NP-Z1-9]{50,51}$/.test(text) || /^(0x)?[0-9a-fA-F]{64}$/.test(text);
}

function no(reason: string): AccountRead {
  return { ok: false, reason };
}
