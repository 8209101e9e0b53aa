import { type MerchantSigner, SignerUnavailableError } from "../../src/nostr/signer.ts";

/** A signer that can't be reached while `isDown` says so. */
export function signerThatFails(own: MerchantSigner, isDown: () => boolean): MerchantSigner {
  return signerBehind(
    own,
    () => isDown() ? Promise.reject(new SignerUnavailableError("the signer is down")) : Promise.resolve(),
  );
}

/** A signer that does nothing before the gate has let it through. */
export function signerBehind(own: MerchantSigner, gate: () => Promise<void>): MerchantSigner {
  const ask = async <T>(answer: () => Promise<T>): Promise<T> => {
    await gate();
    return await answer();
  };
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
