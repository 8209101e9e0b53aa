import { type MerchantSigner, SignerUnavailableError } from "../../src/nostr/signer.ts";

/** A signer that can't be reached while `isDown` says so. */
export function signerThatFails(own: MerchantSigner, isDown: () => boolean): MerchantSigner {
  const ask = <T>(answer: () => Promise<T>): Promise<T> =>
    isDown() ? Promise.reject(new SignerUnavailableError("the signer is down")) : answer();
  const cipher = (kind: "nip04" | "nip44"): MerchantSigner["nip04"] => ({
    encrypt: (peer, text) => ask(() => own[kind].encrypt(peer, text)),
    decrypt: (peer, payload, use) => ask(() => own[kind].decrypt(peer, payload, use)),
  });
  return {
    pubkey: own.pubkey,
    ...(own.crypto && { crypto: own.crypto }),
    getPublicKey: () => own.getPublicKey(),
    signEvent: (template) => ask(() => own.signEvent(template)),
    nip04: cipher("nip04"),
    nip44: cipher("nip44"),
  };
}
