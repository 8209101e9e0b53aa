import { type Cipher, type MerchantSigner, SignerUnavailableError } from "./signer.ts";

/** Stands for a key that was given up: nothing is signed, opened or sealed with it any more. */
export function goneSigner(pubkey: string): MerchantSigner {
  const gone = () => Promise.reject(new SignerUnavailableError("this key was given up"));
  const cipher: Cipher = { encrypt: gone, decrypt: gone };
  return {
    pubkey,
    getPublicKey: () => Promise.resolve(pubkey),
    signEvent: gone,
    nip04: cipher,
    nip44: cipher,
  };
}
